/** Jobs in the form of `--json`: flat, with null for what is not known. Public interface; see `json/documents.ts`. */
import { tokensOf } from "@agentcore/contract";
import {
  runOfPiece,
  type AttemptRecord,
  type JobRecord,
  type JobState,
  type LateResult,
} from "@agentcore/scheduler";
import type * as z from "zod";
import type { attemptFields, jobFields } from "../json/documents.ts";

type Fields<T> = { readonly [Name in keyof T]: z.infer<T[Name]> };

export function jobJson(record: JobRecord): Fields<typeof jobFields> {
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

function stateJson(state: JobState): Pick<Fields<typeof jobFields>, StateFields> {
  const reason = reasonOf(state);
  return {
    runAt: state.kind === "queued" ? state.runAt : null,
    claimedAt: state.kind === "running" ? state.claimedAt : null,
    endedAt: "endedAt" in state ? state.endedAt : null,
    code: reason?.code ?? null,
    reason: reason?.message ?? null,
    replayedAs: state.kind === "dead" ? state.replayedAs : null,
  };
}

function reasonOf(state: JobState) {
  switch (state.kind) {
    case "queued":
      return state.waitingFor;
    case "running":
      return state.cancelRequested;
    case "succeeded":
      return null;
    case "dead":
    case "cancelled":
      return state.reason;
  }
}

export function jobDetailJson(
  record: JobRecord,
  attempts: readonly AttemptRecord[],
  lateResults: readonly LateResult[],
): object {
  return {
    type: "job_details",
    ...jobJson(record),
    attempts: attempts.map(attemptJson),
    lateResults: lateResults.map(({ ref, at, kind, result }) => ({
      attempt: ref.attempt,
      at,
      kind,
      outcome: result.outcome,
      summary: result.summary,
    })),
  };
}

function attemptJson({
  attempt,
  claimedAt,
  started,
  endedAt,
  decision,
  result,
}: AttemptRecord): Fields<typeof attemptFields> {
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
    inputTokens: result?.usage.inputTokens ?? null,
    cachedInputTokens: result?.usage.cachedInputTokens ?? null,
    outputTokens: result?.usage.outputTokens ?? null,
    filesChanged: result?.observations.filesChanged ?? null,
    permit: started?.permit ?? null,
    artifacts: [...(result?.artifacts ?? [])],
    containment: result?.containment ?? null,
  };
}
