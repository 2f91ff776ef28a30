/** Says which field of an event or a report is wrong, what it must be, and what it is. */
import { usageSchema, workerEventSchema, type WorkerEvent, type WorkerReport } from "@agentcore/contract";
import type * as z from "zod";
import { mustHold } from "./options.ts";

const eventTypes = workerEventSchema.unwrap().options.map(({ shape }) => shape.type.value);

/** Throws for the first event that is none: `event 3 "text": field "text" must be a string, got number`. */
export function checkEvents(events: readonly WorkerEvent[]): void {
  for (const [index, event] of events.entries()) {
    const parsed = workerEventSchema.safeParse(event);
    if (!parsed.success) throw new Error(`event ${index + 1} ${eventProblem(event, parsed.error.issues)}`);
  }
}

function eventProblem(event: unknown, issues: readonly z.core.$ZodIssue[]): string {
  const type = fieldAt(event, ["type"]);
  if (typeof type !== "string" || !(eventTypes as readonly string[]).includes(type))
    return `must be an object whose "type" is one of ${eventTypes.join(", ")}, got ${shown(event)}`;
  return `"${type}": ${problemsOf(issues, event)}`;
}

/** Throws for the first field that is wrong: `report: field "usage.inputTokens" must be a number, got string`. */
export function checkReport(report: WorkerReport): void {
  const { terminal, usage, costUsd, costBasis, summary } = report;
  const terminals = ["success", "error", "none", "not-applicable"];
  mustHold(
    terminals.includes(terminal),
    `report: field "terminal" must be one of ${terminals.join(", ")}, got ${shown(terminal)}`,
  );
  const parsed = usageSchema.safeParse(usage);
  mustHold(parsed.success, `report: ${problemsOf(parsed.error?.issues ?? [], { usage }, ["usage"])}`);
  mustHold(
    costUsd === null || (Number.isFinite(costUsd) && costUsd >= 0),
    `report: field "costUsd" must be a number of at least 0, or null, got ${shown(costUsd)}`,
  );
  mustHold(
    costUsd !== null || costBasis === "none",
    `report: field "costBasis" must be "none" while "costUsd" is null, got ${shown(costBasis)}`,
  );
  mustHold(typeof summary === "string", `report: field "summary" must be a string, got ${typeof summary}`);
}

function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  prefix: readonly PropertyKey[] = [],
): string {
  return issues.map((issue) => problemOf(issue, value, [...prefix, ...issue.path])).join("; ");
}

function problemOf(issue: z.core.$ZodIssue, value: unknown, path: readonly PropertyKey[]): string {
  if (issue.code === "unrecognized_keys") {
    const names = issue.keys.map((key) => `"${[...path, key].join(".")}"`);
    return names.length === 1
      ? `field ${names[0]} is not part of the contract; leave it out`
      : `fields ${names.join(", ")} are not part of the contract; leave them out`;
  }
  const name = `field "${path.join(".")}"`;
  const found = fieldAt(value, path);
  if (issue.code === "invalid_type") {
    const must = kinds[issue.expected] ?? issue.expected;
    return found === undefined
      ? `${name} is missing; it must be ${must}`
      : `${name} must be ${must}, got ${kindOf(found)}`;
  }
  if (issue.code === "invalid_value")
    return `${name} must be one of ${issue.values.map(String).join(", ")}, got ${shown(found)}`;
  return `${name}: ${issue.message}, got ${shown(found)}`;
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

function fieldAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null ? (at as Readonly<Record<PropertyKey, unknown>>)[key] : undefined,
    value,
  );
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100);
}
