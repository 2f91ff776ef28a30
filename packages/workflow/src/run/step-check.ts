/** One completion check: the job, and what it decided. When the step is complete its outputs are collected. */
import { readFile, rm, stat } from "node:fs/promises";
import type { JobEnd } from "@agentcore/scheduler";
import type { Loop } from "../definition.ts";
import { decideByExitCode, decideByFile, type Decision, type DecisionFile } from "./decision.ts";
import { isUsedUp } from "./budget-share.ts";
import { isFailureOfRun, runJob, type LateCanceller } from "./job-piece.ts";
import { jobFor } from "./job-request.ts";
import { pathInside } from "./places.ts";
import type { RunEventEntry } from "./run-record.ts";
import { stepWorkspace, workspaceRoot, type StartedPiece, type StepContext } from "./step-context.ts";
import { ceilingOf, collect, failed, pieceBasis } from "./step-work.ts";
import type { StepEvent } from "../plan/step-state.ts";

/** Larger decision files are not read: a decision is short. */
const decisionFileBytesMax = 1024 * 1024;

export async function runCheck(
  context: StepContext,
  started: StartedPiece,
  loop: Loop,
  canceller: LateCanceller,
): Promise<RunEventEntry> {
  try {
    const undecided = await beforeCheck(context, started, loop);
    if (undecided !== null) return ended(context, started, checkEnded(undecided));
    const end = await submit(context, started, loop, canceller);
    const took = { spent: end.spent, interruptions: 0 };
    if (end.state === "cancelled") {
      const event = { type: "cancelled", reason: end.reason?.message ?? "cancelled" } as const;
      return { ...ended(context, started, event), ...took };
    }
    const decision = decide(started, loop, end, await readDecision(context, started, loop));
    return { ...(await conclude(context, started, decision)), ...took };
  } catch (error) {
    if (isFailureOfRun(error)) throw error;
    const { reason } = failed(error);
    return ended(context, started, checkEnded({ decision: "undecided", reason, fingerprints: [] }));
  }
}

/** Why the check cannot run, or null. Removes what an earlier check decided. */
async function beforeCheck(
  context: StepContext,
  started: StartedPiece,
  loop: Loop,
): Promise<Decision | null> {
  if (isUsedUp(ceilingOf(context, started))) {
    return { decision: "undecided", reason: "nothing is left of its budget", fingerprints: [] };
  }
  if (loop.decisionFile !== null && !started.resumed) {
    await rm(await decisionPath(context, started, loop.decisionFile), { force: true });
  }
  return null;
}

function submit(
  context: StepContext,
  started: StartedPiece,
  loop: Loop,
  canceller: LateCanceller,
): Promise<JobEnd> {
  const { instance } = started;
  const job = jobFor({
    ...pieceBasis(context, started),
    piece: "check",
    work: loop.check,
    instructions: instance.fill(loop.check.instructions),
    workspace: stepWorkspace(context, instance),
    verify: null,
    stall: null,
    timeoutMs: Math.min(loop.checkTimeoutMs ?? instance.step.timeoutMs ?? Infinity, context.leftMs()),
    notBefore: null,
  });
  return runJob(context.ports, job, canceller, (event) =>
    context.emit({
      type: "job_event",
      at: context.ports.clock.now(),
      run: context.runId,
      step: instance.id,
      piece: "check",
      event,
    }),
  );
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
): Promise<RunEventEntry> {
  if (decision.decision !== "complete") return ended(context, started, checkEnded(decision));
  const collected = await collect(context, started);
  if (collected.outcome === "failed") {
    const reason = collected.reason ?? "";
    const entry = ended(context, started, checkEnded({ ...decision, decision: "failed", reason }));
    return { ...entry, errorClass: "task_failed" };
  }
  const { artifacts } = collected;
  const entry = ended(context, started, checkEnded(decision));
  return artifacts === undefined ? entry : { ...entry, artifacts };
}

async function readDecision(
  context: StepContext,
  started: StartedPiece,
  { decisionFile }: Loop,
): Promise<DecisionFile | null> {
  if (decisionFile === null) return null;
  const path = await decisionPath(context, started, decisionFile);
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile() || found.size > decisionFileBytesMax) return null;
  return { text: await readFile(path, "utf8"), modifiedAt: found.mtimeMs };
}

function decisionPath(context: StepContext, { instance }: StartedPiece, file: string): Promise<string> {
  return pathInside(
    workspaceRoot(context, instance),
    `${stepWorkspace(context, instance)}/${instance.fill(file)}`,
  );
}

function checkEnded(decision: Decision): Extract<StepEvent, { type: "check_ended" }> {
  return { type: "check_ended", ...decision };
}

function ended(context: StepContext, { instance }: StartedPiece, event: StepEvent): RunEventEntry {
  return { type: "event", at: context.ports.clock.now(), event: { type: "step", step: instance.id, event } };
}
