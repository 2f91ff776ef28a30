/**
 * Checks the output of a third-party reader: events and the report must be those of the contract, and long texts are cut. A
 * number that feeds budgets and cannot be true, such as a negative one, counts as unknown.
 */
import {
  AgentCoreError,
  costBasisSchema,
  errorClassSchema,
  eventTextCharsMax,
  unknownUsage,
  usageSchema,
  workerEventSchema,
  type WorkerEvent,
  type WorkerReport,
  lazySchema,
} from "@agentcore/contract";
import { z } from "zod";
import { boundedText } from "../event-text.ts";
import { fieldAt, fieldProblems, shown } from "../field-problems.ts";

/** Events of the runtime's own. */
const runtimeEvents: ReadonlySet<WorkerEvent["type"]> = new Set(["probe", "calls"]);

/** The events of a reader. */
const readerEvents = lazySchema(() => {
  const options = workerEventSchema
    .unwrap()
    .options.filter(({ shape }) => !runtimeEvents.has(shape.type.value));
  const [first, ...rest] = options;
  return z.discriminatedUnion("type", [first!, ...rest]);
});

/** `"file_change": field "path" is missing; it must be a string`; null for an event of the contract. */
export function eventProblem(event: unknown): string | null {
  const { error } = readerEvents.safeParse(event);
  if (error === undefined) return null;
  const types = readerEvents.unwrap().options.map(({ shape }) => shape.type.value);
  const type = types.find((known) => known === fieldAt(event, ["type"]));
  return type === undefined
    ? `must be an object whose "type" is one of ${types.join(", ")}, got ${shown(event)}`
    : `"${type}": ${fieldProblems(error.issues, event).join("; ")}`;
}

/** Returns the event with every long text cut; the log has all of it. Throws for an event that is not one of the contract. */
export function checkedEvent(given: WorkerEvent): WorkerEvent {
  const event = fieldAt(given, ["type"]) === "usage" ? withoutFalseNumbers(given as UsageEvent) : given;
  const problem = eventProblem(event);
  if (problem !== null) throw new AgentCoreError("AC_ADAPTER_INVALID", `event ${problem}`);
  return bounded(event);
}

function bounded(event: WorkerEvent): WorkerEvent {
  switch (event.type) {
    case "text":
    case "stdout":
    case "stderr":
    case "raw":
      return event.text.length <= eventTextCharsMax ? event : { ...event, ...boundedText(event.text) };
    case "progress":
    case "warning":
    case "denied":
      return event.text.length <= eventTextCharsMax
        ? event
        : { ...event, text: boundedText(event.text).text };
    case "tool_result":
      return event.summary.length <= eventTextCharsMax
        ? event
        : { ...event, summary: boundedText(event.summary).text, truncated: true };
    case "tool_call":
      return boundToolCall(event);
    default:
      return event;
  }
}

function boundToolCall(event: Extract<WorkerEvent, { type: "tool_call" }>): WorkerEvent {
  const { command, summary } = event;
  if (summary.length <= eventTextCharsMax && (command?.length ?? 0) <= eventTextCharsMax) return event;
  return {
    ...event,
    summary: boundedText(summary).text,
    ...(command === undefined ? {} : { command: boundedText(command).text }),
  };
}

type UsageEvent = Extract<WorkerEvent, { type: "usage" }>;

function withoutFalseNumbers(event: UsageEvent): UsageEvent {
  return { ...event, usage: knownUsage(event.usage), costUsd: knownCost(event.costUsd) };
}

const knownUsage = (usage: unknown) => usageSchema.safeParse(usage).data ?? unknownUsage;
const knownCost = (costUsd: unknown) => costSchema.safeParse(costUsd).data ?? null;

const costSchema = z.number().nonnegative();

const reportSchema = lazySchema(() =>
  z.object({
    terminal: z.enum(["success", "error", "none", "not-applicable"]),
    error: z
      .object({
        class: errorClassSchema,
        message: z.string(),
        status: z.number().nullable(),
        retryAfterMs: z.number().nonnegative().nullable(),
      })
      .nullable(),
    deniedTools: z.array(z.string()),
    summary: z.string(),
    session: z.string().nullable(),
    model: z.string().nullable(),
    usage: usageSchema,
    costUsd: costSchema.nullable(),
    costBasis: costBasisSchema,
    malformedLines: z.number().nonnegative(),
  }),
);

/** Such as `field "usage.inputTokens" must be a number, got string`; empty for a report of the contract. */
export function reportProblems(report: unknown): string[] {
  const { error } = reportSchema.safeParse(report);
  return error === undefined ? [] : fieldProblems(error.issues, report);
}

/** Returns the report, with invalid numbers as unknown. Throws for an invalid report. */
export function checkedReport(given: WorkerReport): WorkerReport {
  const report = { ...given, usage: knownUsage(given.usage), costUsd: knownCost(given.costUsd) };
  const problems = reportProblems(report);
  if (problems.length === 0) return reportSchema.parse(report);
  throw new AgentCoreError(
    "AC_ADAPTER_INVALID",
    `the reader's report is not one of the contract: ${problems.join("; ")}`,
  );
}
