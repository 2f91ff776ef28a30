/**
 * When the next kill comes. Moments are spread over the whole of one run by its own progress, the steps that it tells of,
 * since a run that is killed a hundred times takes many times as long as an undisturbed one. Pure but for the draws.
 */
import type { Draws } from "../draws.ts";

export type KillMoment =
  /** So long after the process was started, at the latest with its first word about the run. */
  | { readonly kind: "start"; readonly afterMs: number }
  /** So long after it has told of so many changes. */
  | { readonly kind: "progress"; readonly events: number; readonly afterMs: number };

export interface KillQuestion {
  /** Changes that an undisturbed run tells of, and those told so far. */
  readonly eventsInAll: number;
  readonly eventsSoFar: number;
  readonly killsLeft: number;
  /** From the start of a process to its first word about the run. */
  readonly startMs: number;
}

/** A quarter of the kills hits a start. */
const startShare = 0.25;
/** Kills come a little sooner than an even spread, so that all of them find the run unfinished. */
const sooner = 0.8;
const afterMsMax = 120;
/** Changes that are kept for the last kills. */
const eventsReserve = 12;

export function nextKill(question: KillQuestion, draws: Draws): KillMoment {
  const { eventsInAll, eventsSoFar, killsLeft, startMs } = question;
  const left = eventsInAll - eventsSoFar - eventsReserve;
  if (left <= 0 || draws.chance(startShare)) return { kind: "start", afterMs: draws.next() * startMs };
  const evenly = left / Math.max(1, killsLeft);
  const events = draws.whole(0, Math.min(left, Math.floor(2 * sooner * evenly)));
  return { kind: "progress", events, afterMs: draws.next() * afterMsMax };
}
