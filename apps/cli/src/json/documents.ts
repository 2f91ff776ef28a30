/**
 * The lines of `--json`: most are documents of the contract, a few are only for the command line. Public interface: fields are
 * added, but none changes its meaning within a version. An unknown value is null.
 */
import {
  acceptedDocumentSchema,
  budgetDocumentSchema,
  callSpendDocumentSchema,
  cancelDocumentSchema,
  configurationEventSchema,
  documentSchema,
  drainDocumentSchema,
  errorDocumentSchema,
  firingDocumentSchema,
  holdDocumentSchema,
  jobDecisionsDocumentSchema,
  jobDetailsDocumentSchema,
  jobDocumentSchema,
  lazySchema,
  logEventDocumentSchema,
  overviewDocumentSchema,
  pricingDocumentSchema,
  purgedDocumentSchema,
  replayedDocumentSchema,
  resultLineSchema,
  runEventSchema,
  stopDocumentSchema,
  submittedDocumentSchema,
  triggerDetailsDocumentSchema,
  triggerDocumentSchema,
  triggerEventDocumentSchema,
  versionedSchema,
  workflowLineSchemas,
} from "@agentcore/contract";
import * as z from "zod";

const text = z.string();
const maybeText = z.string().nullable();

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

/** Of a token of the API. `expiresAt`: null, it does not expire. */
const tokenShape = () => ({
  id: text,
  name: text,
  scope: z.enum(["read", "operate"]),
  createdAt: z.number(),
  expiresAt: z.number().nullable(),
});

/** By the value of `type`, or a name for those that share one. */
const documents: Readonly<Record<string, z.ZodType>> = {
  event: runEventSchema,
  configuration: configurationEventSchema,
  result: resultLineSchema,
  error: errorDocumentSchema,
  submitted: submittedDocumentSchema,
  job: jobDocumentSchema,
  job_details: jobDetailsDocumentSchema,
  job_decisions: jobDecisionsDocumentSchema,
  more: lazySchema(() => z.strictObject({ type: z.literal("more"), before: text })),
  cancel: cancelDocumentSchema,
  replayed: replayedDocumentSchema,
  purged: purgedDocumentSchema,
  log: logEventDocumentSchema,
  budget: budgetDocumentSchema,
  hold: holdDocumentSchema,
  pricing: pricingDocumentSchema,
  callSpend: callSpendDocumentSchema,
  /** The files of a new adapter. */
  adapter: lazySchema(() =>
    z.strictObject({ type: z.literal("adapter"), name: text, directory: text, files: z.array(text) }),
  ),
  doctor: lazySchema(() =>
    z.strictObject({
      type: z.literal("doctor"),
      version: text,
      ok: z.boolean(),
      checks: z.array(check),
      workers: z.array(workerCheck),
    }),
  ),
  /** The copy of a state directory's database. */
  backup: lazySchema(() =>
    z.strictObject({ type: z.literal("backup"), path: text, bytes: z.int().nonnegative() }),
  ),
  trust: lazySchema(() =>
    z.strictObject({
      type: z.literal("trust"),
      path: text,
      trusted: z.boolean(),
      sha256: maybeText,
      trustedAt: maybeText,
      /** The settings that are in effect now; null where a list of trusted files says nothing about them. */
      settings: z.array(text).nullable(),
    }),
  ),
  overview: overviewDocumentSchema,
  trigger: triggerDocumentSchema,
  trigger_details: triggerDetailsDocumentSchema,
  trigger_event: triggerEventDocumentSchema,
  firing: firingDocumentSchema,
  accepted: acceptedDocumentSchema,
  token: lazySchema(() => z.strictObject({ type: z.literal("token"), ...tokenShape() })),
  /** The only place of the token's text. */
  /** A process that works on the queue. `silent`: its lease is not renewed; `gone`: its process has ended. */
  host: lazySchema(() =>
    z.strictObject({
      type: z.literal("host"),
      name: text,
      state: z.enum(["up", "draining", "silent", "gone"]),
      running: z.int().nonnegative(),
      capacity: z.int().nonnegative(),
      workers: z.array(text),
      version: text,
      machine: text,
      pid: z.int(),
      startedAt: z.number(),
    }),
  ),
  host_drain: lazySchema(() =>
    z.strictObject({
      type: z.literal("host_drain"),
      name: text,
      draining: z.boolean(),
      /** Attempts in flight there. */
      running: z.int().nonnegative(),
    }),
  ),
  token_created: lazySchema(() =>
    z.strictObject({ type: z.literal("token_created"), ...tokenShape(), token: text }),
  ),
  token_revoked: lazySchema(() => z.strictObject({ type: z.literal("token_revoked"), id: text })),
  drain: drainDocumentSchema,
  stop: stopDocumentSchema,
  ...workflowLineSchemas,
};

/** The JSON Schema of a line of `--json`. `names`: only these documents. */
export function outputJsonSchema(names = Object.keys(documents)): Record<string, unknown> {
  const chosen = Object.entries(documents).filter(([name]) => names.includes(name));
  const { anyOf, ...rest } = documentSchema(z.toJSONSchema(z.union(chosen.map(([, schema]) => schema))));
  const lines = (anyOf as readonly Schema[]).flatMap((schema, index) =>
    variantsOf(schema).map((variant) => ({ title: chosen[index]?.[0], ...versionedSchema(variant) })),
  );
  return { title: "A line of `agentcore … --json`", ...rest, anyOf: lines };
}

type Schema = Readonly<Record<string, unknown>>;

const variantsOf = (schema: Schema): readonly Schema[] =>
  ((schema["oneOf"] ?? schema["anyOf"]) as readonly Schema[] | undefined) ?? [schema];
