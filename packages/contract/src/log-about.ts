/** Logs for parts of the work: each line says what it is about. */
import type { Log } from "./ports.ts";

/** A log whose lines have these fields, too. A line's own fields win. */
export function logAbout(log: Log, about: Readonly<Record<string, unknown>>): Log {
  return {
    debug: (fields, message) => log.debug({ ...about, ...fields }, message),
    info: (fields, message) => log.info({ ...about, ...fields }, message),
    warn: (fields, message) => log.warn({ ...about, ...fields }, message),
    error: (fields, message) => log.error({ ...about, ...fields }, message),
  };
}
