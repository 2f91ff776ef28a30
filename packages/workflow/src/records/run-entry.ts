/**
 * Reads and validates the entries of a run's journal, because the file may be damaged; an invalid entry is reported with
 * its run and its number.
 */
import { AgentCoreError, isErrorCode, type ErrorCode, lazySchema } from "@agentcore/contract";
import type { JournalValue } from "@agentcore/scheduler";
import * as z from "zod";
import type { PlanStep } from "../plan/plan-step.ts";
import { foldEntry, newRecord, type RecordDraft } from "./run-record.ts";
import type { RunCreated, RunEntry } from "./entry-types.ts";

const text = z.string();
const moment = z.number();
const count = z.number().nonnegative();
const budget = z.looseObject({ costUsd: z.number().nullable(), tokens: z.number().nullable() });
const spending = z.looseObject({ costUsd: count, tokens: count });
const code = z.custom<ErrorCode>((value) => typeof value === "string" && isErrorCode(value), {
  error: "is no code of the catalog",
});

const created = lazySchema(() =>
  z.looseObject({
    type: z.literal("created"),
    version: z.literal(1),
    at: moment,
    name: text,
    file: text,
    hash: text,
    workspace: text,
    contextDir: text,
    inputs: z.record(text, z.union([text, z.number(), z.boolean(), z.null()])),
    budget: budget.nullable(),
    parent: text.nullable(),
    root: text.nullable(),
    base: z
      .looseObject({ root: text, gitDir: text, ownGitDir: text.optional(), branch: text, sha: text })
      .nullable(),
    startBranch: text.nullable(),
    timeoutMs: z.number().positive(),
    caller: z.json(),
    only: text.optional(),
    noCache: z.literal(true).optional(),
    env: z.record(z.string(), z.string()).optional(),
  }),
);

const approvalDecision = z.enum(["approved", "rejected", "timed_out"]);

const stepEvent = lazySchema(() =>
  z.discriminatedUnion("type", [
    z.looseObject({ type: z.enum(["work_started", "check_started"]), jobId: text }),
    z.looseObject({
      type: z.literal("work_ended"),
      outcome: z.enum(["succeeded", "failed", "cancelled"]),
      reason: text,
      violations: z.array(text),
      final: z.enum(["step", "run"]).optional(),
      retryAt: moment.optional(),
      cached: z.literal(true).optional(),
    }),
    z.looseObject({
      type: z.literal("check_ended"),
      decision: z.enum(["complete", "incomplete", "undecided", "failed"]),
      reason: text,
      fingerprints: z.array(text),
      final: z.literal("run").optional(),
    }),
    z.looseObject({ type: z.literal("approval_asked"), waitId: text }),
    z.looseObject({ type: z.literal("approval_answered"), decision: approvalDecision, reason: text }),
    z.looseObject({ type: z.literal("skipped"), reason: text, passes: z.boolean() }),
    z.looseObject({ type: z.enum(["cancelled", "refused", "taken"]), reason: text }),
    z.looseObject({ type: z.enum(["interrupted", "reset"]) }),
  ]),
);

const runEvent = lazySchema(() =>
  z.discriminatedUnion("type", [
    z.looseObject({ type: z.literal("step"), step: text, event: stepEvent }),
    z.looseObject({
      type: z.literal("stop_requested"),
      reason: z.looseObject({
        outcome: z.enum(["FAILED", "TIMED_OUT", "CANCELLED"]),
        message: text,
        code: code.optional(),
        step: text.optional(),
      }),
    }),
    z.looseObject({
      type: z.literal("run_ended"),
      outcome: z.enum(["SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED"]),
    }),
    z.looseObject({ type: z.literal("retried"), steps: z.array(text) }),
    z.looseObject({ type: z.literal("expanded"), step: text, lists: z.record(text, z.array(text)) }),
  ]),
);

const entry = lazySchema(() =>
  z.discriminatedUnion("type", [
    created,
    z.looseObject({ type: z.literal("resumed"), at: moment }),
    z.looseObject({
      type: z.literal("noted"),
      at: moment,
      step: text,
      diffBase: text.optional(),
      cacheMiss: text.optional(),
    }),
    z.looseObject({ type: z.literal("interrupted"), at: moment, message: text }),
    z.looseObject({
      type: z.literal("notification"),
      at: moment,
      key: text,
      begins: z
        .looseObject({
          event: z.enum(["succeeded", "failed", "cancelled", "budget", "approval"]),
          rule: count,
          jobId: text,
          step: text.optional(),
        })
        .optional(),
      ended: z.looseObject({ problem: text.nullable() }).optional(),
    }),
    z.looseObject({ type: z.literal("group"), at: moment, waitsFor: text.nullable() }),
    z.looseObject({
      type: z.literal("event"),
      at: moment,
      event: runEvent,
      reserved: budget.optional(),
      spent: spending.optional(),
      interruptions: count.optional(),
      errorClass: text.optional(),
      code: text.optional(),
      artifacts: z.array(text).optional(),
      values: z.record(text, text).optional(),
      costKnown: z.boolean().optional(),
      requests: count.optional(),
      branch: text.optional(),
      output: text.optional(),
      log: text.optional(),
      approval: z.looseObject({ message: text, who: z.array(text), expiresAt: moment.nullable() }).optional(),
      answer: z
        .looseObject({ decision: approvalDecision, by: text.nullable(), message: text, at: moment })
        .optional(),
    }),
  ]),
);

export interface RunEntries {
  readonly created: RunCreated;
  /** All entries, including the first. */
  readonly entries: readonly RunEntry[];
}

/** Throws `AC_WORKFLOW_RECORD`. `stream` names the run in the message. */
export function readEntries(stream: string, values: readonly JournalValue[]): RunEntries {
  const entries = values.map((value, index): RunEntry => {
    const read = entry.safeParse(value);
    const isFirst = index === 0;
    if (read.success && (read.data.type === "created") === isFirst) return read.data;
    const [issue] = read.error?.issues ?? [];
    const where = issue === undefined || issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
    const why = issue?.message ?? (isFirst ? "it does not say how the run began" : "the run begins twice");
    throw damaged(stream, index, `${where}${why}`);
  });
  const [first] = entries;
  if (first?.type !== "created") throw damaged(stream, 0, "it is missing");
  return { created: first, entries };
}

/**
 * Builds the record from the entries. `steps`: in the order of the file. Throws `AC_WORKFLOW_RECORD` if an entry names a step
 * that the workflow does not have.
 */
export function readRecord(
  stream: string,
  steps: readonly PlanStep[],
  { created, entries }: RunEntries,
): RecordDraft {
  const record = newRecord(steps, created);
  for (const [index, entry] of entries.entries()) {
    const unknown = stepsNamed(entry).find((id) => !record.state.steps.has(id));
    if (unknown !== undefined) throw damaged(stream, index, `there is no step "${unknown}"`);
    const expanded = entry.type === "event" && entry.event.type === "expanded" ? entry.event.step : null;
    if (expanded !== null && !record.state.canExpand(expanded))
      throw damaged(stream, index, `step "${expanded}" has no list to wait for`);
    if (index > 0) foldEntry(record, entry);
  }
  return record;
}

function stepsNamed(entry: RunEntry): readonly string[] {
  if (entry.type !== "event") return [];
  const { event } = entry;
  if (event.type === "step" || event.type === "expanded") return [event.step];
  return event.type === "retried" ? event.steps : [];
}

function damaged(stream: string, index: number, why: string): AgentCoreError {
  const message = `entry ${index + 1} in the journal of ${stream.replace(":", " run ")} cannot be read: ${why}`;
  return new AgentCoreError("AC_WORKFLOW_RECORD", message, { evidence: { stream, entry: index + 1 } });
}
