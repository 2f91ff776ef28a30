/** Prepares the workspace of an attempt. All of it may happen twice, if a run is resumed before the job was submitted. */
import { Cancellation, isAgentCoreError } from "@agentcore/contract";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { copyInputs } from "./artifacts.ts";
import { branchProblem, unsafe } from "../worktree/branch-rules.ts";
import { gitUntil } from "../worktree/git.ts";
import type { StepCancellation } from "./submit-job.ts";
import { pathInside, unlessMissing } from "../places.ts";
import {
  inputsOf,
  stepWorkspace,
  workspaceRoot,
  worktreeOf,
  type StartedPiece,
  type StepContext,
} from "./step-context.ts";
import { beginAttempt, ensureWorktree } from "../worktree/worktree.ts";
import type { WorktreePlace, WorktreeOptions } from "../worktree/worktree-place.ts";

/** Returns the path of the workspace. Rejects with `AC_CANCELLED` if the step is stopped meanwhile; git ends with it. */
export async function prepare(
  context: StepContext,
  started: StartedPiece,
  cancellation: StepCancellation,
): Promise<string> {
  const { instance, resumed } = started;
  // The job of a resumed attempt may be running already: its workspace is only found, not prepared.
  const { abortSignal: signal } = resumed ? new Cancellation() : cancellation;
  const { clock, log } = context.ports;
  const ports = { git: gitUntil(context.ports.git, signal), clock, log, signal };
  const place = worktreeOf(context, instance);
  if (!resumed) await checkBranch(context, started, ports);
  if (place !== null) await prepareWorktree(context, started, place, ports);
  const workspace = await pathInside(workspaceRoot(context, instance), stepWorkspace(context, instance));
  // The job of a resumed attempt may be running already: do not change its files.
  if (resumed) return workspace;
  if (place !== null) await makeWhereInWorkspace(context, started, workspace);
  await copyInputs(inputsOf(context, instance), workspace);
  return workspace;
}

/** A directory without files that git would add is in no commit, so it is missing in the worktree too. */
async function makeWhereInWorkspace(
  { record }: StepContext,
  { instance }: StartedPiece,
  workspace: string,
): Promise<void> {
  const original = join(record().created.workspace, instance.step.workspace);
  const found = await unlessMissing(stat(original));
  if (found?.isDirectory() === true) await mkdir(workspace, { recursive: true });
}

/** Whether `prepare` ended because the step was stopped. */
export function wasStopped(error: unknown, cancellation: StepCancellation): boolean {
  return isAgentCoreError(error) && error.code === "AC_CANCELLED" && cancellation.reason !== null;
}

async function prepareWorktree(
  { record }: StepContext,
  { iteration, attemptInAll: attempt, resumed, instance }: StartedPiece,
  place: WorktreePlace,
  ports: WorktreeOptions,
): Promise<void> {
  await ensureWorktree(ports, place, record().created.contextDir);
  if (resumed) return;
  const kept = await beginAttempt(ports, { place, iteration, attempt });
  if (kept !== null)
    ports.log.warn({ step: instance.id, ref: kept }, "what the former attempt changed is kept in a ref");
}

async function checkBranch(
  { record, workflow, settings, ports }: StepContext,
  { instance }: StartedPiece,
  { git }: WorktreeOptions,
): Promise<void> {
  const { created, branch, state } = record();
  const { base } = created;
  if (base === null) return;
  const { transitionStep } = workflow.branch;
  const transitioned = transitionStep !== null && state.steps.get(transitionStep)?.kind === "ended";
  const problem = branchProblem({
    workflow,
    step: instance.step,
    base,
    expected: branch ?? created.startBranch,
    transitioned,
    found: await ports.places.of(git, created.workspace),
    options: settings.branch,
  });
  if (problem !== null) throw unsafe(problem);
}
