/** The limits of one run: the grants of its permit, the request of its job, and the configuration. */
import type { Grants, WorkerAdapter } from "@agentcore/contract";
import type { WatchdogConfig } from "../config/watchdog-config.ts";

/** In ms, if the name ends so. Null: no limit. */
export interface RunLimits {
  readonly timeoutMs: number;
  /** Before the first sign of the worker. */
  readonly startMs: number;
  readonly silenceMs: number;
  readonly toolSilenceMs: number;
  readonly firstByteMs: number;
  readonly streamSilenceMs: number;
  readonly exitAfterEndMs: number;
  readonly noProgressMs: number | null;
  /** In place of `noProgressMs` once the spend gate has seen a call of the run. */
  readonly meteredNoProgressMs: number | null;
  readonly maxCostUsd: number | null;
  readonly maxTokens: number | null;
}

const minuteMs = 60_000;
/** In place of `watchdog.silence`. */
export const defaultSilenceMs = 10 * minuteMs;
/** SDKs of providers give up after 10 minutes and try again. */
const firstByteMs = 20 * minuteMs;
/** The CLIs give up a silent response after 5 minutes and try again. */
const streamSilenceMs = 10 * minuteMs;
/** Without an open call or a tool call in flight. */
const meteredNoProgressMs = 30 * minuteMs;

export interface LimitFacts {
  readonly request: { readonly silenceTimeoutMs?: number | undefined };
  readonly grants: Pick<Grants, "timeoutMs" | "maxCostUsd" | "maxTokens">;
  readonly adapter: Pick<WorkerAdapter, "unseenTools" | "provider">;
}

export function runLimitsOf({ request, grants, adapter }: LimitFacts, config: WatchdogConfig): RunLimits {
  const hidesTools = adapter.unseenTools === true;
  const given = request.silenceTimeoutMs ?? config.silence ?? null;
  const asked = given === null ? null : Math.min(given, config.silence_max);
  return {
    timeoutMs: grants.timeoutMs,
    // A silence that was asked for counts for every worker; the default makes allowance for tools that are not seen. A worker
    // without a provider is a tool itself, from its first moment.
    startMs: asked ?? (hidesTools && adapter.provider === null ? config.tool_silence : defaultSilenceMs),
    silenceMs: asked ?? (hidesTools ? config.tool_silence : defaultSilenceMs),
    toolSilenceMs: config.tool_silence,
    firstByteMs: config.first_byte ?? Math.max(firstByteMs, asked ?? 0),
    streamSilenceMs: config.stream_silence ?? Math.max(streamSilenceMs, asked ?? 0),
    exitAfterEndMs: config.exit_after_end,
    noProgressMs: config.no_progress ?? null,
    meteredNoProgressMs: config.no_progress ?? (hidesTools ? null : meteredNoProgressMs),
    maxCostUsd: grants.maxCostUsd,
    maxTokens: grants.maxTokens,
  };
}
