/** Stored runs, for the commands and the library: found by what a person gave, with the process that works on them and their file. */
import { AgentCoreError, requireId } from "@agentcore/contract";
import type { Journal } from "@agentcore/scheduler";
import { readRun, runNotFound, type BranchOptions, type StoredRun, type Workflow } from "@agentcore/workflow";
import { findRunId } from "./find-run.ts";
import { loadWorkflow, requireWorkflow } from "./load-workflow.ts";
import { takenBy, workerOf } from "./run-owner.ts";

/** What the journal keeps of the call that started a run. */
export interface Caller {
  readonly agentFiles: readonly string[];
  readonly branch: BranchOptions;
  /** The run was started through a daemon, which resumes it after a crash. */
  readonly isDaemon: boolean;
}

export interface FoundRun {
  readonly id: string;
  readonly stored: StoredRun;
}

/** `given`: see `findRunId`. Throws `AC_WORKFLOW_RUN_NOT_FOUND`. */
export async function findStored(journal: Journal, given: string): Promise<FoundRun> {
  requireId("run", given);
  const id = await findRunId(journal, given);
  const stored = await readRun(journal, id);
  if (stored === undefined) throw runNotFound(given);
  return { id, stored };
}

/** How the run ended; null if it has not. */
export function outcomeOf({ stored }: FoundRun): string | null {
  const { outcome } = stored.header;
  return typeof outcome === "string" ? outcome : null;
}

/** Throws `AC_WORKFLOW_ENDED`. */
export function requireUnfinished(run: FoundRun): void {
  const outcome = outcomeOf(run);
  if (outcome === null) return;
  throw new AgentCoreError("AC_WORKFLOW_ENDED", `run ${run.id} has already ended (${outcome})`, {
    evidence: { run: run.id },
  });
}

/** Throws `AC_WORKFLOW_TAKEN` if a living process works on the run. */
export function requireFree(run: FoundRun): void {
  if (outcomeOf(run) !== null) return;
  const known = workerOf(run.id, run.stored);
  if (known !== null) throw takenBy(run.id, known);
}

export function callerOf({ created }: StoredRun): Caller {
  const caller = (created.caller ?? {}) as unknown as Partial<Caller>;
  const { agentFiles = [], branch = {}, isDaemon = false } = caller;
  return { agentFiles, branch, isDaemon };
}

/** The definition that the run was started with. Throws `AC_WORKFLOW_CHANGED`, or `AC_WORKFLOW_INVALID` if its file is wrong or gone. */
export async function requireSame(
  { id, stored }: FoundRun,
  place: Parameters<typeof loadWorkflow>[2],
): Promise<Workflow> {
  const { file, hash } = stored.created;
  const { workflow } = await requireWorkflow(file, callerOf(stored).agentFiles, place);
  if (workflow.hash === hash) return workflow;
  const message = `${file}, an agent profile or a sub-workflow has changed since run ${id} started`;
  throw new AgentCoreError("AC_WORKFLOW_CHANGED", message, { evidence: { run: id, file } });
}

/** The definition that the run was started with; null if its files have changed since, or are gone. */
export async function sameWorkflow(
  stored: StoredRun,
  place: Parameters<typeof loadWorkflow>[2],
): Promise<Workflow | null> {
  const { file, hash } = stored.created;
  const loaded = await loadWorkflow(file, callerOf(stored).agentFiles, place);
  return loaded.ok && loaded.workflow.hash === hash ? loaded.workflow : null;
}
