/**
 * The program's log: JSON lines on stderr, written by pino. pino is loaded with the first line that the level allows,
 * because most runs log nothing. Earlier lines keep their order.
 */
import type { Log } from "@agentcore/contract";
import { openOutput } from "./output.ts";

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

export interface ProcessLog extends Log {
  /** Resolves when all lines so far are written. */
  flush(): Promise<void>;
}

/** The destination of the lines; default: stderr. */
export interface LogDestination {
  write(line: string): void;
}

export function createLog(level: LogLevel, destination?: LogDestination): ProcessLog {
  const threshold = logLevels.indexOf(level);
  let written: Promise<void> = Promise.resolve();
  let logger: Promise<Log> | undefined;
  const write =
    (at: Exclude<LogLevel, "silent">) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      if (logLevels.indexOf(at) < threshold) return;
      logger ??= loadPino(level, destination);
      const loaded = logger;
      written = written.then(async () => (await loaded)[at](fields, message));
    };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    flush: () => written,
  };
}

/** Does not use the library's file descriptor: a log that cannot be written must not end the work. */
function stderrLines(): LogDestination {
  const stderr = openOutput(() => process.stderr);
  return { write: (line) => stderr.write(line) };
}

async function loadPino(level: LogLevel, destination: LogDestination | undefined): Promise<Log> {
  // The default export: a bundler offers no other for a CommonJS module.
  const { default: pino } = await import("pino");
  const logger = pino({ level, base: { pid: process.pid } }, destination ?? stderrLines());
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}
