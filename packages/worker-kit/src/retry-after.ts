/**
 * Reads the wait that a provider requested from the headers of its response, as some workers print them. Pure: a date is
 * compared with the response's own `date` header, so no clock is needed and a wrong clock on this machine does no harm.
 */
import type { WorkerError } from "@agentcore/contract";
import { stringAt } from "./json-lines.ts";

/** Waits longer than a day count as an error of the provider and are cut to a day. */
const longestWaitMs = 24 * 60 * 60 * 1000;

/**
 * Milliseconds from `retry-after-ms`, or from `retry-after` in seconds or as an HTTP date; null if the headers are missing
 * or invalid. `headers` may be anything; names are expected in lower case.
 */
export function retryAfterMs(headers: unknown): number | null {
  const inMs = secondsOf(stringAt(headers, "retry-after-ms"));
  if (inMs !== null) return bounded(inMs);
  const value = stringAt(headers, "retry-after");
  const seconds = secondsOf(value);
  if (seconds !== null) return bounded(seconds * 1000);
  const until = Date.parse(value ?? "");
  const answeredAt = Date.parse(stringAt(headers, "date") ?? "");
  return Number.isNaN(until) || Number.isNaN(answeredAt) ? null : bounded(until - answeredAt);
}

/** Wait within the run if the provider does not say how long; for a longer wait, a retry is cheaper. */
const patienceMs = 15_000;
const patienceMsMax = 60_000;

/**
 * The allowed silence of a worker that retries a rate-limited request, so that the work done so far is not lost. Null if
 * the provider asked for more than a minute: the run then ends and makes room for others.
 */
export function rateLimitPatience(
  error: WorkerError,
): { readonly error: WorkerError; readonly forMs: number } | null {
  const { retryAfterMs: waitMs } = error;
  if (waitMs !== null && waitMs > patienceMsMax) return null;
  return { error, forMs: patienceMs + (waitMs ?? 0) };
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `Please try again in 1m26.5s`, `retry after 20 seconds`: milliseconds, or null if a message names no wait. */
export function waitInWords(message: string): number | null {
  const said = /\b(?:try again|retry|retrying)(?: in| after)?:? ((?:\d+(?:\.\d+)? ?[a-z]+ ?)+)/i.exec(
    message.slice(0, 2000),
  )?.[1];
  if (said === undefined) return null;
  let waitMs: number | null = null;
  for (const [, amount, unit = ""] of said.matchAll(
    /(\d+(?:\.\d+)?) ?(ms|s|m|h)(?:illiseconds?|ec(?:ond)?s?|in(?:ute)?s?|(?:ou)?rs?)?(?![a-z])|./gi,
  )) {
    if (amount === undefined) continue;
    waitMs = (waitMs ?? 0) + Number(amount) * (unitsMs[unit.toLowerCase()] ?? 0);
  }
  return waitMs === null ? null : bounded(waitMs);
}

function secondsOf(text: string | null): number | null {
  return text !== null && /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : null;
}

function bounded(waitMs: number): number {
  return Math.round(Math.min(Math.max(waitMs, 0), longestWaitMs));
}
