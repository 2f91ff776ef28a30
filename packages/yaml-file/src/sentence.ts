/**
 * What zod says by itself, in words that name the cure: what stands there, and what may. A message that a schema brings
 * along is left as it is. Pure.
 */
import type * as z from "zod";
import { didYouMean } from "./suggest.ts";

/** `value`: what stands at the issue's place; undefined where nothing does. */
export function sentenceOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (!/^(?:Invalid input|Invalid option|Too small|Too big)\b/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case "invalid_type":
      return value === undefined
        ? `is missing; write ${kindNamed(issue.expected)}`
        : `is ${kindOf(value)}; write ${kindNamed(issue.expected)}`;
    case "invalid_value":
      return value === undefined
        ? `is missing; write ${choices(issue.values)}`
        : notOneOf(value, issue.values);
    case "too_small":
      return boundText(issue.origin, value, {
        bound: issue.minimum,
        isLeast: true,
        isOpen: issue.inclusive === false,
      });
    case "too_big":
      return boundText(issue.origin, value, {
        bound: issue.maximum,
        isLeast: false,
        isOpen: issue.inclusive === false,
      });
    default:
      return issue.message;
  }
}

interface Bound {
  readonly bound: number | bigint;
  readonly isLeast: boolean;
  /** The bound itself is out. */
  readonly isOpen: boolean;
}

function boundText(origin: string, value: unknown, { bound, isLeast, isOpen }: Bound): string {
  const unit = origin === "string" ? "characters" : origin === "array" ? "entries" : null;
  if (unit !== null && isLeast && bound === 1) return "is empty; write something";
  if (unit !== null)
    return `has too ${isLeast ? "few" : "many"} ${unit}; ${isLeast ? "at least" : "at most"} ${bound}`;
  const side = isLeast ? (isOpen ? "more than" : "at least") : isOpen ? "less than" : "at most";
  return `is ${String(value)}; write ${side} ${bound}`;
}

/** Names that differ in case only are told once. */
function choices(values: readonly unknown[]): string {
  const names = values.map(String);
  const distinct = names.filter((name, index) => {
    const first = names.findIndex((other) => other.toLowerCase() === name.toLowerCase());
    return first === index;
  });
  return distinct.length === 1 ? (distinct[0] ?? "") : `one of ${distinct.join(", ")}`;
}

function notOneOf(value: unknown, values: readonly unknown[]): string {
  const shown = typeof value === "object" && value !== null ? kindOf(value) : JSON.stringify(value);
  return `${shown} is not ${choices(values)}${didYouMean(String(value), values.map(String))}`;
}

function kindOf(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  return kinds[typeof value] ?? typeof value;
}

function kindNamed(expected: string): string {
  return kinds[expected] ?? expected;
}

const kinds: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "a mapping of names to values",
  record: "a mapping of names to values",
  string: "a text",
};
