/** Recognizes the few forms in which a worker's command line interface reports a usage error, which it does on stderr only. */
import { stripVTControlCharacters } from "node:util";
import type { WorkerError } from "@agentcore/contract";
import { oneLine } from "./event-text.ts";

const usageErrors =
  /^\W{0,3}error:? .*\b(?:unknown (?:option|argument|command)|unexpected argument|unrecognized (?:option|argument)|invalid value|required argument|argument missing|cannot be used with|must be provided)/i;

/** Of Claude Code, which refuses to run without its permissions as root. */
const refusedFlag = /^\W{0,3}--[a-z-]+ cannot be used with /;

/** The line as an `invalid_request`, or null for any other line. Color codes are ignored. */
export function usageErrorOf(stderrLine: string): WorkerError | null {
  const line = stripVTControlCharacters(stderrLine.slice(0, 1000));
  if (!usageErrors.test(line) && !refusedFlag.test(line)) return null;
  return { class: "invalid_request", message: oneLine(line, 500), status: null, retryAfterMs: null };
}
