/**
 * How long a provider asked to wait, read from the headers of its answer as some workers print them. Pure: a date is
 * compared with the answer's own `date` header, so no clock is needed and a wrong clock on this machine does no harm.
 */
import { stringAt } from "./json-lines.ts";

/** Longer waits than a day are taken for a mistake of the provider and cut to a day. */
const longestWaitMs = 24 * 60 * 60 * 1000;

/**
 * Milliseconds from `retry-after-ms`, or from `retry-after` in seconds or as an HTTP date; null where the headers do not
 * say, or say nonsense. `headers` may be anything; names are expected in lower case.
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

function secondsOf(text: string | null): number | null {
  return text !== null && /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : null;
}

function bounded(waitMs: number): number {
  return Math.round(Math.min(Math.max(waitMs, 0), longestWaitMs));
}
