/**
 * Decides the next action of a stop: TERM, TERM again, KILL. A pure function of the elapsed time and the earlier actions;
 * `contained-run.ts` calls it in a loop and acts.
 */
import type { ContainedCommand } from "./port.ts";

export interface StopTiming {
  readonly graceMs: number;
  readonly secondTermAfterMs: number;
}

export interface StopProgress {
  /** Time in ms since the stop was requested. */
  readonly elapsedMs: number;
  readonly termsSent: number;
  /** False until the payload is released: before that, it is killed without a grace period. */
  readonly released: boolean;
  /** KILL at once was requested. */
  readonly force: boolean;
}

export type StopStep =
  | { readonly do: "term" }
  | { readonly do: "kill" }
  /** Wait this long, or until the payload exits or KILL is requested. */
  | { readonly do: "wait"; readonly delayMs: number };

const defaultGraceMs = 5_000;
const defaultSecondTermAfterMs = 2_000;

/** Fills in the defaults; a negative or missing duration counts as 0 or as the default. */
export function stopTiming(options: Pick<ContainedCommand, "graceMs" | "secondTermAfterMs">): StopTiming {
  return {
    graceMs: Math.max(0, options.graceMs ?? defaultGraceMs),
    secondTermAfterMs: Math.max(0, options.secondTermAfterMs ?? defaultSecondTermAfterMs),
  };
}

export function nextStopStep(progress: StopProgress, timing: StopTiming): StopStep {
  const { elapsedMs, termsSent, released, force } = progress;
  if (!released || force || elapsedMs >= timing.graceMs) return { do: "kill" };
  if (termsSent === 0) return { do: "term" };
  const secondTermPending = termsSent === 1 && timing.secondTermAfterMs < timing.graceMs;
  if (secondTermPending && elapsedMs >= timing.secondTermAfterMs) return { do: "term" };
  const nextAtMs = secondTermPending ? timing.secondTermAfterMs : timing.graceMs;
  return { do: "wait", delayMs: nextAtMs - elapsedMs };
}
