/**
 * What to do next while a run is being stopped: TERM, TERM again, KILL. A pure decision over the time that has passed
 * and what was done; `contained-run.ts` asks it in a loop and acts.
 */
import type { ContainedCommand } from "./port.ts";

export interface StopTiming {
  readonly graceMs: number;
  readonly secondTermAfterMs: number;
}

export interface StopProgress {
  /** Since the first step was asked for. */
  readonly elapsedMs: number;
  readonly termsSent: number;
  /** False while the payload has not been let go: there is nobody to be gentle with. */
  readonly released: boolean;
  /** Somebody has asked for KILL at once. */
  readonly force: boolean;
}

export type StopStep =
  | { readonly do: "term" }
  | { readonly do: "kill" }
  /** For so long, or until the payload ends or KILL is asked for. */
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
