/** What callers of the API send. Moments are ISO 8601 texts with a time zone; ids name things on the machine of the daemon. */
import { z } from "zod";
import { errorClassSchema } from "../error-class.ts";
import { jobSubmissionSchema } from "../job.ts";
import { lazySchema } from "../lazy-schema.ts";
import { artifactKindSchema } from "../result.ts";
import { firingStates } from "./trigger-documents.ts";

/** In the program as ms since the epoch. */
const moment = () =>
  z.iso
    .datetime({ offset: true })
    .transform((text) => Date.parse(text))
    .optional();
/** A list of none is refused: as a condition it would hold for nothing, or for everything. */
const oneOrMany = <S extends z.ZodType>(each: S) =>
  z.union([each, z.array(each).min(1).max(1000)]).optional();
/** Digits in a query, a number in a body. */
const whole = () => z.coerce.number<number | string>().int();
const name = () => z.string().min(1).max(512);

const limitOf = (most: number) => whole().min(1).max(most).optional();

const jobFilterShape = () => ({
  state: oneOrMany(z.enum(["queued", "running", "succeeded", "dead", "cancelled"])),
  worker: name().optional(),
  /** Its whole path. */
  workspace: z.string().min(1).max(4096).optional(),
  /** Somewhere in the instructions; the letters A to Z match in either case. */
  text: name().optional(),
  tenant: name().optional(),
  key: name().optional(),
  /** `NAME=VALUE`; a job has to have all of them. */
  label: oneOrMany(z.string().regex(/^[^=]+=/, "not NAME=VALUE")),
  /** Of the reason why it is dead or cancelled. */
  code: name().optional(),
  errorClass: errorClassSchema.optional(),
  id: oneOrMany(name()),
  /** Of its id; all of the same length. */
  idEnding: oneOrMany(name()),
  submittedBefore: moment(),
  submittedAfter: moment(),
  endedBefore: moment(),
  endedAfter: moment(),
});

/** Which jobs; they have to meet every condition. */
export const jobFilterSchema = lazySchema(() => z.strictObject(jobFilterShape()));
export type JobFilter = z.input<typeof jobFilterSchema>;
export type ParsedJobFilter = z.output<typeof jobFilterSchema>;

/** Newest first. `before`: the `next` of the page before. */
const pageShape = () => ({ before: name().optional(), limit: limitOf(1000) });

export const deadLetterListQuerySchema = lazySchema(() =>
  z.strictObject({ ...jobFilterShape(), ...pageShape() }),
);
export type DeadLetterListQuery = z.input<typeof deadLetterListQuerySchema>;

export const jobListQuerySchema = lazySchema(() =>
  z.strictObject({
    ...jobFilterShape(),
    /** Jobs that are steps of workflow runs. Default: include. */
    steps: z.enum(["include", "exclude"]).optional(),
    ...pageShape(),
  }),
);
export type JobListQuery = z.input<typeof jobListQuerySchema>;

export const jobBatchSchema = lazySchema(() =>
  z.strictObject({ jobs: z.array(jobSubmissionSchema).min(1).max(1000) }),
);
export type JobBatch = z.input<typeof jobBatchSchema>;

export const waitQuerySchema = lazySchema(() =>
  z.strictObject({
    /** Default 30 s, at most a minute. */
    timeoutMs: whole().min(0).max(60_000).optional(),
  }),
);
export type WaitQuery = z.input<typeof waitQuerySchema>;

export const cancelRequestSchema = lazySchema(() =>
  z.strictObject({
    reason: z.string().max(10_000).optional(),
    /** Skips the worker's grace period. */
    force: z.boolean().optional(),
  }),
);
export type CancelJobRequest = z.input<typeof cancelRequestSchema>;

/** `where` without a condition selects nothing: everything has to be asked for with `all`. */
const selectionShape = () => ({ where: jobFilterSchema.optional(), all: z.boolean().optional() });

export const cancelManySchema = lazySchema(() =>
  z.strictObject({
    ...selectionShape(),
    ...pageShape(),
    limit: limitOf(500),
    reason: z.string().max(10_000).optional(),
  }),
);
export type CancelManyRequest = z.input<typeof cancelManySchema>;

/** Fields to change, by their dotted path: `{ "limits.maxAttempts": 3 }`. */
const edits = () => ({
  set: z.record(z.string(), z.json()).optional(),
  /** As `set`, but typed by a person: a text stays a text if the field is one, and is JSON otherwise. */
  setText: z.record(z.string(), z.string()).optional(),
});

export const replaySchema = lazySchema(() => z.strictObject(edits()));
export type ReplayRequest = z.input<typeof replaySchema>;

export const replayManySchema = lazySchema(() =>
  z.strictObject({ ...selectionShape(), ...pageShape(), limit: limitOf(500), ...edits() }),
);
export type ReplayManyRequest = z.input<typeof replayManySchema>;

export const purgeSchema = lazySchema(() => z.strictObject({ ...selectionShape(), limit: limitOf(500) }));
export type PurgeRequest = z.input<typeof purgeSchema>;

export const logQuerySchema = lazySchema(() =>
  z.strictObject({
    /** Default: the newest. */
    attempt: whole().min(1).optional(),
    stream: z.enum(["stdout", "stderr"]).optional(),
    /** Of the text of the answer. Default: utf8. */
    encoding: z.enum(["utf8", "base64"]).optional(),
    /** In bytes, default 0; negative: from the end. */
    offset: whole().optional(),
    /** Most bytes of the answer; default 256 KiB, at most 1 MiB. */
    limit: limitOf(1024 * 1024),
  }),
);
export type LogQuery = z.input<typeof logQuerySchema>;

export const artifactQuerySchema = lazySchema(() =>
  z.strictObject({
    name: name(),
    /** Where artifacts of different kinds have the same name. */
    kind: artifactKindSchema.optional(),
    /** Default: the newest. */
    attempt: whole().min(1).optional(),
    /** In bytes, default 0; negative: from the end. */
    offset: whole().optional(),
    /** Most bytes of the answer; default 256 KiB, at most 1 MiB. */
    limit: limitOf(1024 * 1024),
  }),
);
export type ArtifactQuery = z.input<typeof artifactQuerySchema>;

const path = () => z.string().min(1).max(4096).startsWith("/", "not an absolute path");

export const runWorkflowSchema = lazySchema(() =>
  z.strictObject({
    file: path(),
    workspace: path(),
    inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
    /** Files with agents. Default: the file beside the workflow. */
    agents: z.array(path()).max(100).optional(),
    maxCostUsd: z.number().positive().optional(),
    maxTokens: z.int().positive().optional(),
  }),
);
export type RunWorkflowRequest = z.input<typeof runWorkflowSchema>;

export const runStates = ["RUNNING", "INTERRUPTED", "SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED"] as const;

export const runListQuerySchema = lazySchema(() =>
  z.strictObject({
    state: oneOrMany(z.enum(runStates)),
    /** Of the workflow. */
    name: name().optional(),
    ...pageShape(),
  }),
);
export type RunListQuery = z.input<typeof runListQuerySchema>;

export const retryRunSchema = lazySchema(() => z.strictObject({ from: name().optional() }));
export type RetryRunRequest = z.input<typeof retryRunSchema>;

export const reasonSchema = lazySchema(() => z.strictObject({ reason: z.string().max(10_000).optional() }));
export type ReasonRequest = z.input<typeof reasonSchema>;

export const answerSchema = lazySchema(() =>
  z.strictObject({
    /** Default: the only step that waits. */
    step: name().optional(),
    /** Who answers. Default: the user of the daemon. */
    by: name().optional(),
    message: z.string().max(10_000).optional(),
  }),
);
export type AnswerRequest = z.input<typeof answerSchema>;

export const stepQuerySchema = lazySchema(() => z.strictObject({ step: name().optional() }));
export type StepQuery = z.input<typeof stepQuerySchema>;

export const workflowLogQuerySchema = lazySchema(() =>
  z.strictObject({
    /** Only this step. */
    step: name().optional(),
    /** The `next` of the answer before. */
    after: name().optional(),
    /** Most bytes of the answer; default 256 KiB, at most 1 MiB. */
    limit: whole()
      .min(1024)
      .max(1024 * 1024)
      .optional(),
  }),
);
export type WorkflowLogQuery = z.input<typeof workflowLogQuerySchema>;

export const pauseSchema = lazySchema(() => z.strictObject({ note: z.string().max(1000).optional() }));
export type PauseRequest = z.input<typeof pauseSchema>;

export const fireSchema = lazySchema(() => z.strictObject({ payload: z.json().optional() }));
export type FireRequest = z.input<typeof fireSchema>;

/** `from` is included, `to` is not. */
export const backfillSchema = lazySchema(() =>
  z.strictObject({ from: moment().unwrap(), to: moment().unwrap() }),
);
export type BackfillRequest = z.input<typeof backfillSchema>;

export const replayEventSchema = lazySchema(() => z.strictObject({ trigger: name().optional() }));
export type ReplayEventRequest = z.input<typeof replayEventSchema>;

export const emitSchema = lazySchema(() =>
  z.strictObject({
    payload: z.json(),
    /** No second event of the topic with the same key is kept. */
    key: name().optional(),
    /** The runs that led to it, the oldest first: a trigger skips an event whose chain is too long. Default: none. */
    chain: z
      .array(z.strictObject({ daemon: name(), trigger: name(), run: name() }))
      .max(32)
      .optional(),
  }),
);
export type EmitRequest = z.input<typeof emitSchema>;

export const spendQuerySchema = lazySchema(() =>
  z.strictObject({
    /** Default: 24 hours or 30 days before `until`. */
    since: moment(),
    /** Default: now. */
    until: moment(),
    /** Default `day`. */
    bucket: z.enum(["hour", "day"]).optional(),
  }),
);
export type SpendQuery = z.input<typeof spendQuerySchema>;

const sequence = () => ({ before: whole().min(0).optional(), limit: limitOf(1000) });

export const eventListQuerySchema = lazySchema(() =>
  z.strictObject({ source: name().optional(), ...sequence() }),
);
export type EventListQuery = z.input<typeof eventListQuerySchema>;

export const sequenceQuerySchema = lazySchema(() => z.strictObject(sequence()));
export type SequenceQuery = z.input<typeof sequenceQuerySchema>;

export const firingListQuerySchema = lazySchema(() =>
  z.strictObject({
    trigger: name().optional(),
    event: name().optional(),
    run: name().optional(),
    state: oneOrMany(z.enum(firingStates)),
    ...sequence(),
  }),
);
export type FiringListQuery = z.input<typeof firingListQuerySchema>;

export const eventTopics = ["jobs", "output", "workflows", "triggers", "daemon"] as const;
/** `output`: what workers say, apart from the other events of `jobs` because there is much of it. */
export type EventTopic = (typeof eventTopics)[number];

export const streamQuerySchema = lazySchema(() =>
  z.strictObject({
    /** Default: all but `output`. */
    topic: oneOrMany(z.enum(eventTopics)),
    /** Only events about this job, run or trigger. */
    job: name().optional(),
    run: name().optional(),
    trigger: name().optional(),
  }),
);
export type StreamQuery = z.input<typeof streamQuerySchema>;
