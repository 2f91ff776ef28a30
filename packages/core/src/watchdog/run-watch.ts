/**
 * Watches one run: time limit, signs of life, progress and ceilings. A pure transition; its caller passes in the worker's
 * events, what the spend gate sees of its calls, and the time, and stops the run for the first cause that it returns.
 * `liveness.ts` has the phases of a run and their limits.
 *
 * Time in which the runtime itself was stopped (a suspended machine, SIGSTOP) counts for none of the limits: after waking
 * up, a run has as much time left as it had before.
 */
import {
  formatDuration,
  tokensOf,
  type StopCause,
  type WireActivity,
  type WorkerEvent,
} from "@agentcore/contract";
import { nextLimitMs, overdue, type LifeSigns } from "./liveness.ts";
import type { RunLimits } from "./run-limits.ts";
import { afterWire, answeredOtherwise, wireAfterSleep } from "./wire-watch.ts";

export interface RunWatch extends LifeSigns {
  readonly deadlineMs: number;
  /** It was found finished but not exited. */
  readonly isEnded: boolean;
  readonly tokens: number;
  readonly costUsd: number | null;
  /** The largest increase of the totals from one report to the next: the possible size of one answer. */
  readonly costliestUsd: number;
  readonly costliestTokens: number;
}

export type WatchInput =
  | { readonly kind: "event"; readonly event: WorkerEvent }
  /** A sign other than the worker's own events shows progress. */
  | { readonly kind: "activity" }
  | { readonly kind: "wire"; readonly activity: WireActivity }
  | { readonly kind: "tick" }
  /** The runtime was suspended for this long. */
  | { readonly kind: "woke"; readonly sleptMs: number };

export interface WatchStep {
  readonly watch: RunWatch;
  /** Why the run must stop now; null while it may continue. */
  readonly stop: StopCause | null;
  /** Why its processes must end now although it is not stopped: it has finished, and its result counts. Given once. */
  readonly exitOverdue: StopCause | null;
}

/** Tool calls remembered. A worker that opens more without ending any no longer counts as waiting for the first ones. */
const toolsMax = 1000;

export function startWatch(limits: RunLimits, startedMs: number, nowMs: number): RunWatch {
  return {
    limits,
    startedMs: nowMs,
    deadlineMs: startedMs + limits.timeoutMs,
    lastEventMs: null,
    lastProgressMs: nowMs,
    toolsInFlight: new Set(),
    endedMs: null,
    wire: null,
    isEnded: false,
    tokens: 0,
    costUsd: null,
    costliestUsd: 0,
    costliestTokens: 0,
  };
}

export function stepWatch(watch: RunWatch, input: WatchInput, nowMs: number): WatchStep {
  switch (input.kind) {
    case "event": {
      const after = afterEvent(watch, input.event, nowMs);
      return {
        watch: after,
        stop: input.event.type === "usage" ? overCeiling(after) : null,
        exitOverdue: null,
      };
    }
    case "activity":
      return {
        watch: { ...watch, lastEventMs: nowMs, ...progress(watch, nowMs) },
        stop: null,
        exitOverdue: null,
      };
    case "wire":
      return judged({ ...watch, wire: afterWire(watch.wire, input.activity, nowMs) }, nowMs);
    case "woke":
      return judged(afterSleep(watch, input.sleptMs), nowMs);
    case "tick":
      return judged(watch, nowMs);
  }
}

/** When the next time limit is reached if nothing happens. */
export function nextDueMs(watch: RunWatch, nowMs: number): number {
  return watch.isEnded ? watch.deadlineMs : Math.min(watch.deadlineMs, nextLimitMs(watch, nowMs));
}

function afterSleep(watch: RunWatch, sleptMs: number): RunWatch {
  const later = (atMs: number | null): number | null => (atMs === null ? null : atMs + sleptMs);
  return {
    ...watch,
    startedMs: watch.startedMs + sleptMs,
    deadlineMs: watch.deadlineMs + sleptMs,
    lastEventMs: later(watch.lastEventMs),
    lastProgressMs: watch.lastProgressMs + sleptMs,
    endedMs: later(watch.endedMs),
    wire: watch.wire === null ? null : wireAfterSleep(watch.wire, sleptMs),
  };
}

/** What progress changes. A worker that works on had not finished. */
function progress(watch: RunWatch, nowMs: number) {
  const wire = watch.wire === null ? null : answeredOtherwise(watch.wire, nowMs);
  return { lastProgressMs: nowMs, endedMs: null, wire };
}

function afterEvent(watch: RunWatch, event: WorkerEvent, nowMs: number): RunWatch {
  const seen = { ...watch, lastEventMs: nowMs };
  switch (event.type) {
    case "tool_call": {
      const toolsInFlight = withTool(watch.toolsInFlight, event.id);
      return { ...seen, ...progress(watch, nowMs), toolsInFlight };
    }
    case "tool_result": {
      const toolsInFlight = new Set(watch.toolsInFlight);
      toolsInFlight.delete(event.id);
      return { ...seen, ...progress(watch, nowMs), toolsInFlight };
    }
    case "usage":
      return afterUsage(seen, event, nowMs);
    case "started":
    case "text":
    case "file_change":
    case "denied":
      return { ...seen, ...progress(watch, nowMs) };
    case "ended":
      // A tool call whose result never came no longer runs.
      return { ...seen, lastProgressMs: nowMs, toolsInFlight: new Set(), endedMs: nowMs };
    case "probe":
    case "calls":
      return watch;
    case "progress":
      return { ...seen, endedMs: null };
    case "warning":
    case "stdout":
    case "stderr":
    case "raw":
      return seen;
  }
}

/** Totals only grow; a late report out of order does not lower them. */
function afterUsage(
  watch: RunWatch,
  { usage, costUsd: said }: Extract<WorkerEvent, { type: "usage" }>,
  nowMs: number,
): RunWatch {
  const tokens = tokensOf(usage) ?? 0;
  const costUsd = said === null ? watch.costUsd : Math.max(said, watch.costUsd ?? 0);
  return {
    ...watch,
    lastProgressMs: tokens > watch.tokens ? nowMs : watch.lastProgressMs,
    tokens: Math.max(tokens, watch.tokens),
    costUsd,
    costliestUsd: Math.max(watch.costliestUsd, (costUsd ?? 0) - (watch.costUsd ?? 0)),
    costliestTokens: Math.max(watch.costliestTokens, tokens - watch.tokens),
  };
}

function withTool(tools: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(tools).add(id);
  if (next.size > toolsMax) next.delete(next.values().next().value ?? id);
  return next;
}

function overCeiling(watch: RunWatch): StopCause | null {
  const { maxCostUsd, maxTokens } = watch.limits;
  const { costUsd, tokens } = watch;
  if (maxCostUsd !== null && costUsd !== null && costUsd >= maxCostUsd) {
    const message = `$${costUsd} were spent; the ceiling is $${maxCostUsd}`;
    return { kind: "budget", code: "AC_COST_CEILING", message, evidence: { costUsd, maxCostUsd } };
  }
  if (maxTokens !== null && tokens >= maxTokens) {
    const message = `${tokens} tokens were used; the ceiling is ${maxTokens}`;
    return { kind: "budget", code: "AC_TOKEN_CEILING", message, evidence: { tokens, maxTokens } };
  }
  return null;
}

function judged(watch: RunWatch, nowMs: number): WatchStep {
  const { limits, deadlineMs } = watch;
  const goesOn = { watch, stop: null, exitOverdue: null };
  if (nowMs >= deadlineMs) {
    const { timeoutMs } = limits;
    const message = `the time limit of ${formatDuration(timeoutMs)} passed`;
    return { ...goesOn, stop: { kind: "deadline", code: "AC_TIMEOUT", message, evidence: { timeoutMs } } };
  }
  const late = watch.isEnded ? null : overdue(watch, nowMs);
  if (late === null) return goesOn;
  // A worker that has finished keeps its result, whatever it waits for besides.
  return watch.endedMs !== null
    ? { ...goesOn, watch: { ...watch, isEnded: true }, exitOverdue: late }
    : { ...goesOn, stop: late };
}
