/**
 * Watches one run: time limit, silence, progress and ceilings. A pure transition; its caller passes in the worker's events
 * and the time, and stops the run for the first cause that it returns.
 *
 * It distinguishes three kinds of stall:
 * - silent: no event at all, with no tool call in flight, for `silenceMs`;
 * - silent in a tool: no event at all while a tool call is in flight, for `toolSilenceMs` (a test suite may run long);
 * - busy without progress: it prints, with no tool call in flight, and nothing comes of it, for `noProgressMs` (off unless
 *   configured).
 * Time in which the runtime itself was stopped (a suspended machine, SIGSTOP) counts for none of the limits: after waking
 * up, a run has as much time left as it had before.
 */
import { formatDuration, tokensOf, type StopCause, type WorkerEvent } from "@agentcore/contract";

export interface RunLimits {
  readonly timeoutMs: number;
  readonly silenceMs: number;
  readonly toolSilenceMs: number;
  readonly noProgressMs: number | null;
  readonly maxCostUsd: number | null;
  readonly maxTokens: number | null;
}

export interface RunWatch {
  readonly limits: RunLimits;
  readonly deadlineMs: number;
  readonly lastEventMs: number;
  readonly lastProgressMs: number;
  readonly toolsInFlight: ReadonlySet<string>;
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
  | { readonly kind: "tick" }
  /** The runtime was suspended for this long. */
  | { readonly kind: "woke"; readonly sleptMs: number };

export interface WatchStep {
  readonly watch: RunWatch;
  /** Why the run must stop now; null while it may continue. */
  readonly stop: StopCause | null;
}

/** Tool calls remembered. A worker that opens more without ending any no longer counts as waiting for the first ones. */
const toolsMax = 1000;

export function startWatch(limits: RunLimits, startedMs: number, nowMs: number): RunWatch {
  return {
    limits,
    deadlineMs: startedMs + limits.timeoutMs,
    lastEventMs: nowMs,
    lastProgressMs: nowMs,
    toolsInFlight: new Set(),
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
      return { watch: after, stop: input.event.type === "usage" ? overCeiling(after) : null };
    }
    case "activity":
      return { watch: { ...watch, lastEventMs: nowMs, lastProgressMs: nowMs }, stop: null };
    case "woke": {
      const { sleptMs } = input;
      const moved = {
        ...watch,
        deadlineMs: watch.deadlineMs + sleptMs,
        lastEventMs: watch.lastEventMs + sleptMs,
        lastProgressMs: watch.lastProgressMs + sleptMs,
      };
      return { watch: moved, stop: overTime(moved, nowMs) };
    }
    case "tick":
      return { watch, stop: overTime(watch, nowMs) };
  }
}

/** When the next time limit is reached if nothing happens. */
export function nextDueMs(watch: RunWatch): number {
  const { limits, deadlineMs, lastEventMs, lastProgressMs } = watch;
  if (watch.toolsInFlight.size > 0) return Math.min(deadlineMs, lastEventMs + limits.toolSilenceMs);
  const progressDue = limits.noProgressMs === null ? Infinity : lastProgressMs + limits.noProgressMs;
  return Math.min(deadlineMs, lastEventMs + limits.silenceMs, progressDue);
}

function afterEvent(watch: RunWatch, event: WorkerEvent, nowMs: number): RunWatch {
  const seen = { ...watch, lastEventMs: nowMs };
  switch (event.type) {
    case "tool_call":
      return { ...seen, lastProgressMs: nowMs, toolsInFlight: withTool(watch.toolsInFlight, event.id) };
    case "tool_result": {
      const toolsInFlight = new Set(watch.toolsInFlight);
      toolsInFlight.delete(event.id);
      return { ...seen, lastProgressMs: nowMs, toolsInFlight };
    }
    case "usage":
      return afterUsage(seen, event, nowMs);
    case "started":
    case "text":
    case "file_change":
    case "denied":
      return { ...seen, lastProgressMs: nowMs };
    case "probe":
      return watch;
    case "progress":
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

function overTime(watch: RunWatch, nowMs: number): StopCause | null {
  const { limits, deadlineMs, lastEventMs, lastProgressMs, toolsInFlight } = watch;
  if (nowMs >= deadlineMs) {
    const { timeoutMs } = limits;
    const message = `the time limit of ${formatDuration(timeoutMs)} passed`;
    return { kind: "deadline", code: "AC_TIMEOUT", message, evidence: { timeoutMs } };
  }
  const silentMs = nowMs - lastEventMs;
  if (toolsInFlight.size > 0) {
    if (silentMs < limits.toolSilenceMs) return null;
    return stalled("silent_in_tool", silentMs, limits.toolSilenceMs, [...toolsInFlight].slice(0, 10));
  }
  if (silentMs >= limits.silenceMs) return stalled("silent", silentMs, limits.silenceMs, []);
  const idleMs = nowMs - lastProgressMs;
  return limits.noProgressMs !== null && idleMs >= limits.noProgressMs
    ? stalled("no_progress", idleMs, limits.noProgressMs, [])
    : null;
}

const stallWords = {
  silent: "the worker was silent, with no tool call in flight",
  silent_in_tool: "the worker was silent with a tool call in flight",
  no_progress: "the worker printed and made no progress",
} as const;

function stalled(how: keyof typeof stallWords, forMs: number, limitMs: number, tools: string[]): StopCause {
  const message = `${stallWords[how]} for ${Math.round(forMs)} ms; the limit is ${limitMs} ms`;
  return {
    kind: "stalled",
    code: "AC_STALLED",
    message,
    evidence: { how, forMs, limitMs, toolsInFlight: tools },
  };
}
