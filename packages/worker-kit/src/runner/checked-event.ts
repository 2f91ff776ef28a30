/**
 * Checks the output of a third-party reader. Texts are cut, and numbers that feed budgets are checked, because a negative
 * or infinite number would corrupt them. Other fields are not checked, because checking each of millions of events against
 * the schema would cost more than reading them.
 */
import {
  AgentCoreError,
  costBasisSchema,
  errorClassSchema,
  eventTextCharsMax,
  unknownUsage,
  usageSchema,
  type WorkerEvent,
  type WorkerReport,
  lazySchema,
} from "@agentcore/contract";
import { z } from "zod";
import { boundedText } from "../event-text.ts";

/** Cuts every long text of an event; the log has all of it. Cheap for short texts. Throws for an invalid event. */
export function checkedEvent(event: WorkerEvent): WorkerEvent {
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
    case "usage":
      return checkedUsage(event);
    case "started":
    case "file_change":
      return event;
    default:
      throw new AgentCoreError("AC_ADAPTER_INVALID", `unknown event: ${JSON.stringify(event).slice(0, 200)}`);
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

function checkedUsage(event: Extract<WorkerEvent, { type: "usage" }>): WorkerEvent {
  const costUsd = costSchema.safeParse(event.costUsd).data ?? null;
  const usage = usageSchema.safeParse(event.usage).data ?? unknownUsage;
  return { type: "usage", usage, costUsd };
}

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
    usage: usageSchema.catch(unknownUsage),
    costUsd: costSchema.nullable().catch(null),
    costBasis: costBasisSchema,
    malformedLines: z.number().nonnegative(),
  }),
);

/** Returns the report, with invalid numbers as unknown. Throws for an invalid report. */
export function checkedReport(report: WorkerReport): WorkerReport {
  const parsed = reportSchema.safeParse(report);
  if (parsed.success) return parsed.data;
  const problems = z.prettifyError(parsed.error).replace(/\s+/g, " ");
  throw new AgentCoreError(
    "AC_ADAPTER_INVALID",
    `the reader's report is not one of the contract: ${problems}`,
  );
}
