/** Builds the job that is submitted for a step's work or check. Pure. */
import { omitUndefined, type JobSubmission } from "@agentcore/contract";
import { runLabel } from "@agentcore/scheduler";
import { relative } from "node:path";
import type { Budget, Stall, WorkSpec } from "../definition.ts";
import { isWithin } from "../places.ts";
import type { BaseCommit } from "../records/entry-types.ts";
import { stallRequest } from "../stall/stall-request.ts";

/**
 * How often a lost job (the runtime or the machine died) is begun again. The scheduler repeats only losses; the workflow's own
 * rules repeat failures, as a new job.
 */
export const interruptionsMax = 99;

/** Longest time limit that a job accepts. */
const timeoutMsMax = 7 * 86_400_000;

export interface PieceRequest {
  readonly jobId: string;
  readonly runId: string;
  /** Id of the outermost run; it differs from `runId` only in a sub-workflow. */
  readonly rootRunId: string;
  readonly workflowName: string;
  readonly stepId: string;
  readonly piece: "work" | "check";
  /** Whether the scheduler repeats a lost attempt. */
  readonly repeatsLost: boolean;
  readonly work: WorkSpec;
  /** With its placeholders replaced. */
  readonly instructions: string;
  /** Names of variables of the caller that the job gets too. */
  readonly secrets: readonly string[];
  /** Variables of the step, and those that the job's scripts refer to. */
  readonly variables: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly workspace: string;
  readonly contextDir: string;
  readonly iteration: number;
  readonly verify: string | null;
  readonly stall: Stall | null;
  readonly ceiling: Budget;
  readonly timeoutMs: number;
  readonly base: BaseCommit | null;
}

export function jobFor(request: PieceRequest): JobSubmission {
  const { jobId, work, instructions, workspace, verify, ceiling, secrets } = request;
  const timeoutMs = wallClock(request);
  const { probe, silenceTimeoutMs } = stallRequest(request.stall, timeoutMs);
  return {
    id: jobId,
    task: {
      worker: work.worker,
      workspace,
      instructions,
      capabilities: [...work.capabilities],
      env: environment(request),
      ...(secrets.length === 0 ? {} : { secrets: [...secrets] }),
      ...unobserved(request),
      ...(work.model === null ? {} : { model: work.model }),
      ...(work.args.length === 0 ? {} : { args: [...work.args] }),
      ...settingsOf(work),
      ...(verify === null ? {} : { verify }),
      ...omitUndefined({ probe }),
    },
    limits: {
      timeoutMs,
      maxAttempts: request.repeatsLost ? interruptionsMax + 1 : 1,
      ...(ceiling.costUsd === null ? {} : { maxCostUsd: ceiling.costUsd }),
      ...(ceiling.tokens === null ? {} : { maxTokens: ceiling.tokens }),
      ...omitUndefined({ silenceTimeoutMs }),
    },
    retry: { retryOn: ["lost"], baseDelayMs: 0 },
    context: {
      labels: {
        workflow: request.workflowName,
        [runLabel]: request.rootRunId,
        "workflow.step": request.stepId,
        "workflow.piece": request.piece,
        "workflow.iteration": String(request.iteration),
      },
    },
  };
}

/** For the shell worker, the whole script is the one command whose time `max_command_time` limits. */
function wallClock({ work, timeoutMs }: PieceRequest): number {
  const commandMs = work.worker === "shell" ? (work.maxCommandTimeMs ?? Infinity) : Infinity;
  return Math.min(Math.max(1, Math.ceil(Math.min(timeoutMs, commandMs))), timeoutMsMax);
}

/** Settings that workers may support; a worker without one reports that in a `warning` event. */
function settingsOf({ worker, variant, maxSteps, maxCommandTimeMs }: WorkSpec) {
  return {
    ...(variant === null ? {} : { variant }),
    ...(maxSteps === null ? {} : { maxSteps }),
    ...(maxCommandTimeMs === null || worker === "shell" ? {} : { maxCommandTimeMs }),
  };
}

/** The records and artifacts of a run are not the work of its steps, and those of other steps appear while one runs. */
function unobserved({ workspace, contextDir }: PieceRequest): { unobserved?: string[] } {
  const way = relative(workspace, contextDir);
  return way !== "" && isWithin(workspace, contextDir) ? { unobserved: [way] } : {};
}

function environment(request: PieceRequest): Record<string, string> {
  const { jobId, runId, stepId, contextDir, iteration, piece, base, variables } = request;
  return {
    ...variables,
    AGENTCORE_WORKFLOW_ID: runId,
    AGENTCORE_STEP_ID: stepId,
    AGENTCORE_CONTEXT_DIR: contextDir,
    AGENTCORE_ITERATION: String(iteration),
    ...(base === null ? {} : { BASE_BRANCH: base.branch, BASE_SHA: base.sha }),
    ...(piece === "check"
      ? { AGENTCORE_COMPLETION_CHECK_ID: jobId, ROBOPPI_COMPLETION_CHECK_ID: jobId }
      : {}),
  };
}

/** The instructions with the texts of every stage reached so far. */
export function withStages(instructions: string, stages: ReadonlyMap<number, string>, stage: number): string {
  const reached = [...stages].filter(([at]) => at <= stage).sort(([a], [b]) => a - b);
  return [instructions, ...reached.map(([, text]) => text)].join("\n\n");
}
