/** A labelled trace, and the judgment of what the watchdog does with it. */
import { claudeCodeAdapter } from "@agentcore/adapter-claude-code";
import { codexAdapter } from "@agentcore/adapter-codex";
import { openCodeAdapter } from "@agentcore/adapter-opencode";
import { shellAdapter } from "@agentcore/adapter-shell";
import type { WorkerAdapter } from "@agentcore/contract";
import { replayWatch, type WatchEnd } from "@agentcore/core/testing";
import type { Life, Seen } from "./life.ts";

export const workers = {
  claude: claudeCodeAdapter,
  codex: codexAdapter,
  opencode: openCodeAdapter,
  shell: shellAdapter,
} satisfies Record<string, WorkerAdapter>;

export interface Trace {
  readonly name: string;
  readonly worker: keyof typeof workers;
  /**
   * What is right. `healthy`: leave it alone until it exits. `stuck`: stop it after `sinceMs`. `finished`: end it after
   * `sinceMs`, and let its result count.
   */
  readonly label: "healthy" | "stuck" | "finished";
  readonly seen: readonly Seen[];
  /** When it gets stuck or finishes; of a healthy one, when it exits. */
  readonly sinceMs: number;
}

/** How long a stuck run is watched. Its time limit is longer, so that it does not hide a miss. */
const watchedMs = 3 * 3_600_000;
const timeoutMs = 48 * 3_600_000;

/** Requests in a row that ask for the same, at which the spend gate stops a run: `limits.attempt.identical_calls`. */
const identicalCalls = 20;

export const healthy = (worker: Trace["worker"], name: string, life: Life): Trace => ({
  name,
  worker,
  label: "healthy",
  seen: life.seen,
  sinceMs: life.nowMs,
});

/** `life` until it gets stuck; `after`: what can be seen then. */
export function stuck(
  worker: Trace["worker"],
  name: string,
  life: Life,
  after?: (life: Life) => Life,
): Trace {
  const sinceMs = life.nowMs;
  return { name, worker, label: "stuck", seen: (after?.(life) ?? life).seen, sinceMs };
}

export function finished(
  worker: Trace["worker"],
  name: string,
  life: Life,
  after?: (life: Life) => Life,
): Trace {
  return { ...stuck(worker, name, life, after), label: "finished" };
}

export interface Judged {
  readonly trace: Trace;
  readonly end: WatchEnd | null;
  readonly verdict: "right" | "false kill" | "miss" | "result lost";
  /** From the moment it got stuck or finished until it was ended; null if it was not. */
  readonly afterMs: number | null;
}

/** `seesWire`: whether the run uses the spend gate. Without it, the worker's events are all that is seen. */
export function judge(trace: Trace, seesWire: boolean): Judged {
  const { worker, label, sinceMs } = trace;
  const seen = seesWire ? trace.seen : trace.seen.filter(({ input }) => input.kind !== "wire");
  const end = endOf(worker, seen, label === "healthy" ? sinceMs : sinceMs + watchedMs);
  const verdict = verdictOf(trace, end);
  return { trace, end, verdict, afterMs: end === null || label === "healthy" ? null : end.atMs - sinceMs };
}

function verdictOf({ label, sinceMs }: Trace, end: WatchEnd | null): Judged["verdict"] {
  if (label === "healthy") return end === null ? "right" : "false kill";
  if (end === null) return "miss";
  if (end.atMs < sinceMs) return "false kill";
  return label === "finished" && end.isStopped ? "result lost" : "right";
}

function endOf(worker: Trace["worker"], seen: readonly Seen[], untilMs: number): WatchEnd | null {
  const adapter = workers[worker];
  const facts = { adapter, request: {}, grants: { timeoutMs, maxCostUsd: null, maxTokens: null } };
  const loop = seen.find(
    ({ input }) => input.kind === "wire" && (input.activity.identicalCalls ?? 0) >= identicalCalls,
  );
  const inputs = loop === undefined ? seen : seen.slice(0, seen.indexOf(loop));
  const end = replayWatch({ facts, inputs, untilMs: Math.min(untilMs, loop?.atMs ?? untilMs) });
  if (end !== null || loop === undefined || loop.atMs > untilMs) return end;
  return {
    atMs: loop.atMs,
    how: "loop",
    isStopped: true,
    message: "the spend gate refused a repeated request",
  };
}
