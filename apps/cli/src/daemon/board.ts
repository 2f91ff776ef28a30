/**
 * What the running attempts do, from the events of their jobs: `afterEvent` is a pure fold over the events of one job, and `Board`
 * keeps its result for each job that runs here. An attempt that ends leaves the board. A new process begins with an empty one,
 * which is right: it has no attempt either.
 */
import {
  BoundedMap,
  overviewTextCharsMax,
  runPhaseOf,
  tokensOf,
  type OverviewRunning,
  type RunEvent,
  type WorkerEvent,
} from "@agentcore/contract";

export interface Doing {
  readonly attempt: number;
  /** When the worker was started. */
  readonly startedAt: number;
  /** The last sign of the worker; null before the first. */
  readonly lastOutputAt: number | null;
  /** Tool calls in flight by their id, in words, the oldest first. */
  readonly tools: ReadonlyMap<string, OpenTool>;
  /** Requests to the provider; null: nothing is known of them. */
  readonly calls: OpenCalls | null;
  /** When the worker reported its end, unless it worked on after it. */
  readonly endedAt: number | null;
  /** Of this attempt so far; null: nothing was reported. */
  readonly costUsd: number | null;
  readonly tokens: number | null;
  readonly model: string | null;
  /** Why it was asked to stop; null: it was not. */
  readonly stopping: { readonly code: string; readonly reason: string } | null;
}

interface OpenTool {
  readonly words: string;
  readonly at: number;
}

interface OpenCalls {
  readonly waiting: number;
  readonly streaming: number;
  /** Since when there are such calls; of none, since when there are none. */
  readonly at: number;
  /** Since when the same request is sent again and again; null: it is not. */
  readonly loopingAt: number | null;
}

/** So many requests in a row that ask for the same are shown as a loop. */
const loopCallsMin = 5;

/** Tool calls remembered for one attempt. */
const toolsMax = 100;

/** Attempts remembered, so that an end which is never told costs no memory without bound. */
const attemptsMax = 10_000;

export class Board {
  readonly #doing = new BoundedMap<string, Doing>(attemptsMax);

  note(event: RunEvent): void {
    const before = this.#doing.get(event.jobId) ?? null;
    const after = afterEvent(before, event);
    if (after === null) this.#doing.delete(event.jobId);
    else if (after !== before) this.#doing.set(event.jobId, after);
  }

  /** Null: nothing is known of this attempt, because another process runs it, or its worker was not started. */
  of(jobId: string, attempt: number): Doing | null {
    const doing = this.#doing.get(jobId);
    return doing?.attempt === attempt ? doing : null;
  }

  get size(): number {
    return this.#doing.size;
  }
}

/** `doing`: null if nothing of the job runs. */
export function afterEvent(doing: Doing | null, event: RunEvent): Doing | null {
  switch (event.type) {
    case "attempt_started":
      return started(event.attempt, event.at);
    case "worker_event":
      return doing?.attempt === event.attempt ? afterWorkerEvent(doing, event.event, event.at) : doing;
    case "attempt_stopping":
      if (doing?.attempt !== event.attempt) return doing;
      return { ...doing, stopping: doing.stopping ?? { code: event.code, reason: event.message } };
    case "attempt_ended":
    case "permit_deferred":
    case "permit_rejected":
    case "retry_scheduled":
    case "job_ended":
      return null;
    case "job_submitted":
    case "permit_granted":
    case "events_dropped":
    case "escalation":
      return doing;
  }
}

const started = (attempt: number, startedAt: number): Doing => ({
  attempt,
  startedAt,
  lastOutputAt: null,
  tools: new Map(),
  calls: null,
  endedAt: null,
  costUsd: null,
  tokens: null,
  model: null,
  stopping: null,
});

/** Signs that a worker that had reported its end works on. */
const works: ReadonlySet<WorkerEvent["type"]> = new Set<WorkerEvent["type"]>([
  "started",
  "text",
  "tool_call",
  "tool_result",
  "file_change",
  "denied",
  "progress",
]);

function afterWorkerEvent(doing: Doing, event: WorkerEvent, at: number): Doing {
  // The runtime looks; it says nothing about the worker.
  if (event.type === "probe") return doing;
  if (event.type === "calls") return { ...doing, calls: afterCalls(doing.calls, event, at) };
  const seen = { ...doing, lastOutputAt: at, endedAt: works.has(event.type) ? null : doing.endedAt };
  switch (event.type) {
    case "started":
      return { ...seen, model: event.model ?? doing.model };
    case "ended":
      return { ...seen, tools: new Map(), endedAt: at };
    case "tool_call":
      return { ...seen, tools: withTool(doing.tools, event, at) };
    case "tool_result": {
      const tools = new Map(doing.tools);
      tools.delete(event.id);
      return { ...seen, tools };
    }
    case "usage":
      // Totals only grow; a late report out of order does not lower them.
      return {
        ...seen,
        costUsd: greater(doing.costUsd, event.costUsd),
        tokens: greater(doing.tokens, tokensOf(event.usage)),
      };
    default:
      return seen;
  }
}

function afterCalls(
  before: OpenCalls | null,
  { waiting, streaming, identical }: Extract<WorkerEvent, { type: "calls" }>,
  at: number,
): OpenCalls {
  const now = { waiting, streaming };
  const isSame = before !== null && callState(before) === callState(now);
  const loopingAt = identical >= loopCallsMin ? (before?.loopingAt ?? at) : null;
  return { ...now, at: isSame ? before.at : at, loopingAt };
}

/** Null: no call is open. */
const callState = ({ waiting, streaming }: Pick<OpenCalls, "waiting" | "streaming">) =>
  streaming > 0 ? "streaming" : waiting > 0 ? "waiting" : null;

function withTool(
  before: Doing["tools"],
  { id, tool, command, summary }: Extract<WorkerEvent, { type: "tool_call" }>,
  at: number,
): Doing["tools"] {
  const words = command ?? (summary === "" ? tool : `${tool} ${summary}`);
  const tools = new Map(before).set(id, { words: shortened(words), at });
  if (tools.size > toolsMax) tools.delete(tools.keys().next().value ?? id);
  return tools;
}

const greater = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.max(a, b);

/** The beginning of a text, without half a character at its end. */
export const shortened = (text: string): string =>
  text.length <= overviewTextCharsMax ? text : text.slice(0, overviewTextCharsMax).toWellFormed();

/** What counts as silence at the latest, however long the limit is. */
const silentMsMax = 60_000;

export interface Activity {
  readonly activity: OverviewRunning["activity"];
  /** Since when; of `silent`, `working` and `stopping`, when the last sign came. */
  readonly at: number;
}

export type ActivityFacts = Pick<Doing, "startedAt" | "lastOutputAt" | "tools" | "calls" | "endedAt">;

/** `silenceLimitMs`: after which the attempt counts as stalled. */
export function activityOf(
  { startedAt, lastOutputAt, tools, calls, endedAt }: ActivityFacts,
  { now, isStopping, silenceLimitMs }: { now: number; isStopping: boolean; silenceLimitMs: number },
): Activity {
  const signAt = Math.max(lastOutputAt ?? startedAt, calls?.at ?? startedAt);
  if (isStopping) return { activity: "stopping", at: signAt };
  const phase = runPhaseOf({
    hasEnded: endedAt !== null,
    toolsInFlight: tools.size,
    waiting: calls?.waiting ?? 0,
    streaming: calls?.streaming ?? 0,
    hasSign: lastOutputAt !== null || calls !== null,
  });
  if (phase === "finished") return { activity: phase, at: endedAt ?? signAt };
  const loopingAt = calls?.loopingAt ?? null;
  if (loopingAt !== null) return { activity: "looping", at: loopingAt };
  const [tool] = tools.values();
  if (phase === "tool") return { activity: phase, at: tool?.at ?? signAt };
  if (phase === "waiting" || phase === "streaming") return { activity: phase, at: calls?.at ?? signAt };
  const isSilent = now - signAt > Math.min(silenceLimitMs / 4, silentMsMax);
  return { activity: isSilent ? "silent" : phase, at: signAt };
}
