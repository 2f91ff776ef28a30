/** Replays what was seen of a run through the watchdog's pure watch, on a clock that only moves to what happens next. */
import { type WatchdogConfig, watchdogSchema } from "../config/watchdog-config.ts";
import { type LimitFacts, runLimitsOf } from "../watchdog/run-limits.ts";
import { nextDueMs, startWatch, stepWatch, type WatchInput } from "../watchdog/run-watch.ts";

export type { WatchInput } from "../watchdog/run-watch.ts";

export interface WatchReplay {
  readonly facts: LimitFacts;
  /** Default: the defaults of the configuration. */
  readonly config?: WatchdogConfig;
  /** In the order of their times, in ms from the start of the run. */
  readonly inputs: readonly { readonly atMs: number; readonly input: WatchInput }[];
  /** When the worker exits, or the replay is over. */
  readonly untilMs: number;
}

/** How the watch ended the run. */
export interface WatchEnd {
  readonly atMs: number;
  /** Of the evidence, such as `first_byte`; the code of a cause without it. */
  readonly how: string;
  /** False: its result counts as it reported it. */
  readonly isStopped: boolean;
  readonly message: string;
}

/** Null: the run was left alone. */
export function replayWatch({ facts, config, inputs, untilMs }: WatchReplay): WatchEnd | null {
  const limits = runLimitsOf(facts, config ?? watchdogSchema.parse({}));
  let watch = startWatch(limits, 0, 0);
  let nowMs = 0;
  const look = (input: WatchInput): WatchEnd | null => {
    const { watch: after, stop, exitOverdue } = stepWatch(watch, input, nowMs);
    watch = after;
    const cause = stop ?? exitOverdue;
    if (cause === null) return null;
    const { how } = cause.evidence;
    const { code, message } = cause;
    return { atMs: nowMs, how: typeof how === "string" ? how : code, isStopped: stop !== null, message };
  };
  for (const { atMs, input } of [...inputs, { atMs: untilMs, input: { kind: "tick" } as const }]) {
    // A machine that was suspended looked at nothing meanwhile.
    const awakeUntilMs = input.kind === "woke" ? atMs - input.sleptMs : atMs;
    for (let due = nextDueMs(watch, nowMs); due < awakeUntilMs; due = nextDueMs(watch, nowMs)) {
      nowMs = Math.max(due, nowMs + 1);
      const end = look({ kind: "tick" });
      if (end !== null) return end;
    }
    nowMs = atMs;
    const end = look(input);
    if (end !== null) return end;
  }
  return null;
}
