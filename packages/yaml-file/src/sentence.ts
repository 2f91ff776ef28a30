/**
 * Turns zod's errors into messages that name the cure: the present value, and the allowed ones. A message from a schema is
 * kept unchanged. Pure.
 */
import type * as z from "zod";
import { didYouMean } from "./suggest.ts";

/** `value`: the value at the issue's place; undefined if there is none. */
export function sentenceOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (!/^(?:Invalid input|Invalid option|Invalid discriminator|Too small|Too big)\b/.test(issue.message))
    return issue.message;
  switch (issue.code) {
    case "invalid_type":
      return value === undefined
        ? `is required; write ${kindNamed(issue.expected)}`
        : `must be ${kindNamed(issue.expected)}, not ${shown(value)}${quotes(issue.expected, value)}`;
    case "invalid_value":
      return choiceText(value, issue.values);
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
    case "invalid_union":
      if ("options" in issue && issue.options !== undefined) return choiceText(value, issue.options);
      return `must be ${branchKinds(issue)}, not ${shown(value)}`;
    default:
      return issue.message;
  }
}

/** `a text, a number or true or false`. */
function branchKinds({ errors }: z.core.$ZodIssueInvalidUnion): string {
  const kinds = errors.flatMap((branch) =>
    branch.flatMap((inner) => (inner.code === "invalid_type" ? kindNamed(inner.expected) : [])),
  );
  return kinds.length === 0 ? "something else" : [...new Set(kinds)].join(", or ");
}

interface Bound {
  readonly bound: number | bigint;
  readonly isLeast: boolean;
  /** The bound is exclusive. */
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

/** Names that differ only in case are listed once. */
function choices(values: readonly unknown[]): string {
  const names = values.map(String);
  const distinct = names.filter((name, index) => {
    const first = names.findIndex((other) => other.toLowerCase() === name.toLowerCase());
    return first === index;
  });
  return distinct.length === 1 ? (distinct[0] ?? "") : `one of ${distinct.join(", ")}`;
}

function choiceText(value: unknown, values: readonly unknown[]): string {
  if (value === undefined) return `is required; write ${choices(values)}`;
  const written = typeof value === "string" ? value : bare(value);
  return `${bare(value)} is not ${choices(values)}${didYouMean(written, values.map(String))}`;
}

/** YAML reads `yes: true` and `version: 1.0` as something else than a text. */
function quotes(expected: string, value: unknown): string {
  const isBare = typeof value === "boolean" || typeof value === "number";
  return expected === "string" && isBare ? "; write it in quotes" : "";
}

const entriesMax = 6;

/** For one text, or a mapping, where a list of texts belongs: the list; empty if the value does not say what it would be. */
export function listCure(issue: z.core.$ZodIssue, value: unknown): string {
  const isOurs = issue.code === "invalid_type" && issue.expected === "array";
  if (!isOurs || !issue.message.startsWith("Invalid input")) return "";
  const isMapping = typeof value === "object" && value !== null && !Array.isArray(value);
  const entries = typeof value === "string" ? [value] : isMapping ? Object.keys(value) : [];
  if (entries.length === 0 || entries.length > entriesMax) return "";
  return entries.some((entry) => entry.length > shownMax) ? "" : `; write [${entries.map(bare).join(", ")}]`;
}

const shownMax = 40;

/** `the text "lots"`, `5`, `a list`, `empty`. */
function shown(value: unknown): string {
  return typeof value === "string" ? `the text ${bare(value)}` : bare(value);
}

function bare(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "function") return "a function";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value !== "string") return JSON.stringify(value);
  return JSON.stringify(value.length > shownMax ? `${value.slice(0, shownMax)}…` : value);
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
