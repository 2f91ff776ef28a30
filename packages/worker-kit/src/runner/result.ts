/** Builds results. Success and failure, started or not, have one shape. */
import type {
  Clock,
  CostBasis,
  Observations,
  Artifact,
  ContainmentReceipt,
  StopCause,
  Usage,
  WorkerResult,
} from "@agentcore/contract";
import { omitUndefined, unknownUsage } from "@agentcore/contract";
import { boundedText } from "../event-text.ts";
import { verdict, type StartFailure, type Verdict, type WorkerExit } from "../verdict.ts";

export interface RunTimes {
  /** Wall clock, in ms since the epoch. */
  readonly startedAt: number;
  readonly startedMonotonicMs: number;
}

export interface ResultOptions {
  readonly verdict: Verdict;
  readonly exit: WorkerExit;
  readonly artifacts: readonly Artifact[];
  readonly observations: Observations;
  readonly usage: Usage;
  readonly costUsd: number | null;
  readonly costBasis: CostBasis;
  readonly costNote?: string;
  readonly session: string | null;
  readonly containment: ContainmentReceipt | null;
}

/** Longest summary; the logs have the rest. */
const summaryCharsMax = 4000;

export function makeResult(clock: Clock, times: RunTimes, options: ResultOptions): WorkerResult {
  const { verdict, exit } = options;
  const summary = boundedText(verdict.summary, summaryCharsMax);
  return {
    outcome: verdict.outcome,
    errorClass: verdict.errorClass,
    code: verdict.code,
    retryAfterMs: verdict.retryAfterMs === null ? null : Math.ceil(verdict.retryAfterMs),
    summary: summary.truncated === true ? `${summary.text}…` : summary.text,
    artifacts: [...options.artifacts],
    observations: options.observations,
    usage: options.usage,
    costUsd: options.costUsd,
    costBasis: options.costBasis,
    ...omitUndefined({ costNote: options.costNote }),
    session: options.session,
    exitCode: exit.kind === "exited" ? exit.code : null,
    containment: options.containment,
    startedAt: times.startedAt,
    durationMs: Math.max(0, Math.round(clock.monotonicMs() - times.startedMonotonicMs)),
  };
}

/** For a run that was stopped before it started, or could not start. */
export function notStartedResult(
  clock: Clock,
  times: RunTimes,
  stop: StopCause | null,
  failure: StartFailure,
  receipt: ContainmentReceipt | null = null,
): WorkerResult {
  const exit: WorkerExit = { kind: "not_started", failure };
  return makeResult(clock, times, {
    verdict: verdict({
      stop,
      exit,
      limitsReached: [],
      report: null,
      readerFailure: null,
      internalFailure: null,
      workspaceChanged: false,
      outputsWritten: 0,
      outputsMissing: [],
      verify: { kind: "not_run" },
      survivors: receipt?.survivors ?? 0,
      stderrTail: "",
    }),
    exit,
    artifacts: [],
    observations: { commands: [], filesChanged: [] },
    usage: unknownUsage,
    costUsd: null,
    costBasis: "none",
    session: null,
    containment: receipt,
  });
}
