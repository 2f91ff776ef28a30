/**
 * The last stages of a run, after its container is proved empty: changes, outputs, verify script, cost, and the verdict. No
 * process of the worker runs any more, so its files do not change.
 */
import {
  errorText,
  type Artifact,
  type ContainmentReceipt,
  type StopCause,
  type WorkerEvent,
  type WorkerResult,
} from "@agentcore/contract";
import type { ActivityLog } from "../observe/activity-log.ts";
import { isUnseen } from "../observe/tree-snapshot.ts";
import { mergeClaims, type WorkspaceChange } from "../observe/workspace-change.ts";
import { claimsSuccess, verdict, type VerdictInput, type WorkerExit } from "../verdict.ts";
import { dropDirectory, rememberSession } from "./attempt-directory.ts";
import { collectOutputs, type CollectedOutputs } from "./collect-outputs.ts";
import type { CostMeter } from "./cost-meter.ts";
import { removeEmpty } from "./left-directories.ts";
import type { Observation } from "./observation.ts";
import type { LogFile } from "./output-log.ts";
import type { Run } from "./prepare.ts";
import type { RunUsage } from "./run-usage.ts";
import type { OutputRead } from "./read-output.ts";
import { makeResult, type RunTimes } from "./result.ts";
import { runVerifyScript, type VerifyRun } from "./verify-script.ts";

/** A run whose worker has exited and whose container is empty, or given up. */
export interface EndedRun {
  readonly run: Run;
  readonly times: RunTimes;
  /** The cause that stopped the worker from outside before its own exit, if any. */
  readonly cause: StopCause | null;
  /** The runner ended it for a reason of its own. */
  readonly isOwnEnd: boolean;
  /** The runner ended it after it had reported its end: what its exit says does not count. */
  readonly isEndedAsReported: boolean;
  readonly internalFailure: string | null;
  readonly exit: WorkerExit;
  /** See `VerdictInput`. */
  readonly limitsReached: readonly string[];
  readonly receipt: ContainmentReceipt;
  /** Processes of the task's probe that could not be killed. */
  readonly probeSurvivors: number;
  readonly read: OutputRead;
  readonly activity: ActivityLog;
  readonly meter: CostMeter;
  readonly usage: RunUsage;
  readonly observation: Observation;
  readonly emit: (event: WorkerEvent) => void;
}

export async function collectRun(ended: EndedRun): Promise<WorkerResult> {
  const { run, read } = ended;
  await removeEmpty(run.request.task.workspace, run.leavesEmpty);
  const change = await changeOf(ended);
  const claimed = verdictInput(ended, change, null, null);
  const checks = claimsSuccess(claimed) ? await checkWork(ended) : null;
  const input = verdictInput(ended, change, checks?.outputs ?? null, checks?.verify ?? null);
  const decided = verdict(input);
  const session = read.report?.session ?? null;
  await tidyAttempt(ended, session);
  const usage = ended.usage.total(read.report?.usage);
  const cost = await ended.meter.total(read.report, usage);
  return makeResult(run.parts.clock, ended.times, {
    verdict: decided,
    exit: ended.exit,
    artifacts: [
      ...patchArtifact(change),
      ...(checks?.outputs.artifacts ?? []),
      ...logArtifact("stdout", "stdout", read.stdout),
      ...logArtifact("stderr", "stderr", read.stderr),
      ...logArtifact("verify", "log", checks?.verify?.log ?? null),
    ],
    observations: {
      commands: [...ended.activity.commands()],
      ...filesObserved(change, ended.activity.claimedFiles()),
    },
    usage,
    ...cost,
    session,
    containment: ended.receipt,
  });
}

async function changeOf({ observation, emit, ...ended }: EndedRun): Promise<WorkspaceChange> {
  const change = await observation.change(lookLimitMs(ended));
  if (change.note !== null) emit({ type: "progress", text: change.note });
  const replaced = observation.replaced();
  if (replaced === null) return change;
  emit({ type: "warning", text: replaced });
  const note = change.note === null ? replaced : `${replaced}; ${change.note}`;
  return { ...change, complete: false, note };
}

function filesObserved(change: WorkspaceChange, claims: readonly string[]) {
  const files = mergeClaims(change, claims, isUnseen);
  return {
    filesChanged: files === null ? null : [...files],
    ...(change.complete ? {} : { incomplete: change.note ?? "the workspace was not compared" }),
  };
}

/** If the run was stopped, its caller waits for the result: git gets less time, and none if it was told to end at once. */
function lookLimitMs(ended: Pick<EndedRun, "run" | "cause">): number {
  const { gitTimeoutMs, graceMs } = ended.run.parts.limits;
  if (ended.cause === null) return gitTimeoutMs;
  return ended.run.request.permit.signal.force ? 0 : Math.min(gitTimeoutMs, graceMs);
}

interface Checks {
  readonly outputs: CollectedOutputs;
  /** Null if the task has no verify script, or outputs are missing already. */
  readonly verify: VerifyRun | null;
}

async function checkWork(ended: EndedRun): Promise<Checks> {
  const { run, emit } = ended;
  const { task } = run.request;
  const outputs = await collectOutputs(task.outputs ?? [], ended.observation.workspace, run.attempt.path, {
    bytesMax: run.parts.limits.outputBytesMax,
    startedAt: ended.times.startedAt,
  });
  if (task.verify === undefined || outputs.missing.length > 0) return { outputs, verify: null };
  const onNotice = (text: string): void => emit({ type: "progress", text: `verify: ${text}` });
  return { outputs, verify: await runVerifyScript(run, task.verify, onNotice) };
}

function verdictInput(
  ended: EndedRun,
  change: WorkspaceChange,
  outputs: CollectedOutputs | null,
  verify: VerifyRun | null,
): VerdictInput {
  const changed = (change.files ?? []).length > 0 ? true : change.complete ? false : null;
  const input: VerdictInput = {
    stop: ended.cause,
    exit: ended.isEndedAsReported ? { kind: "exited", code: 0 } : ended.exit,
    limitsReached: ended.limitsReached,
    report: ended.read.report,
    readerFailure: ended.read.readerFailure,
    internalFailure: ended.internalFailure,
    workspaceChanged: changed,
    outputsWritten: outputs?.written ?? 0,
    outputsMissing: outputs?.missing ?? [],
    verify: verify?.outcome ?? { kind: "not_run" },
    survivors: ended.receipt.survivors + ended.probeSurvivors + (verify?.survivors ?? 0),
    stderrTail: ended.read.stderrTail,
  };
  return { ...input, stop: ended.cause ?? lateStop(ended, input, verify) };
}

/**
 * A stop after the worker's exit counts only if it may be why the run failed: it came while the verify script ran, or it is a
 * cancel. A signal to every process reaches the worker and asks for the cancel, in either order.
 */
function lateStop(ended: EndedRun, input: VerdictInput, verify: VerifyRun | null): StopCause | null {
  const { reason } = ended.run.request.permit.signal;
  if (reason === null || ended.isOwnEnd || verdict(input).outcome === "succeeded") return null;
  if (verify !== null) return { ...reason, message: `${reason.message} while the verify script ran` };
  return reason.kind === "cancelled" ? reason : null;
}

/** Removes temporary files, and a HOME without a session to resume. */
async function tidyAttempt(ended: EndedRun, session: string | null): Promise<void> {
  const { run, receipt, probeSurvivors } = ended;
  if (receipt.survivors + probeSurvivors > 0) return;
  const { adapter } = run.request;
  try {
    const keepsSession = session !== null && run.home === "own";
    await Promise.all([
      dropDirectory(run.attempt.tmp),
      keepsSession
        ? rememberSession(run.parts.attemptsDir, adapter.name, session, run.attempt.home)
        : dropDirectory(run.attempt.home),
    ]);
  } catch (error) {
    const text = `files of the run are left in ${run.attempt.path}: ${errorText(error)}`;
    ended.emit({ type: "warning", text });
  }
}

function patchArtifact(change: WorkspaceChange): Artifact[] {
  return change.patch === null ? [] : [{ name: "changes", kind: "patch", ...change.patch }];
}

function logArtifact(name: string, kind: "stdout" | "stderr" | "log", file: LogFile | null): Artifact[] {
  return file === null ? [] : [{ name, kind, path: file.path, bytes: file.bytes }];
}
