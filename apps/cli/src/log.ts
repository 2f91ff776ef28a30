/**
 * The program's log on stderr: sentences for people, JSON lines for programs. pino writes the JSON, and is loaded with the
 * first line that the level allows, because most runs log nothing. Earlier lines keep their order.
 */
import { errorCode, escapeUnprintable, isAgentCoreError, omitUndefined, type Log } from "@agentcore/contract";
import { openOutput } from "./output.ts";
import { oneLine } from "./screen/text.ts";

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

/** The log of a command that a person runs, from warnings on: sentences, or JSON lines with `json`. */
export function createCommandLog(json: boolean | undefined, destination?: LogDestination): ProcessLog {
  if (json === true) return createLog("warn", destination);
  const lines = destination ?? stderrLines();
  const write =
    (prefix: string) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void =>
      lines.write(`agentcore: ${prefix}${oneLine(`${message}${detailsOf(fields)}`)}\n`);
  const hidden = (): void => {};
  return {
    debug: hidden,
    info: hidden,
    warn: write("warning: "),
    error: write(""),
    flush: () => Promise.resolve(),
  };
}

function detailsOf(fields: Readonly<Record<string, unknown>>): string {
  const details = Object.entries(fields).map(([name, value]) => `${name} ${textOf(value)}`);
  return details.length === 0 ? "" : ` (${details.join(", ")})`;
}

function textOf(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** Does not use the library's file descriptor: a log that cannot be written must not end the work. */
function stderrLines(): LogDestination {
  const stderr = openOutput(() => process.stderr);
  return { write: (line) => stderr.write(line) };
}

/** The parts of an error that JSON leaves out, without its stack. */
function shownError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message } = error;
  const evidence = isAgentCoreError(error) ? error.evidence : undefined;
  return { name, message, ...omitUndefined({ code: errorCode(error), evidence }) };
}

async function loadPino(level: LogLevel, destination: LogDestination | undefined): Promise<Log> {
  // The default export: a bundler offers no other for a CommonJS module.
  const { default: pino } = await import("pino");
  const lines = destination ?? stderrLines();
  const logger = pino(
    { level, base: { pid: process.pid }, serializers: { error: shownError } },
    { write: (line: string) => lines.write(`${escapeUnprintable(line.trimEnd())}\n`) },
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}
