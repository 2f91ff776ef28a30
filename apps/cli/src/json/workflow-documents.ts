/** The documents of `--json` of the workflow commands, and what makes them. See `documents.ts`. */
import { runEventSchema } from "@agentcore/contract";
import type { JournalHeader } from "@agentcore/scheduler";
import type { RunResult, StepReport, WaitingApproval, WorkflowEvent } from "@agentcore/workflow";
import * as z from "zod";

const text = z.string();
const maybeText = z.string().nullable();
const maybeNumber = z.number().nullable();
const count = z.int().nonnegative();

const downtimeMs = z
  .number()
  .meta({ description: "Of the time since the start: in which no process worked on the run, in ms." });

const question = {
  message: text,
  /** Users who may answer; empty: everybody. */
  who: z.array(text),
  expiresAt: maybeNumber,
};

const answer = z.strictObject({
  decision: z.enum(["approved", "rejected", "timed_out"]),
  by: maybeText,
  message: text,
  at: z.number(),
});

/** Every field of a report has its line here. */
const stepShape = {
  id: text,
  status: text,
  reason: text,
  errorClass: maybeText,
  code: maybeText,
  attempts: count,
  iterations: count,
  cached: z.boolean().meta({ description: "It did not run: the cache had its result." }),
  taken: z
    .boolean()
    .meta({ description: "It did not run: with --only, its result is that of an earlier run." }),
  loops: z.boolean(),
  startedAt: maybeNumber,
  endedAt: maybeNumber,
  downtimeMs,
  costUsd: maybeNumber,
  tokens: z.int().nullable(),
  artifacts: z.array(text),
  jobId: maybeText,
  output: text,
  log: maybeText,
  isTolerated: z.boolean(),
  isFinal: z.boolean(),
  /** When its next attempt begins. */
  retryAt: maybeNumber,
  values: z.record(z.string(), z.string()),
  approval: z.strictObject({ ...question, answer: answer.nullable() }).nullable(),
} satisfies Record<keyof StepReport, z.ZodType>;

const step = z.strictObject(stepShape);

const runFields = {
  id: text,
  name: text,
  state: text,
  file: text,
  workspace: text,
  steps: count,
  stepsEnded: count,
  startedAt: z.number(),
  endedAt: maybeNumber,
  downtimeMs,
  message: maybeText,
  costUsd: maybeNumber,
  tokens: z.int().nullable(),
  /** Steps that wait for an approval. */
  waitsFor: z.array(text),
  /** The concurrency group that it waits for. */
  waitsForGroup: maybeText,
};

const problem = z.strictObject({ file: text, line: count, column: count, message: text });

const base = { at: z.number(), run: text };

export const workflowDocuments: Readonly<Record<string, () => z.ZodType>> = {
  run_started: () =>
    z.strictObject({
      type: z.literal("run_started"),
      ...base,
      name: text,
      resumed: z.boolean(),
      steps: z.array(text),
    }),
  run_waiting: () => z.strictObject({ type: z.literal("run_waiting"), ...base, group: text, holder: text }),
  notification_failed: () =>
    z.strictObject({ type: z.literal("notification_failed"), ...base, event: text, problem: text }),
  step_changed: () => z.strictObject({ type: z.literal("step_changed"), ...base, step }),
  job_event: () =>
    z.strictObject({
      type: z.literal("job_event"),
      ...base,
      step: text,
      piece: z.enum(["work", "check"]),
      event: runEventSchema,
    }),
  run_result: () =>
    z.strictObject({
      type: z.literal("result"),
      run: text,
      outcome: text,
      reason: maybeText,
      code: maybeText,
      steps: z.array(step),
      costUsd: maybeNumber,
      tokens: z.int().nullable(),
      startedAt: z.number(),
      endedAt: z.number(),
      downtimeMs,
    }),
  run: () => z.strictObject({ type: z.literal("run"), ...runFields }),
  run_details: () =>
    z.strictObject({
      type: z.literal("run_details"),
      ...runFields,
      inputs: z.record(z.string(), z.unknown()),
      approvals: z.array(z.strictObject({ step: text, askedAt: z.number(), ...question, command: text })),
      /** Null if the file has changed since. */
      steps: z.array(step).nullable(),
    }),
  dry_run: () =>
    z.looseObject({
      type: z.literal("dry_run"),
      name: text,
      inputs: z.record(z.string(), z.unknown()),
      timeoutMs: z.int().nullable(),
      concurrency: z.int().nullable(),
      /** Each as the file has it, with what it may spend and why it is skipped. */
      steps: z.array(z.looseObject({ id: text, step: text, round: z.int().nullable(), skipped: maybeText })),
    }),
  approval: () =>
    z.strictObject({
      type: z.literal("approval"),
      run: text,
      step: text,
      decision: z.enum(["approved", "rejected"]),
      by: text,
      message: text,
      /** False: no process works on the run; the answer counts when it is resumed. */
      isApplied: z.boolean(),
    }),
  validation: () =>
    z.strictObject({
      type: z.literal("validation"),
      ok: z.boolean(),
      problems: z.array(problem),
      warnings: z.array(problem),
    }),
};

/** Tokens are 0 in a report if no worker reported any. */
const known = (tokens: number): number | null => (tokens === 0 ? null : tokens);

export const stepJson = (report: StepReport): Record<string, unknown> => ({
  ...report,
  tokens: known(report.tokens),
});

export function workflowEventJson(event: Exclude<WorkflowEvent, { type: "run_ended" }>): object {
  return event.type === "step_changed" ? { ...event, step: stepJson(event.step) } : event;
}

export function runResultJson({ spent, steps, ...rest }: RunResult): object {
  return { type: "result", ...rest, tokens: known(spent.tokens), steps: steps.map(stepJson) };
}

/** `command`: what answers it. */
export function approvalJson(wait: WaitingApproval, command: string): Record<string, unknown> {
  const { step, message, who, askedAt, expiresAt } = wait;
  return { step, message, who, askedAt, expiresAt, command };
}

/** `state`: as lists show it. */
export function runJson(id: string, header: JournalHeader, state: string): Record<string, unknown> {
  const { name, file, workspace, steps, stepsEnded, startedAt, endedAt, message, costUsd, tokens } = header;
  return {
    id,
    name,
    state,
    file,
    workspace,
    steps,
    stepsEnded,
    startedAt,
    endedAt: endedAt ?? null,
    downtimeMs: header["downtimeMs"] ?? 0,
    message: message ?? null,
    waitsForGroup: header["waitsForGroup"] ?? null,
    costUsd: costUsd ?? null,
    tokens: known(Number(tokens ?? 0)),
  };
}
