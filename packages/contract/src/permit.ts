/**
 * A permit authorizes exactly one attempt. It is requested with plain data, granted by the gate in one synchronous
 * decision, and ends exactly once: with the result of its execution, or with `release` if it was never used.
 */
import { z } from "zod";
import type { CancelSignal } from "./cancellation.ts";
import { lazySchema } from "./lazy-schema.ts";
import type { ErrorCode } from "./error-codes.ts";
import { jobIdSchema } from "./job.ts";
import { capabilitySchema } from "./task.ts";

export const permitRequestSchema = lazySchema(() =>
  z.strictObject({
    jobId: jobIdSchema,
    /** From 1, never reused. */
    attempt: z.int().positive(),
    maxAttempts: z.int().positive(),
    worker: z.string().min(1),
    /** Provider that is billed and rate limited. Default: the adapter's. */
    provider: z.string().min(1).optional(),
    model: z.string().min(1).optional(),
    tenant: z.string().min(1).optional(),
    /** Absolute path; one permit at a time where the configuration locks workspaces. */
    workspace: z.string().min(1),
    capabilities: z.array(capabilitySchema),
    timeoutMs: z.int().positive(),
    /** The remaining ceilings of the job. */
    maxCostUsd: z.number().nonnegative().optional(),
    maxTokens: z.int().nonnegative().optional(),
    /** The job's own limit for silence with no tool call in flight; default: the runtime's. */
    silenceTimeoutMs: z.int().positive().optional(),
    /** Deadline, in ms since the epoch. */
    deadline: z.number().optional(),
    priorityClass: z.enum(["interactive", "batch"]).default("batch"),
    requireContainment: z.literal("sealed").optional(),
    /** The attempt takes no lock of its workspace and waits for none, as the steps of a workflow, which has its own order. */
    sharesWorkspace: z.literal(true).optional(),
    /** The workflow run and the trace that the attempt belongs to: for the log. */
    run: z.string().optional(),
    trace: z.string().optional(),
  }),
);
export type PermitRequest = z.infer<typeof permitRequestSchema>;

export const grantsSchema = lazySchema(() =>
  z.strictObject({
    capabilities: z.array(capabilitySchema),
    /** Ceiling that is held for this attempt in every budget above it; null: no cost budget applies. */
    maxCostUsd: z.number().nonnegative().nullable(),
    maxTokens: z.int().nonnegative().nullable(),
    model: z.string().nullable(),
    timeoutMs: z.int().positive(),
  }),
);
export type Grants = z.infer<typeof grantsSchema>;

/** What was reduced, and why. */
export const degradationSchema = lazySchema(() =>
  z.strictObject({
    field: z.enum(["capabilities", "maxCostUsd", "maxTokens", "model", "timeoutMs"]),
    from: z.json(),
    to: z.json(),
    code: z.string(),
    reason: z.string(),
  }),
);
export type Degradation = z.infer<typeof degradationSchema>;

export const budgetLevelSchema = lazySchema(() =>
  z.strictObject({
    /** Path in the budget tree, such as `global`, `tenant:acme`, `worker:codex`, `provider:openai`, `job:…`. */
    scope: z.string(),
    kind: z.enum(["concurrency", "start_rate", "cost_usd", "tokens", "attempts"]),
    /** `hour`, `day`, `month`; absent for a limit without a window. */
    window: z.enum(["hour", "day", "month"]).optional(),
    limit: z.number(),
    held: z.number(),
    spent: z.number(),
  }),
);
export type BudgetLevel = z.infer<typeof budgetLevelSchema>;

export const breakerLevelSchema = lazySchema(() =>
  z.strictObject({
    target: z.string(),
    state: z.enum(["closed", "open", "half_open", "isolated"]),
    /** When the next probe is due, in ms since the epoch; null unless open. */
    probeAt: z.number().nullable(),
  }),
);
export type BreakerLevel = z.infer<typeof breakerLevelSchema>;

/** The data of a permit: it crosses the process boundary and is stored with the attempt. */
export const permitRecordSchema = lazySchema(() =>
  z.strictObject({
    id: z.string(),
    jobId: z.string(),
    attempt: z.int().positive(),
    worker: z.string(),
    provider: z.string().nullable(),
    workspace: z.string(),
    issuedAt: z.number(),
    /** End of the attempt's time limit, in ms since the epoch. Enforced on the monotonic clock. */
    deadline: z.number(),
    grants: grantsSchema,
    degraded: z.array(degradationSchema),
    budgets: z.array(budgetLevelSchema),
    breakers: z.array(breakerLevelSchema),
  }),
);
export type PermitRecord = z.infer<typeof permitRecordSchema>;

/** A live permit, inside the process that issued it. */
export interface Permit extends PermitRecord {
  /** Tells when the attempt must stop, and why. */
  readonly signal: CancelSignal<StopCause>;
}

/** The facts behind a denial; shown by `why`. */
export const evidenceSchema = lazySchema(() => z.record(z.string(), z.json()));
export type Evidence = z.infer<typeof evidenceSchema>;

export interface Denial {
  readonly code: ErrorCode;
  readonly message: string;
  readonly evidence: Evidence;
}

export type PermitDecision<P extends PermitRecord = PermitRecord> =
  | { readonly kind: "granted"; readonly permit: P }
  /** Not now; a request before `retryAfterMs` cannot succeed. */
  | ({ readonly kind: "deferred"; readonly retryAfterMs: number } & Denial)
  /** Never, for this request. */
  | ({ readonly kind: "rejected" } & Denial);

/** The first cause that stops a run; later ones are ignored. */
export interface StopCause {
  readonly kind: "cancelled" | "deadline" | "stalled" | "budget" | "runtime_lost" | "isolated";
  readonly code: ErrorCode;
  readonly message: string;
  readonly evidence: Evidence;
}
