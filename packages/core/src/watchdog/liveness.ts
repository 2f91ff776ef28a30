/**
 * Which limits count for a watched run, by what it is doing (`runPhaseOf` of the contract). Pure.
 *
 * | phase       | evidence                                                        | limits                             |
 * |-------------|-----------------------------------------------------------------|------------------------------------|
 * | `finished`  | its terminal event came, and no call is open                    | exit_after_end: it counts as ended |
 * | `tool`      | a tool call is in flight                                        | tool_silence                       |
 * | `streaming` | the provider sends a response                                   | stream_silence                     |
 * | `waiting`   | the provider owes the first byte of a response                  | first_byte                         |
 * | `starting`  | no sign yet                                                     | silence                            |
 * | `working`   | none of these: the worker's own work, or a worker that hangs    | silence, first_byte, no_progress   |
 *
 * `streaming` and `waiting` are known only of runs that use the spend gate. Every limit counts from the last sign that says
 * something in that phase: output that is no event, such as a line on stderr, says nothing about a response that stopped.
 */
import {
  formatDuration,
  runPhaseOf,
  type Evidence,
  type RunPhase,
  type StopCause,
} from "@agentcore/contract";
import type { RunLimits } from "./run-limits.ts";
import type { WireWatch } from "./wire-watch.ts";

/** What is known of a run. All times are on the monotonic clock. */
export interface LifeSigns {
  readonly limits: RunLimits;
  readonly startedMs: number;
  /** Of the worker, whatever it says; null: it has said nothing. */
  readonly lastEventMs: number | null;
  readonly lastProgressMs: number;
  readonly toolsInFlight: ReadonlySet<string>;
  /** When its terminal event came, unless it worked on after it. */
  readonly endedMs: number | null;
  /** Null: the spend gate has seen no call. */
  readonly wire: WireWatch | null;
}

function phaseOf({ toolsInFlight, endedMs, wire, lastEventMs }: LifeSigns): RunPhase {
  const { waiting, streaming } = wire ?? { waiting: 0, streaming: 0 };
  const hasSign = lastEventMs !== null || wire !== null;
  return runPhaseOf({
    hasEnded: endedMs !== null,
    toolsInFlight: toolsInFlight.size,
    waiting,
    streaming,
    hasSign,
  });
}

type How = "silent" | "silent_in_tool" | "stream_silence" | "first_byte" | "no_progress" | "not_exited";

/** A limit that counts now. */
interface Due {
  readonly how: How;
  readonly sinceMs: number;
  readonly limitMs: number;
}

function duesIn(life: LifeSigns, nowMs: number): readonly Due[] {
  const { limits, startedMs, lastEventMs, lastProgressMs, endedMs, wire } = life;
  const signMs = Math.max(lastEventMs ?? startedMs, wire?.changedMs ?? startedMs);
  const phase = phaseOf(life);
  switch (phase) {
    case "finished": {
      const sinceMs = Math.max(endedMs ?? startedMs, wire?.changedMs ?? startedMs);
      return [{ how: "not_exited", sinceMs, limitMs: limits.exitAfterEndMs }];
    }
    case "tool":
      return [{ how: "silent_in_tool", sinceMs: signMs, limitMs: limits.toolSilenceMs }];
    case "streaming": {
      const sinceMs = Math.max(wire?.lastByteMs ?? startedMs, wire?.openedMs ?? startedMs, lastProgressMs);
      const silence = { how: "stream_silence", sinceMs, limitMs: limits.streamSilenceMs } as const;
      return [silence, ...idleDue(life, nowMs)];
    }
    case "waiting":
      return [...owedDue(life), ...idleDue(life, nowMs)];
    case "starting":
    case "working": {
      const limitMs = phase === "starting" ? limits.startMs : limits.silenceMs;
      return [{ how: "silent", sinceMs: signMs, limitMs }, ...owedDue(life), ...idleDue(life, nowMs)];
    }
  }
}

function owedDue({ wire, limits }: LifeSigns): readonly Due[] {
  const sinceMs = wire?.owedSinceMs ?? null;
  return sinceMs === null ? [] : [{ how: "first_byte", sinceMs, limitMs: limits.firstByteMs }];
}

/** The last stretch of open calls does not count: a model that thinks for an hour makes no visible progress. */
function idleDue({ limits, lastProgressMs, wire }: LifeSigns, nowMs: number): readonly Due[] {
  const limitMs = wire === null ? limits.noProgressMs : limits.meteredNoProgressMs;
  if (limitMs === null) return [];
  const openMs =
    wire === null ? 0 : Math.max(0, (wire.closedMs ?? nowMs) - Math.max(wire.openedMs, lastProgressMs));
  return [{ how: "no_progress", sinceMs: lastProgressMs + openMs, limitMs }];
}

/** When the next limit is reached if nothing happens. */
export function nextLimitMs(life: LifeSigns, nowMs: number): number {
  return Math.min(...duesIn(life, nowMs).map(({ sinceMs, limitMs }) => sinceMs + limitMs));
}

/** The cause to end the run, if a limit is reached. */
export function overdue(life: LifeSigns, nowMs: number): StopCause | null {
  const due = duesIn(life, nowMs).find(({ sinceMs, limitMs }) => nowMs - sinceMs >= limitMs);
  return due === undefined ? null : causeOf(life, due, nowMs);
}

const words: Readonly<Record<How, { readonly text: string; readonly key: string }>> = {
  silent: { text: "the worker was silent, with no tool call in flight and no open call", key: "silence" },
  silent_in_tool: { text: "the worker was silent with a tool call in flight", key: "tool_silence" },
  stream_silence: { text: "the provider stopped in the middle of a response", key: "stream_silence" },
  first_byte: { text: "the provider did not begin to answer", key: "first_byte" },
  no_progress: { text: "the worker printed and made no progress", key: "no_progress" },
  not_exited: { text: "the worker reported its end and did not exit", key: "exit_after_end" },
};

function causeOf(life: LifeSigns, { how, sinceMs, limitMs }: Due, nowMs: number): StopCause {
  const forMs = nowMs - sinceMs;
  const { text, key } = words[how];
  const message = `${text} for ${formatDuration(forMs)}; the limit is ${formatDuration(limitMs)} (watchdog.${key})`;
  const evidence: Evidence = {
    how,
    phase: phaseOf(life),
    forMs,
    limitMs,
    toolsInFlight: [...life.toolsInFlight].slice(0, 10),
    calls: callsOf(life.wire),
  };
  return { kind: "stalled", code: "AC_STALLED", message, evidence };
}

function callsOf(wire: WireWatch | null): Evidence[string] {
  if (wire === null) return null;
  const { waiting, streaming, bytes, identicalCalls } = wire;
  return { waiting, streaming, bytes, identicalCalls };
}
