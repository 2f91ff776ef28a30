/** Whether an event has what a trigger's `filter` asks for. */
import { createContext, Script } from "node:vm";
import type { FilterRule, FilterScalar } from "./definition.ts";
import { valueAt } from "./json-path.ts";
import type { Json } from "./trigger-event.ts";

/** A longer text matches no pattern. */
const textCharsMax = 10_000;

/** A pattern that takes longer does not match: strangers write the texts, and some patterns take years for some of them. */
const matchMsMax = 200;

/** All must hold. A field that the payload does not have matches nothing. */
export function matchesFilter(rules: readonly FilterRule[], payload: Json): boolean {
  return rules.every((rule) => {
    const value = valueAt(payload, rule.path);
    if (value === undefined) return false;
    if ("equals" in rule) return isSame(value, rule.equals);
    if ("oneOf" in rule) return rule.oneOf.some((one) => isSame(value, one));
    return typeof value === "string" && value.length <= textCharsMax && matches(rule.pattern, value);
  });
}

/** `5` and `"5"` are the same. */
function isSame(value: Json, expected: FilterScalar): boolean {
  if (value === null || expected === null) return value === expected;
  return typeof value !== "object" && String(value) === String(expected);
}

const scope = createContext(Object.create(null) as { pattern?: RegExp; text?: string });
const test = new Script("pattern.test(text)");

/** Only a script can be ended while an expression is at work. */
function matches(pattern: string, text: string): boolean {
  Object.assign(scope, { pattern: new RegExp(pattern), text });
  try {
    return test.runInContext(scope, { timeout: matchMsMax }) === true;
  } catch (error) {
    if (isTimeout(error)) return false;
    throw error;
  }
}

/** The error is one of the script's own context, and no `Error` of this one. */
const isTimeout = (error: unknown): boolean =>
  typeof error === "object" &&
  error !== null &&
  "code" in error &&
  error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
