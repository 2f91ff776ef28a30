/** Runs one completion check: the job, and its decision. When the step is complete, its outputs are collected. */
import { rm } from "node:fs/promises";
import { omitUndefined, openPlacedFile } from "@agentcore/contract";
import type { JobEnd } from "@agentcore/scheduler";
import type { Budget, Loop } from "../definition.ts";
import { decideByExitCode, decideByFile, type Decision, type DecisionFile } from "./decision.ts";
import { isUsedUp } from "../budget/budget-share.ts";
import { isFailureOfRun, wasInterrupted, type StepCancellation } from "./submit-job.ts";
import { jobFor } from "./job-request.ts";
import { runGuardedJob, type PieceEnd } from "./run-guarded-job.ts";
import { pathInside } from "../places.ts";
import type { RunEventEntry } from "../records/entry-types.ts";
import { wasStopped } from "./step-prepare.ts";
import { StepTexts } from "./step-texts.ts";
import { stepWorkspace, workspaceRoot, type StartedPiece, type StepContext } from "./step-context.ts";
import { classOf } from "./job-outcome.ts";
import { budgetUsedUp, ceilingOf, collect, failed, isCostKnown, pieceBasis, printedOf } from "./step-work.ts";
import { stallEnd, type StallEnd } from "../stall/stall-end.ts";
import type { StepEvent } from "../plan/step-state.ts";

/** Larger decision files are not read: a decision is short. */
const decisionFileBytesMax = 1024 * 1024;

export async function runCheck(
  context: StepContext,
  started: StartedPiece,
  loop: Loop,
  cancellation: StepCancellation,
): Promise<RunEventEntry> {
  let took: Pick<RunEventEntry, "spent" | "interruptions" | "costKnown"> = {};
  try {
    const ceiling = ceilingOf(context, started);
    if (isUsedUp(ceiling)) return nothingLeft(context, started, ceiling);
    await removeDecision(context, started, loop);
    const end = await submit(context, started, loop, cancellation);
    const known = isCostKnown(end) ? { costKnown: true as const } : {};
    took = { spent: end.spent, interruptions: 0, ...known };
    if (wasInterrupted(end)) return { ...ended(context, started, { type: "interrupted" }), ...took };
    if (end.state === "cancelled") {
      const event = { type: "cancelled", reason: end.reason?.message ?? "cancelled" } as const;
      return { ...ended(context, started, event), ...took };
    }
    const stalled = stallEnd(end.result, loop.checkStall);
    if (stalled !== null && (stalled.asIncomplete || stalled.final !== undefined))
      return { ...stalledEntry(context, started, end, stalled), ...took };
    const decision = decide(started, loop, end, await readDecision(context, started, loop));
    const failure = decision.decision === "undecided" && end.state === "dead" ? failureOf(end) : {};
    return { ...(await conclude(context, started, decision, cancellation)), ...failure, ...took };
  } catch (error) {
    if (wasStopped(error, cancellation))
      return { ...ended(context, started, { type: "interrupted" }), ...took };
    if (isFailureOfRun(error)) throw error;
    const { reason } = failed(error);
    const undecided = checkEnded({ decision: "undecided", reason, fingerprints: [] });
    return { ...ended(context, started, undecided), ...took };
  }
}

/** Another check would not help. */
function nothingLeft(context: StepContext, started: StartedPiece, ceiling: Budget): RunEventEntry {
  const { reason, errorClass, code } = budgetUsedUp(ceiling);
  const text = `its completion check cannot run: ${reason}`;
  const event = checkEnded({ decision: "failed", reason: text, fingerprints: [] });
  return { ...ended(context, started, event), errorClass, code };
}

function stalledEntry(
  context: StepContext,
  started: StartedPiece,
  end: PieceEnd,
  stalled: StallEnd,
): RunEventEntry {
  const entry = { ...ended(context, started, afterStall(end, stalled)), ...failureOf(end) };
  return { ...entry, errorClass: stalled.errorClass };
}

/** A stalled check has not decided, unless its `stall` says what that counts as. */
function afterStall(end: JobEnd, { asIncomplete, fingerprints, final }: StallEnd): StepEvent {
  const reason = end.result?.summary ?? "";
  if (asIncomplete) return checkEnded({ decision: "incomplete", reason, fingerprints });
  const text = `its completion check was stopped: ${reason}`;
  const event = checkEnded({ decision: "failed", reason: text, fingerprints: [] });
  return final === "run" ? { ...event, final } : event;
}

/** Why the check's own job ended, for the record. */
function failureOf(end: PieceEnd): Partial<RunEventEntry> {
  const { errorClass, code } = classOf(end);
  return {
    ...(errorClass === null ? {} : { errorClass }),
    ...omitUndefined({ code }),
    ...printedOf(end),
  };
}

/** Removes the decision of an earlier check. */
async function removeDecision(context: StepContext, started: StartedPiece, loop: Loop): Promise<void> {
  if (loop.decisionFile === null || started.resumed) return;
  await rm(await decisionPath(context, started, loop.decisionFile), { force: true });
}

async function submit(
  context: StepContext,
  started: StartedPiece,
  loop: Loop,
  cancellation: StepCancellation,
): Promise<PieceEnd> {
  const { instance } = started;
  const { checkStall: stall, check } = loop;
  const texts = new StepTexts(context.record(), instance);
  const instructions = texts.instructions(check.worker, check.instructions);
  const job = jobFor({
    ...pieceBasis(context, started),
    piece: "check",
    repeatsLost: true,
    work: check,
    instructions,
    variables: texts.environment(loop.checkEnv),
    workspace: stepWorkspace(context, instance),
    verify: null,
    stall,
    timeoutMs: Math.min(
      loop.checkTimeoutMs ?? instance.step.timeoutMs ?? Infinity,
      context.leftMs(instance.step),
    ),
  });
  const handle = await context.ports.scheduler.submit(job);
  return runGuardedJob(context, started, { piece: "check", handle, stall }, cancellation);
}

function decide(started: StartedPiece, loop: Loop, end: JobEnd, file: DecisionFile | null): Decision {
  const facts = {
    checkId: started.jobId,
    startedAt: started.startedAt,
    succeeded: end.state === "succeeded",
    exitCode: end.result?.exitCode ?? null,
    summary: end.result?.summary || (end.reason?.message ?? ""),
    file,
  };
  return loop.check.worker === "shell" ? decideByExitCode(facts) : decideByFile(facts);
}

async function conclude(
  context: StepContext,
  started: StartedPiece,
  decision: Decision,
  cancellation: StepCancellation,
): Promise<RunEventEntry> {
  if (decision.decision !== "complete") return ended(context, started, checkEnded(decision));
  const collected = await collect(context, started, cancellation);
  if (collected.outcome === "cancelled")
    return ended(context, started, { type: "cancelled", reason: collected.reason ?? "" });
  if (collected.outcome === "failed") {
    const reason = collected.reason ?? "";
    const entry = ended(context, started, checkEnded({ ...decision, decision: "failed", reason }));
    return { ...entry, errorClass: "task_failed" };
  }
  const { artifacts, values } = collected;
  return {
    ...ended(context, started, checkEnded(decision)),
    ...omitUndefined({ artifacts, values: context.masker.value(values) }),
  };
}

async function readDecision(
  context: StepContext,
  started: StartedPiece,
  { decisionFile }: Loop,
): Promise<DecisionFile | null> {
  if (decisionFile === null) return null;
  const path = await decisionPath(context, started, decisionFile);
  const file = await openPlacedFile(path, { bytesMax: decisionFileBytesMax }).catch(() => null);
  if (file === null) return null;
  try {
    return { text: await file.readFile("utf8"), modifiedAt: (await file.stat()).mtimeMs };
  } finally {
    await file.close();
  }
}

function decisionPath(context: StepContext, { instance }: StartedPiece, file: string): Promise<string> {
  const name = new StepTexts(context.record(), instance).fill(file);
  return pathInside(workspaceRoot(context, instance), `${stepWorkspace(context, instance)}/${name}`);
}

function checkEnded(decision: Decision): Extract<StepEvent, { type: "check_ended" }> {
  return { type: "check_ended", ...decision };
}

function ended(context: StepContext, { instance }: StartedPiece, said: StepEvent): RunEventEntry {
  const event = context.masker.value(said);
  return { type: "event", at: context.ports.clock.now(), event: { type: "step", step: instance.id, event } };
}
