/**
 * Submits jobs in the commit that journals their start: both are written or neither. Only for work that needs no preparation,
 * because what a step finds in its workspace may change only after its start is journaled.
 */
import { ignore, type JobSubmission } from "@agentcore/contract";
import type { JobHandle, JournalWrite } from "@agentcore/scheduler";
import type { WorkSpec } from "../definition.ts";
import { isUsedUp } from "../budget/budget-share.ts";
import { jobFor } from "./job-request.ts";
import { prepare } from "./step-prepare.ts";
import type { StartedPiece, StepContext } from "./step-context.ts";
import { ceilingOf, isPrepared, workRequest } from "./step-work.ts";
import { isFailureOfRun, type StepCancellation } from "./submit-job.ts";
import type { StepInstance } from "../plan/step-instance.ts";

export interface StartedWork {
  readonly started: StartedPiece;
  readonly work: WorkSpec;
  readonly cancellation: StepCancellation;
}

export interface Appended {
  readonly answer: "appended" | "conflict";
  /** The jobs that were submitted, by id. */
  readonly submitted: ReadonlyMap<string, JobHandle>;
}

/** More starts at once share the commit of their submits anyway. */
const aheadMax = 64;

const none: ReadonlyMap<string, JobHandle> = new Map();

/** Appends the entries, and submits the jobs of those works that need no preparation. Rejects as `append` does. */
export async function appendAndSubmit(
  context: StepContext,
  write: JournalWrite,
  works: readonly StartedWork[],
): Promise<Appended> {
  const { scheduler, journal } = context.ports;
  const all = works.length > aheadMax ? [] : works;
  const jobs = (await Promise.all(all.map((work) => jobAhead(context, work)))).filter((job) => job !== null);
  if (jobs.length > 0) {
    try {
      const outcomes = await scheduler.appendAndSubmit(journal, write, jobs);
      if (outcomes === "conflict") return { answer: outcomes, submitted: none };
      const handles = outcomes.flatMap((outcome) => (outcome.ok ? [followed(outcome.handle)] : []));
      return { answer: "appended", submitted: new Map(handles.map((handle) => [handle.id, handle])) };
    } catch (error) {
      if (isFailureOfRun(error)) throw error;
      ignore(error, "a job was refused and nothing was written; its step submits it alone, and fails");
    }
  }
  return { answer: await journal.append(write.stream, write), submitted: none };
}

/** Null if something must be prepared, or the work cannot begin: the step then begins in the usual way, which says why. */
async function jobAhead(
  context: StepContext,
  { started, work, cancellation }: StartedWork,
): Promise<JobSubmission | null> {
  if (needsPreparation(context, started.instance)) return null;
  try {
    const workspace = await prepare(context, started, cancellation);
    if (cancellation.reason !== null || isUsedUp(ceilingOf(context, started))) return null;
    return jobFor(workRequest(context, started, work, workspace));
  } catch (error) {
    ignore(error, "the step begins in the usual way, and fails there");
    return null;
  }
}

/** Whether files or the journal are written before the job. */
function needsPreparation(context: StepContext, instance: StepInstance): boolean {
  const { inputs, outputs, loop, cache } = instance.step;
  const hasRules = loop !== null && loop.convergence !== null;
  return (
    cache !== null || inputs.length > 0 || outputs.length > 0 || hasRules || isPrepared(context, instance)
  );
}

/** The job may run before anybody asks for its events: they are kept from now on. */
function followed(handle: JobHandle): JobHandle {
  const events = handle.events();
  return { ...handle, events: () => events };
}
