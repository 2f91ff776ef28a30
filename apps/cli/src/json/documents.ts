/**
 * The documents of `--json`, one for each line, as the program makes them; `document.ts` gives them their printed form. Public
 * interface: fields are added, but none changes its meaning within a version. An unknown value is null.
 */
import {
  configurationEventSchema,
  containmentReceiptSchema,
  artifactSchema,
  permitRecordSchema,
  resultLineSchema,
  runEventSchema,
  workerEventSchema,
} from "@agentcore/contract";
import * as z from "zod";
import { documentSchema, documentVersion } from "./document.ts";
import { workflowDocuments } from "./workflow-documents.ts";

const text = z.string();
const maybeText = z.string().nullable();
const maybeNumber = z.number().nullable();
const count = z.int().nonnegative();
const evidence = z.record(z.string(), z.unknown());

/** One line of a list of jobs. */
export const jobFields = {
  id: text,
  state: z.enum(["queued", "running", "succeeded", "dead", "cancelled"]),
  worker: text,
  model: maybeText,
  workspace: text,
  instructions: text,
  capabilities: z.array(text),
  tenant: maybeText,
  key: maybeText,
  labels: z.record(z.string(), z.string()),
  /** The workflow run and step that it belongs to. */
  run: maybeText,
  step: maybeText,
  iteration: z.int().nullable(),
  /** Attempts begun so far. */
  attempt: count,
  maxAttempts: count,
  timeoutMs: z.int(),
  maxCostUsd: maybeNumber,
  maxTokens: z.int().nullable(),
  submittedAt: z.number(),
  /** While it is queued: not before this moment. */
  runAt: maybeNumber,
  /** While it runs. */
  claimedAt: maybeNumber,
  endedAt: maybeNumber,
  /** Why it waits, is to stop, or ended. */
  code: maybeText,
  reason: maybeText,
  /** Of the attempt that ended it. */
  outcome: maybeText,
  errorClass: maybeText,
  summary: maybeText,
  session: maybeText,
  exitCode: z.int().nullable(),
  durationMs: maybeNumber,
  /** Of all attempts together. */
  costUsd: maybeNumber,
  tokens: z.int().nullable(),
  /** The job that repeats it. */
  replayedAs: maybeText,
};

export const attemptFields = {
  attempt: count,
  claimedAt: z.number(),
  startedAt: maybeNumber,
  endedAt: maybeNumber,
  decision: maybeText,
  outcome: maybeText,
  errorClass: maybeText,
  code: maybeText,
  summary: maybeText,
  session: maybeText,
  exitCode: z.int().nullable(),
  durationMs: maybeNumber,
  costUsd: maybeNumber,
  costBasis: maybeText,
  inputTokens: z.int().nullable(),
  cachedInputTokens: z.int().nullable(),
  outputTokens: z.int().nullable(),
  filesChanged: z.array(text).nullable(),
  /** What the runtime allowed. */
  permit: permitRecordSchema.nullable(),
  artifacts: z.array(artifactSchema),
  containment: containmentReceiptSchema.nullable(),
};

const lateResult = z.strictObject({
  attempt: count,
  at: z.number(),
  kind: text,
  outcome: text,
  summary: text,
});

const decision = z.strictObject({
  type: text,
  at: z.number(),
  lastAt: z.number(),
  count,
  attempt: count,
  code: text,
  message: text,
  evidence,
  /** The place of the setting that decided; null if it has its default, or no setting decided. */
  configuredAt: maybeText,
});

const check = z.strictObject({
  id: text,
  title: text,
  status: z.enum(["ok", "warn", "bad"]),
  detail: text,
  /** How it was found out, if that says more. */
  proof: text.optional(),
  cure: maybeText,
});

const workerCheck = z.looseObject({
  name: text,
  title: text,
  status: text,
  path: maybeText,
  version: maybeText,
});

/** By the value of `type`, or a name for those that share one. */
const documents: Readonly<Record<string, () => z.ZodType>> = {
  event: () => runEventSchema,
  configuration: () => configurationEventSchema,
  result: () => resultLineSchema,
  error: () => z.strictObject({ type: z.literal("error"), code: text, message: text, cure: text, evidence }),
  submitted: () => z.strictObject({ type: z.literal("submitted"), id: text, deduplicated: z.boolean() }),
  job: () => z.strictObject({ type: z.literal("job"), ...jobFields }),
  job_details: () =>
    z.strictObject({
      type: z.literal("job_details"),
      ...jobFields,
      attempts: z.array(z.strictObject(attemptFields)),
      lateResults: z.array(lateResult),
    }),
  job_decisions: () =>
    z.strictObject({
      type: z.literal("job_decisions"),
      ...jobFields,
      decisions: z.array(decision),
      ahead: z.array(z.strictObject({ id: text, code: maybeText, reason: maybeText })),
      blockedBy: maybeText,
      left: z.array(text),
    }),
  more: () => z.strictObject({ type: z.literal("more"), before: text }),
  cancel: () =>
    z.strictObject({
      type: z.literal("cancel"),
      id: text,
      outcome: z.enum(["cancelled", "requested", "ended", "not_found"]),
    }),
  replayed: () =>
    z.strictObject({ type: z.literal("replayed"), deadJobId: text, jobId: text, isNew: z.boolean() }),
  purged: () => z.strictObject({ type: z.literal("purged"), purged: count, ids: z.array(text) }),
  log: () =>
    z.strictObject({
      type: z.literal("worker_event"),
      jobId: text,
      attempt: count,
      /** A log has no times. */
      at: z.null(),
      event: workerEventSchema,
    }),
  budget: () =>
    z.strictObject({
      type: z.literal("budget"),
      scope: text,
      kind: z.enum(["cost_usd", "tokens"]),
      window: z.enum(["hour", "day", "month"]).nullable(),
      limit: z.number(),
      held: z.number(),
      spent: z.number(),
      left: z.number(),
    }),
  /** What a run costs whose model has no price. */
  pricing: () => z.strictObject({ type: z.literal("pricing"), unpriced: text }),
  /** The files of a new adapter. */
  adapter: () =>
    z.strictObject({ type: z.literal("adapter"), name: text, directory: text, files: z.array(text) }),
  doctor: () =>
    z.strictObject({
      type: z.literal("doctor"),
      version: text,
      ok: z.boolean(),
      checks: z.array(check),
      workers: z.array(workerCheck),
    }),
  trust: () =>
    z.strictObject({
      type: z.literal("trust"),
      path: text,
      trusted: z.boolean(),
      sha256: maybeText,
      trustedAt: maybeText,
      /** The settings that are in effect now; null where a list of trusted files says nothing about them. */
      settings: z.array(text).nullable(),
    }),
  ...workflowDocuments,
};

/** The JSON Schema of a line of `--json`. `names`: only these documents. */
export function outputJsonSchema(names = Object.keys(documents)): Record<string, unknown> {
  const chosen = Object.entries(documents).filter(([name]) => names.includes(name));
  const { anyOf, ...rest } = documentSchema(z.toJSONSchema(z.union(chosen.map(([, make]) => make()))));
  const lines = (anyOf as readonly Schema[]).flatMap((schema, index) =>
    variantsOf(schema).map((variant) => ({ title: chosen[index]?.[0], ...versioned(variant) })),
  );
  return { title: "A line of `agentcore … --json`", ...rest, anyOf: lines };
}

type Schema = Readonly<Record<string, unknown>>;

const variantsOf = (schema: Schema): readonly Schema[] =>
  ((schema["oneOf"] ?? schema["anyOf"]) as readonly Schema[] | undefined) ?? [schema];

/** With the version as the first of its fields. */
function versioned(schema: Schema): Schema {
  const properties = { v: { const: documentVersion }, ...(schema["properties"] as object) };
  return { ...schema, properties, required: ["v", ...((schema["required"] ?? []) as readonly string[])] };
}
