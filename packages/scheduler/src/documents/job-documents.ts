/** Jobs as documents: flat, with null for what is not known. Public interface; the schemas are in the contract. */
import {
  shownCallsMax,
  tokensOf,
  type AttemptCalls,
  type AttemptDocument,
  type CallDocument,
  type JobCalls,
  type JobDecisionsDocument,
  type JobDetailsDocument,
  type JobDocument,
  type ProviderCall,
} from "@agentcore/contract";
import { reasonOfState, type AttemptRecord, type JobRecord, type JobState } from "../job-record.ts";
import type { LateResult } from "../job-store.ts";
import { runOfPiece } from "../piece.ts";
import type { WhyReport } from "../submit/why.ts";

type JobFields = Omit<JobDocument, "type">;

export const jobDocument = (record: JobRecord): JobDocument => ({ type: "job", ...jobFields(record) });

/** The records, with what the calls of running attempts have cost so far: a record is charged when its attempt ends. */
export function withCallsSoFar(
  records: readonly JobRecord[],
  attemptCallsOf: (jobId: string) => Promise<readonly AttemptCalls[]>,
): Promise<readonly JobRecord[]> {
  return Promise.all(
    records.map(async (record) => {
      const { job, state, attempt, spent } = record;
      if (state.kind !== "running") return record;
      const calls = (await attemptCallsOf(job.id)).find((each) => each.attempt === attempt);
      if (calls === undefined) return record;
      const costUsd = spent.costUsd + usdOf(calls.costMicroUsd);
      return { ...record, spent: { costUsd, tokens: spent.tokens + calls.tokens } };
    }),
  );
}

function jobFields(record: JobRecord): JobFields {
  const { job, state, submittedAt, attempt, spent, result } = record;
  const { task, limits, context } = job;
  const { [stepLabel]: step = null, [iterationLabel]: iteration } = context.labels;
  return {
    id: job.id,
    state: state.kind,
    worker: task.worker,
    model: task.model ?? null,
    workspace: task.workspace,
    instructions: task.instructions,
    capabilities: [...task.capabilities],
    tenant: context.tenant ?? null,
    key: job.key ?? null,
    labels: context.labels,
    run: runOfPiece(job),
    step,
    iteration: iteration === undefined ? null : Number(iteration),
    attempt,
    maxAttempts: limits.maxAttempts,
    timeoutMs: limits.timeoutMs,
    maxCostUsd: limits.maxCostUsd ?? null,
    maxTokens: limits.maxTokens ?? null,
    submittedAt,
    ...stateJson(state),
    outcome: result?.outcome ?? null,
    errorClass: result?.errorClass ?? null,
    summary: result?.summary ?? null,
    session: result?.session ?? null,
    exitCode: result?.exitCode ?? null,
    durationMs: result?.durationMs ?? null,
    // A record counts what is unknown as 0.
    costUsd: spent.costUsd === 0 ? (result?.costUsd ?? null) : spent.costUsd,
    tokens: spent.tokens === 0 ? (result === null ? null : tokensOf(result.usage)) : spent.tokens,
  };
}

const stepLabel = "workflow.step";
const iterationLabel = "workflow.iteration";

type StateFields = "runAt" | "claimedAt" | "endedAt" | "code" | "reason" | "replayedAs";

function stateJson(state: JobState): Pick<JobFields, StateFields> {
  const reason = reasonOfState(state);
  return {
    runAt: state.kind === "queued" ? state.runAt : null,
    claimedAt: state.kind === "running" ? state.claimedAt : null,
    endedAt: "endedAt" in state ? state.endedAt : null,
    code: reason?.code ?? null,
    reason: reason?.message ?? null,
    replayedAs: state.kind === "dead" ? state.replayedAs : null,
  };
}

export function jobDetailsDocument(
  record: JobRecord,
  attempts: readonly AttemptRecord[],
  lateResults: readonly LateResult[],
  calls: JobCalls = { latest: [], attempts: [] },
): JobDetailsDocument {
  const latest = calls.latest.slice(-shownCallsMax);
  const metered = new Map(calls.attempts.map((each) => [each.attempt, each]));
  const allCalls = calls.attempts.reduce((sum, each) => sum + each.calls, 0);
  return {
    type: "job_details",
    ...jobFields(record),
    dedup: record.job.dedup,
    verify: record.job.task.verify ?? null,
    outputs: [...(record.job.task.outputs ?? [])],
    attempts: attempts.map((attempt) => attemptDocument(attempt, metered.get(attempt.attempt))),
    calls: latest.map(callDocument),
    // A call can begin between the two reads.
    earlierCalls: Math.max(0, allCalls - latest.length),
    lateResults: lateResults.map(({ ref, at, kind, result }) => ({
      attempt: ref.attempt,
      at,
      kind,
      outcome: result.outcome,
      summary: result.summary,
    })),
  };
}

/** What `why` knows beside the report. */
export interface WhyFacts {
  /** Place of a setting in the configuration file; null if it has its default. */
  readonly placeOf: (setting: string) => string | null;
  /** Processes left by runs of the job or in its workspace, in words. */
  readonly left: readonly string[];
}

export function jobDecisionsDocument(
  report: Pick<WhyReport, "record" | "waitingFor" | "decisions" | "ahead" | "blockedBy">,
  { placeOf, left }: WhyFacts,
): JobDecisionsDocument {
  const { record, waitingFor, decisions, ahead, blockedBy } = report;
  const costNote = record.result?.costNote;
  return {
    type: "job_decisions",
    ...jobFields(record),
    decisions: decisions.map(({ jobId: _jobId, ...decision }) => {
      const { setting } = decision.evidence;
      return { ...decision, configuredAt: typeof setting === "string" ? placeOf(setting) : null };
    }),
    waitingFor: waitingFor === null ? null : { code: waitingFor.code, message: waitingFor.message },
    ahead: ahead.map(({ jobId, waitingFor }) => ({
      id: jobId,
      code: waitingFor?.code ?? null,
      reason: waitingFor?.message ?? null,
    })),
    blockedBy,
    cost:
      costNote === undefined
        ? null
        : { note: costNote, prices: placeOf("prices"), unpriced: placeOf("unpriced") },
    left: [...left],
  };
}

function callDocument(call: ProviderCall): CallDocument {
  const { id, attempt, provider, model, startedAt, endedAt, outcome, status, usage } = call;
  return {
    id,
    attempt,
    provider,
    model,
    startedAt,
    endedAt,
    outcome,
    status,
    inputTokens: usage?.inputTokens ?? null,
    cacheReadTokens: usage?.cacheReadTokens ?? null,
    cacheWrite5mTokens: usage?.cacheWrite5mTokens ?? null,
    cacheWrite1hTokens: usage?.cacheWrite1hTokens ?? null,
    outputTokens: usage?.outputTokens ?? null,
    reasoningTokens: usage?.reasoningTokens ?? null,
    hostedToolCalls: usage?.hostedToolCalls ?? null,
    tokens: call.tokens,
    costUsd: usdOf(call.costMicroUsd),
    estimated: call.estimated,
    priceSource: call.priceSource,
  };
}

function meteredDocument({ calls, openCalls, costMicroUsd, tokens, heldMicroUsd, estimated }: AttemptCalls) {
  return {
    calls,
    openCalls,
    costUsd: usdOf(costMicroUsd),
    tokens,
    heldUsd: usdOf(heldMicroUsd),
    estimated,
  };
}

const usdOf = (microUsd: number): number => microUsd / 1e6;

function attemptDocument(
  { attempt, claimedAt, started, endedAt, decision, result }: AttemptRecord,
  calls: AttemptCalls | undefined,
): AttemptDocument {
  return {
    attempt,
    claimedAt,
    startedAt: started?.at ?? null,
    endedAt,
    decision,
    outcome: result?.outcome ?? null,
    errorClass: result?.errorClass ?? null,
    code: result?.code ?? null,
    summary: result?.summary ?? null,
    session: result?.session ?? null,
    exitCode: result?.exitCode ?? null,
    durationMs: result?.durationMs ?? null,
    costUsd: result?.costUsd ?? null,
    costBasis: result?.costBasis ?? null,
    metered: calls === undefined ? null : meteredDocument(calls),
    inputTokens: result?.usage.inputTokens ?? null,
    cachedInputTokens: result?.usage.cachedInputTokens ?? null,
    outputTokens: result?.usage.outputTokens ?? null,
    filesChanged: result?.observations.filesChanged ?? null,
    permit: started?.permit ?? null,
    artifacts: [...(result?.artifacts ?? [])],
    containment: result?.containment ?? null,
  };
}
