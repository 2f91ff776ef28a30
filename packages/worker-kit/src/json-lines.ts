/**
 * Reads workers that print one JSON object per line. {@link jsonLineReader} is the frame of such an adapter's reader: it
 * parses lines, counts invalid ones, and passes objects on. The accessors below read fields of unknown shape and never
 * throw, because a worker's next version may print anything.
 */
import type { OutputReader, WorkerEvent, WorkerReport } from "@agentcore/contract";
import { rawEvent, stderrEvent } from "./event-text.ts";

const openBrace = 0x7b;

export type JsonObject = Readonly<Record<string, unknown>>;

/** The object on the line, or null for anything else: broken JSON, an array, a bare value. */
export function parseJsonLine(line: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) ? value : null;
  } catch {
    return null; // not JSON: the caller counts it, and the log keeps the line
  }
}

export interface JsonLineHandlers {
  /**
   * Returns the events of one object of stdout. Return `null` for an object that the adapter does not know; it becomes
   * `raw`.
   */
  object(value: JsonObject): readonly WorkerEvent[] | null;
  /** Returns the events of one line of stderr. Default: one `stderr` event. */
  stderr?(line: string): readonly WorkerEvent[];
  /** Returns the report, after both streams have ended. `malformedLines` counts lines of stdout without a JSON object. */
  end(malformedLines: number): WorkerReport;
}

/**
 * An {@link OutputReader} for JSON lines on stdout. Blank lines are skipped. A line that is not a JSON object is counted
 * and emitted as `raw`, and so is an oversized line, of which only the first part is passed.
 */
export function jsonLineReader(handlers: JsonLineHandlers): OutputReader {
  let malformedLines = 0;
  return {
    stdout(line, oversized) {
      // Looking for blanks in each of millions of lines costs a tenth of reading them.
      if (line.charCodeAt(0) !== openBrace && line.trim() === "") return [];
      const value = oversized ? null : parseJsonLine(line);
      if (value !== null) return handlers.object(value) ?? [rawEvent(line)];
      malformedLines += 1;
      return [rawEvent(line)];
    },
    stderr(line) {
      if (handlers.stderr !== undefined) return handlers.stderr(line);
      return line === "" ? [] : [stderrEvent(line)];
    },
    end: () => handlers.end(malformedLines),
  };
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at a path of own keys; `undefined` if any step is missing. */
export function valueAt(value: unknown, ...path: readonly string[]): unknown {
  let current = value;
  for (const key of path) {
    if (!isJsonObject(current) || !Object.hasOwn(current, key)) return undefined;
    current = current[key];
  }
  return current;
}

export function stringAt(value: unknown, ...path: readonly string[]): string | null {
  const found = valueAt(value, ...path);
  return typeof found === "string" ? found : null;
}

/** A finite number; NaN and the infinities cannot come out of JSON. */
export function numberAt(value: unknown, ...path: readonly string[]): number | null {
  const found = valueAt(value, ...path);
  return typeof found === "number" && Number.isFinite(found) ? found : null;
}

/** A whole number from 0 up, as token counts are; null for anything else. */
export function countAt(value: unknown, ...path: readonly string[]): number | null {
  const found = numberAt(value, ...path);
  return found !== null && Number.isSafeInteger(found) && found >= 0 ? found : null;
}

export function booleanAt(value: unknown, ...path: readonly string[]): boolean | null {
  const found = valueAt(value, ...path);
  return typeof found === "boolean" ? found : null;
}

export function objectAt(value: unknown, ...path: readonly string[]): JsonObject | null {
  const found = valueAt(value, ...path);
  return isJsonObject(found) ? found : null;
}

/** The array there, or an empty one. */
export function arrayAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = valueAt(value, ...path);
  return Array.isArray(found) ? found : [];
}
