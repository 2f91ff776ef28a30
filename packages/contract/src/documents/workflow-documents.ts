/** The documents about workflow files and their runs. See `job-documents.ts`. */
import { z } from "zod";
import { lazySchema } from "../lazy-schema.ts";
import { runEventSchema } from "../run-event.ts";

const text = z.string();
const maybeText = z.string().nullable();
const maybeNumber = z.number().nullable();
const count = z.int().nonnegative();

const downtimeMs = () =>
  z
    .number()
    .meta({ description: "Of the time since the start: in which no process worked on the run, in ms." });

const question = {
  message: text,
  /** Users who may answer; empty: everybody. */
  who: z.array(text),
  expiresAt: maybeNumber,
};

/** Every field of a report of a step. */
const stepShape = () => ({
  id: text,
  status: text,
  reason: text,
  errorClass: maybeText,
  code: maybeText,
  attempts: count,
  iterations: count,
  cached: z.boolean().meta({ description: "It did not run: the cache had its result." }),
  cacheMiss: maybeText.meta({
    description:
      "Why the cache had no result of it, such as `file a.txt changed`; null if it had one, or was not asked.",
  }),
  taken: z
    .boolean()
    .meta({ description: "It did not run: with --only, its result is that of an earlier run." }),
  loops: z.boolean(),
  startedAt: maybeNumber,
  endedAt: maybeNumber,
  downtimeMs: downtimeMs(),
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
  approval: z
    .strictObject({
      ...question,
      answer: z
        .strictObject({
          decision: z.enum(["approved", "rejected", "timed_out"]),
          by: maybeText,
          message: text,
          at: z.number(),
        })
        .nullable(),
    })
    .nullable(),
});

export const stepDocumentSchema = lazySchema(() => z.strictObject(stepShape()));
export type StepDocument = z.infer<typeof stepDocumentSchema>;

/** A step of a run or of the runs of its sub-workflows, with its place. A step with a matrix is one for each instance. */
export const runStepDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("run_step"),
    /** Ids of the instances from the outermost run to here, such as `release[os=linux]/build`. */
    key: text,
    /** Key of the step whose sub-workflow it is part of; null: the run. */
    parent: maybeText,
    /** Ids of the steps, such as `release/build`: the `path` of its node in the graph. */
    path: text,
    ...stepShape(),
  }),
);
export type RunStepDocument = z.infer<typeof runStepDocumentSchema>;

const place = { x: z.number(), y: z.number() };
const box = { ...place, width: z.number(), height: z.number() };
const placedText = { ...place, text };

/** How the steps of a run depend on each other. It does not change during the run. */
export const runGraphDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("run_graph"),
    run: text,
    /** In the order of the file; those of a sub-workflow come after all steps around it. */
    nodes: z.array(
      z.strictObject({
        path: text,
        /** Path of the step whose sub-workflow it is part of. */
        parent: maybeText,
        id: text,
        kind: z.enum(["worker", "workflow", "approval"]),
        /** Paths of the steps that it waits for. */
        dependsOn: z.array(text),
      }),
    ),
    /** In pixels for a monospaced face of 13 px. Null: there are more than 60 steps. */
    drawing: z
      .strictObject({
        width: z.number(),
        height: z.number(),
        boxes: z.array(
          z.strictObject({
            path: text,
            ...box,
            /** The name of the step, and below it who works and when. */
            lines: z.array(z.strictObject(placedText)),
            /** Where its state is written, and how many letters have room. */
            state: z.strictObject({ ...place, columns: count }),
            /** There may be several instances. */
            isStacked: z.boolean(),
          }),
        ),
        edges: z.array(
          z.strictObject({
            from: text,
            to: text,
            /** The second step may be skipped. */
            conditional: z.boolean(),
            points: z.array(z.strictObject(place)),
            /** Its middle. */
            label: z.strictObject({ ...placedText, width: z.number() }).nullable(),
          }),
        ),
        /** Lines above the steps of `finally`. */
        lines: z.array(z.strictObject({ ...place, width: z.number() })),
      })
      .nullable(),
  }),
);
export type RunGraphDocument = z.infer<typeof runGraphDocumentSchema>;

const runShape = () => ({
  id: text,
  name: text,
  state: text,
  file: text,
  workspace: text,
  steps: count,
  stepsEnded: count,
  startedAt: z.number(),
  /** The latest sign of a process that works on it. */
  lastAt: z.number(),
  endedAt: maybeNumber,
  downtimeMs: downtimeMs(),
  message: maybeText,
  /** Code of the catalog that says more than the state. */
  code: maybeText,
  costUsd: maybeNumber,
  tokens: z.int().nullable(),
  /** Steps that wait for an approval. */
  waitsFor: z.array(text),
  /** The concurrency group that it waits for. */
  waitsForGroup: maybeText,
});

const base = { at: z.number(), run: text };

export const runDocumentSchema = lazySchema(() => z.strictObject({ type: z.literal("run"), ...runShape() }));
export type RunDocument = z.infer<typeof runDocumentSchema>;

export const runDetailsDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("run_details"),
    ...runShape(),
    inputs: z.record(z.string(), z.unknown()),
    approvals: z.array(z.strictObject({ step: text, askedAt: z.number(), ...question, command: text })),
    /** Null if the file has changed since. */
    steps: z.array(stepDocumentSchema).nullable(),
    failedNotifications: z.array(z.strictObject({ event: text, problem: text })),
  }),
);
export type RunDetailsDocument = z.infer<typeof runDetailsDocumentSchema>;

/** A part of the logs of a run's workers: job by job, in the order in which the jobs were submitted. */
export const workflowLogDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("workflow_log"),
    run: text,
    parts: z.array(
      z.strictObject({
        jobId: text,
        step: text,
        /** Of the check of a step with a loop. */
        isCheck: z.boolean(),
        attempt: count,
        stream: z.enum(["stdout", "stderr"]),
        /** Of the first byte of `text` in the log of the attempt. */
        offset: count,
        /** UTF-8; a byte that is no part of a character is U+FFFD. */
        text,
      }),
    ),
    /** Pass it as `after` for what comes next; null: there is no job yet. */
    next: maybeText,
    /** Whether everything was read, and no process works on the run. */
    ended: z.boolean(),
  }),
);
export type WorkflowLogDocument = z.infer<typeof workflowLogDocumentSchema>;

export const approvalDocumentSchema = lazySchema(() =>
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
);
export type ApprovalDocument = z.infer<typeof approvalDocumentSchema>;

const problem = z.strictObject({ file: text, line: count, column: count, message: text });

/** The events of a run and other lines that only the command line prints, by the value of `type` or a name. */
export const workflowLineSchemas = {
  run_started: lazySchema(() =>
    z.strictObject({
      type: z.literal("run_started"),
      ...base,
      name: text,
      resumed: z.boolean(),
      steps: z.array(text),
    }),
  ),
  run_waiting: lazySchema(() =>
    z.strictObject({ type: z.literal("run_waiting"), ...base, group: text, holder: text }),
  ),
  notification_failed: lazySchema(() =>
    z.strictObject({ type: z.literal("notification_failed"), ...base, event: text, problem: text }),
  ),
  step_changed: lazySchema(() =>
    z.strictObject({ type: z.literal("step_changed"), ...base, step: stepDocumentSchema }),
  ),
  job_event: lazySchema(() =>
    z.strictObject({
      type: z.literal("job_event"),
      ...base,
      step: text,
      piece: z.enum(["work", "check"]),
      event: runEventSchema,
    }),
  ),
  run_result: lazySchema(() =>
    z.strictObject({
      type: z.literal("result"),
      run: text,
      outcome: text,
      reason: maybeText,
      code: maybeText,
      steps: z.array(stepDocumentSchema),
      costUsd: maybeNumber,
      tokens: z.int().nullable(),
      startedAt: z.number(),
      endedAt: z.number(),
      downtimeMs: downtimeMs(),
    }),
  ),
  run: runDocumentSchema,
  run_details: runDetailsDocumentSchema,
  dry_run: lazySchema(() =>
    z.looseObject({
      type: z.literal("dry_run"),
      name: text,
      inputs: z.record(z.string(), z.unknown()),
      timeoutMs: z.int().nullable(),
      concurrency: z.int().nullable(),
      /** Each as the file has it, with what it may spend and why it is skipped. */
      steps: z.array(z.looseObject({ id: text, step: text, round: z.int().nullable(), skipped: maybeText })),
    }),
  ),
  approval: approvalDocumentSchema,
  validation: lazySchema(() =>
    z.strictObject({
      type: z.literal("validation"),
      ok: z.boolean(),
      problems: z.array(problem),
      warnings: z.array(problem),
    }),
  ),
};

/** A run that was started or goes on. */
export const startedDocumentSchema = lazySchema(() =>
  z.strictObject({ type: z.literal("started"), run: text }),
);
export type StartedDocument = z.infer<typeof startedDocumentSchema>;
