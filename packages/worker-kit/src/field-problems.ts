/** Says which field of an adapter, an event or a report is wrong, what it must be, and what it is. */
import type * as z from "zod";

/** Such as `field "usage.inputTokens" must be a number, got string`; one for each issue. */
export function fieldProblems(issues: readonly z.core.$ZodIssue[], value: unknown): string[] {
  return issues.map((issue) => {
    if (issue.code !== "unrecognized_keys")
      return `field "${issue.path.join(".")}" ${fieldProblem(issue, value)}`;
    const names = issue.keys.map((key) => `"${[...issue.path, key].join(".")}"`);
    return names.length === 1
      ? `field ${names[0]} is not part of the contract; leave it out`
      : `fields ${names.join(", ")} are not part of the contract; leave them out`;
  });
}

/** The same without the field's name: `must be a number, got string`. The message of a schema's own rule is kept. */
export function fieldProblem(issue: z.core.$ZodIssue, value: unknown): string {
  const found = fieldAt(value, issue.path);
  if (!/^(?:Invalid|Too) /.test(issue.message)) return issue.message;
  if (issue.code === "invalid_type") {
    const must = kinds[issue.expected] ?? issue.expected;
    return found === undefined ? `is missing; it must be ${must}` : `must be ${must}, got ${kindOf(found)}`;
  }
  if (issue.code === "invalid_value")
    return `must be one of ${issue.values.map(String).join(", ")}, got ${shown(found)}`;
  return `is wrong: ${issue.message}, got ${shown(found)}`;
}

const kinds: Readonly<Record<string, string>> = {
  array: "an array",
  boolean: "a boolean",
  int: "a whole number",
  number: "a number",
  object: "an object",
  string: "a string",
};

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value;
}

/** The value at the path; undefined if there is none. */
export function fieldAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null ? (at as Readonly<Record<PropertyKey, unknown>>)[key] : undefined,
    value,
  );
}

/** The value as a short text. */
export function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100);
}
