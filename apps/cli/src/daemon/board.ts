/**
 * What the running attempts do, from the events of their jobs: `afterEvent` is a pure fold over the events of one job, and `Board`
 * keeps its result for each job that runs here. An attempt that ends leaves the board. A new process begins with an empty one,
 * which is right: it has no attempt either.
 */
import {
  BoundedMap,
  overviewTextCharsMax,
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
  readonly tools: ReadonlyMap<string, string>;
  /** Of this attempt so far; null: nothing was reported. */
  readonly costUsd: number | null;
  readonly tokens: number | null;
  readonly model: string | null;
  /** Why it was asked to stop; null: it was not. */
  readonly stopping: { readonly code: string; readonly reason: string } | null;
}

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
  costUsd: null,
  tokens: null,
  model: null,
  stopping: null,
});

function afterWorkerEvent(doing: Doing, event: WorkerEvent, at: number): Doing {
  // The runtime looks; it says nothing about the worker.
  if (event.type === "probe") return doing;
  const seen = { ...doing, lastOutputAt: at };
  switch (event.type) {
    case "started":
      return { ...seen, model: event.model ?? doing.model };
    case "tool_call":
      return { ...seen, tools: withTool(doing.tools, event) };
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

function withTool(
  before: Doing["tools"],
  { id, tool, command, summary }: Extract<WorkerEvent, { type: "tool_call" }>,
): Doing["tools"] {
  const words = command ?? (summary === "" ? tool : `${tool} ${summary}`);
  const tools = new Map(before).set(id, shortened(words));
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

/** `silenceLimitMs`: after which the attempt counts as stalled. */
export function activityOf(
  doing: Pick<Doing, "startedAt" | "lastOutputAt" | "tools">,
  { now, isStopping, silenceLimitMs }: { now: number; isStopping: boolean; silenceLimitMs: number },
): OverviewRunning["activity"] {
  if (isStopping) return "stopping";
  if (doing.tools.size > 0) return "tool";
  const silentMs = now - (doing.lastOutputAt ?? doing.startedAt);
  if (silentMs > Math.min(silenceLimitMs / 4, silentMsMax)) return "silent";
  return doing.lastOutputAt === null ? "starting" : "working";
}
