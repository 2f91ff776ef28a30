/** A spend gate with a provider on loopback, for tests: opens meters and records what they report. */
import {
  Cancellation,
  type Log,
  type MeteredSpending,
  type ProviderCall,
  type StopCause,
  systemClock,
  systemIds,
  type Upstream,
  type WireActivity,
} from "@agentcore/contract";
import {
  type AttemptMeter,
  type CallJournal,
  createMemoryCallJournal,
  type MeterLimits,
  type ProviderRefusal,
  type SpendGate,
} from "@agentcore/core";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { providersSchema } from "../config.ts";
import { createSpendGate, type SpendGateOptions } from "../spend-gate.ts";
import { startUpstream, type TestUpstream, type UpstreamAnswer } from "./upstream.ts";

export const realKey = "sk-real-key-of-the-provider-0123456789";

export interface Rig {
  readonly gate: SpendGate;
  readonly upstream: TestUpstream;
  readonly journal: CallJournal;
  readonly directory: string;
  /** What the gate logged, as JSON. */
  readonly logged: string[];
  open(options?: OpenOptions): Promise<TestAttempt>;
}

export interface OpenOptions {
  readonly maxCostUsd?: number | null;
  readonly maxTokens?: number | null;
  readonly limits?: Partial<MeterLimits>;
  /** Default: 1. */
  readonly attempt?: number;
  readonly upstream?: Partial<Upstream>;
}

export interface TestAttempt {
  readonly meter: AttemptMeter;
  readonly permit: Cancellation<StopCause>;
  readonly stops: StopCause[];
  readonly refusals: ProviderRefusal[];
  readonly spendings: MeteredSpending[];
  readonly activities: WireActivity[];
  calls(): Promise<readonly ProviderCall[]>;
  /** Sends a request for a message with the attempt's key. */
  post(changes?: object, init?: PostOptions): Promise<Response>;
}

export interface PostOptions extends Omit<RequestInit, "headers"> {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RigOptions extends Partial<Omit<SpendGateOptions, "providers">> {
  readonly providers?: Parameters<typeof providersSchema.parse>[0];
}

export async function openRig(answer: UpstreamAnswer, options: RigOptions = {}): Promise<Rig> {
  const upstream = await startUpstream(answer);
  const directory = await mkdtemp(join(tmpdir(), "agentcore-gate-test-"));
  const journal = options.journal ?? createMemoryCallJournal();
  const logged: string[] = [];
  const log = (fields: object, message: string) => void logged.push(JSON.stringify({ ...fields, message }));
  const gate = createSpendGate({
    directory: join(directory, "gate"),
    env: {},
    clock: systemClock,
    ids: systemIds,
    log: { debug: log, info: log, warn: log, error: log } satisfies Log,
    ...options,
    journal,
    providers: providersSchema.parse(options.providers ?? {}),
  });
  onTestFinished(async () => {
    await gate.close();
    await upstream.close();
    await rm(directory, { recursive: true, force: true });
  });
  let permits = 0;
  return {
    gate,
    upstream,
    journal,
    directory,
    logged,
    open: (open = {}) => openAttempt({ gate, upstream, journal }, `permit-${(permits += 1)}`, open),
  };
}

export const messageRequest = {
  model: "claude-sonnet-5",
  max_tokens: 1000,
  stream: true,
  messages: [{ role: "user", content: "Say hello." }],
};

const noLimits: MeterLimits = { calls: null, callsInFlight: null, identicalCalls: null };

async function openAttempt(
  { gate, upstream, journal }: Pick<Rig, "gate" | "upstream" | "journal">,
  permitId: string,
  { maxCostUsd = null, maxTokens = null, limits = {}, attempt = 1, upstream: to = {} }: OpenOptions,
): Promise<TestAttempt> {
  const permit = new Cancellation<StopCause>();
  const stops: StopCause[] = [];
  const refusals: ProviderRefusal[] = [];
  const spendings: MeteredSpending[] = [];
  const activities: WireActivity[] = [];
  const meter = await gate.open({
    permit: {
      id: permitId,
      jobId: "job-1",
      attempt,
      worker: "claude-code",
      provider: "anthropic",
      workspace: "/w",
      issuedAt: 0,
      deadline: Number.MAX_SAFE_INTEGER,
      grants: { capabilities: [], maxCostUsd, maxTokens, model: null, timeoutMs: 60_000 },
      degraded: [],
      budgets: [],
      breakers: [],
      signal: permit,
    },
    upstream: {
      provider: "anthropic",
      protocol: "anthropic-messages",
      baseUrl: upstream.url,
      credential: { kind: "header", name: "x-api-key", value: realKey },
      ...to,
    },
    listener: {
      onSpending: (spending) => void spendings.push(spending),
      onActivity: (activity) => void activities.push(activity),
      onStop: (cause) => void stops.push(cause),
      onRefusal: (refusal) => void refusals.push(refusal),
    },
    limits: { ...noLimits, ...limits },
  });
  return {
    meter,
    permit,
    stops,
    refusals,
    spendings,
    activities,
    calls: () => journal.calls(permitId),
    post: (changes = {}, { path = "/v1/messages", headers, ...init } = {}) =>
      fetch(`${meter.access.url}${path}`, {
        method: "POST",
        headers: { "x-api-key": meter.access.key, "content-type": "application/json", ...headers },
        body: JSON.stringify({ ...messageRequest, ...changes }),
        ...init,
      }),
  };
}
