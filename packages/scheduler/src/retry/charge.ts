/**
 * Computes what an attempt adds to its job's spending. A known cost counts unchanged. An attempt whose end was not seen
 * counts with the bound from its records, or, without records, with its whole ceiling if its worker calls a provider: the
 * job's ceiling must hold in every case.
 */
import {
  type CostBasis,
  unknownUsage,
  type Denial,
  type Grants,
  type Job,
  type Log,
  type PermitRecord,
  tokensOf,
  type Usage,
  type WorkerResult,
  type WorkerTask,
} from "@agentcore/contract";
import type { Spending, StartedAttempt } from "../job-record.ts";
import type { Charge } from "../job-store.ts";

export function spendingOf({ costUsd, usage }: WorkerResult): Charge {
  return { costUsd: costUsd ?? 0, tokens: tokensOf(usage) ?? 0 };
}

/** The fields of a result if no worker reported anything. */
function nothingKnown() {
  return {
    retryAfterMs: null,
    artifacts: [],
    observations: { commands: [], filesChanged: null },
    usage: unknownUsage,
    costUsd: null,
    costBasis: "none",
    session: null,
    exitCode: null,
    containment: null,
  } satisfies Partial<WorkerResult>;
}

export interface LostAttempt {
  readonly started: StartedAttempt | null;
  readonly claimedAt: number;
  readonly now: number;
  readonly message: string;
  readonly recorded: LostSpending | null;
}

/** The most that a lost attempt can have spent, by its own records. */
export interface LostSpending {
  readonly costUsd: number;
  readonly usage: Usage;
  /** Default: `estimated`. */
  readonly costBasis?: CostBasis;
}

/** Called once nothing of the attempt runs. Resolves with null if the records do not say. */
export type SpendingOfLost = (attempt: {
  readonly jobId: string;
  readonly attempt: number;
  readonly permitId: string;
  readonly task: WorkerTask;
  /** Its ceiling; null if it had none. */
  readonly maxCostUsd: number | null;
  /** Its worker could spend nothing but through the spend gate; see `RunIdentity`. */
  readonly spendsOnlyByGate: boolean;
}) => Promise<LostSpending | null>;

/** The result of an attempt that is proved gone and left no result. */
export function lostResult({ started, claimedAt, now, message, recorded }: LostAttempt): WorkerResult {
  const startedAt = started?.at ?? claimedAt;
  const costUsd = recorded?.costUsd ?? grantsOf(started)?.maxCostUsd ?? null;
  return {
    ...nothingKnown(),
    outcome: "lost",
    errorClass: "lost",
    code: "AC_RUNTIME_LOST",
    summary: message,
    costUsd,
    costBasis: costUsd === null ? "none" : (recorded?.costBasis ?? "estimated"),
    usage: recorded?.usage ?? unknownUsage,
    startedAt,
    durationMs: Math.max(0, now - startedAt),
  };
}

/** The result of an attempt that the runtime refused to execute although it had granted the permit. */
export function failedResult(denial: Denial, startedAt: number, now: number): WorkerResult {
  const { code, message: summary } = denial;
  const durationMs = Math.max(0, now - startedAt);
  return {
    ...nothingKnown(),
    outcome: "failed",
    errorClass: "internal",
    code,
    summary,
    startedAt,
    durationMs,
  };
}

/** The charge of a lost attempt: its cost is in the result, its tokens are bounded in the same way. */
export function chargeOfLost({ costUsd, usage }: WorkerResult, started: StartedAttempt | null): Charge {
  const tokens = tokensOf(usage) ?? grantsOf(started)?.maxTokens ?? 0;
  return { costUsd: costUsd ?? 0, tokens };
}

/** The charge of an attempt that ran under a permit. If its runtime was lost after the start, tokens are bounded too. */
export function chargeUnder(permit: PermitRecord, result: WorkerResult): Charge {
  if (result.outcome !== "lost" || result.costBasis !== "estimated") return spendingOf(result);
  return chargeOfLost(result, { at: result.startedAt, identity: null, permit });
}

/** What the attempt was allowed to use; null if it was not started, or calls no provider. */
function grantsOf(started: StartedAttempt | null): Grants | null {
  return started === null || started.permit.provider === null ? null : started.permit.grants;
}

/** What is left of the job's own ceilings, for the next permit request. */
export function leftOf(job: Job, spent: Spending): { maxCostUsd?: number; maxTokens?: number } {
  const { maxCostUsd, maxTokens } = job.limits;
  return {
    ...(maxCostUsd === undefined ? {} : { maxCostUsd: Math.max(0, maxCostUsd - spent.costUsd) }),
    ...(maxTokens === undefined ? {} : { maxTokens: Math.max(0, maxTokens - spent.tokens) }),
  };
}

/** Reads what a lost attempt may have spent. Records that cannot be read are logged and ignored: the whole ceiling is charged. */
export async function spendingIfReadable(
  spendingOfLost: SpendingOfLost,
  lost: Parameters<SpendingOfLost>[0],
  log: Log,
): Promise<LostSpending | null> {
  try {
    return await spendingOfLost(lost);
  } catch (error) {
    const { jobId, attempt } = lost;
    log.warn({ error, job: jobId, attempt }, "the records of a lost attempt cannot be read");
    return null;
  }
}
