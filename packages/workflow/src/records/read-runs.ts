/** Reads runs without working on them, for lists and before a resume. */
import type { Journal, JournalHeader } from "@agentcore/scheduler";
import type { Workflow } from "../definition.ts";
import { stepReport, type StepReport } from "./record-files.ts";
import { readRecord, readEntries } from "./run-entry.ts";
import { childStream, runStream } from "./streams.ts";
import type { RunCreated, RunEntry } from "./entry-types.ts";
import { RunInstances } from "../plan/run-instances.ts";
import { stepInstances } from "../plan/step-instance.ts";

export interface RunListing {
  readonly id: string;
  readonly header: JournalHeader;
}

/** Outermost runs, newest first; sub-workflows are not included. */
export async function listRuns(
  journal: Journal,
  page: { readonly before?: string; readonly limit?: number } = {},
): Promise<readonly RunListing[]> {
  const prefix = runStream("");
  const { before, ...rest } = page;
  const found = await journal.list({
    prefix,
    ...rest,
    ...(before === undefined ? {} : { before: runStream(before) }),
  });
  return found.map(({ stream, header }) => ({ id: stream.slice(prefix.length), header }));
}

export interface StoredRun {
  /** Name of its stream. */
  readonly stream: string;
  readonly created: RunCreated;
  readonly header: JournalHeader;
  readonly entries: readonly RunEntry[];
}

/** Undefined if the run does not exist. Throws `AC_WORKFLOW_RECORD` if its journal cannot be read. */
export async function readRun(journal: Journal, id: string): Promise<StoredRun | undefined> {
  return readStream(journal, runStream(id));
}

export async function readStream(journal: Journal, stream: string): Promise<StoredRun | undefined> {
  const found = await journal.read(stream);
  if (found === undefined) return undefined;
  return { stream, header: found.header, ...readEntries(stream, found.entries) };
}

/** The current steps of a stored run; `workflow` must be the definition that it began with. */
export function storedSteps(stored: StoredRun, workflow: Workflow): readonly StepReport[] {
  return reportsIn(stored, workflow).map(({ report }) => report);
}

function reportsIn(stored: StoredRun, workflow: Workflow) {
  const base = stepInstances(workflow, stored.created.inputs);
  const plans = base.map((instance) => instance.plan);
  const record = readRecord(stored.stream, plans, stored);
  return new RunInstances(base, () => record.state)
    .all()
    .map((instance) => ({ instance, report: stepReport(record, instance) }));
}

/** The steps of a stored run and of the runs of its sub-workflows, by the path of step ids that leads to each. */
export type StepsByPath = ReadonlyMap<string, readonly StepReport[]>;

/** As `storedSteps`, with the latest run of each sub-workflow. A step with a matrix has a report for each instance. */
export async function readStepsWithin(
  journal: Journal,
  stored: StoredRun,
  workflow: Workflow,
): Promise<StepsByPath> {
  const found = new Map<string, StepReport[]>();
  const reportsAt = (path: string): StepReport[] => {
    const reports = found.get(path) ?? [];
    found.set(path, reports);
    return reports;
  };
  const visit = async (run: StoredRun, within: Workflow, above: string): Promise<void> => {
    const children = latestJobs(run.entries);
    for (const { instance, report } of reportsIn(run, within)) {
      const { id, step } = instance;
      const path = above === "" ? step.id : `${above}/${step.id}`;
      reportsAt(path).push(report);
      const jobId = children.get(id);
      if (step.action.kind !== "workflow" || jobId === undefined) continue;
      const child = await readStream(journal, childStream(jobId));
      if (child !== undefined) await visit(child, step.action.workflow, path);
    }
  };
  await visit(stored, workflow, "");
  return found;
}

/** By step instance: the job of its latest attempt. For a sub-workflow, that is the id of its run. */
function latestJobs(entries: readonly RunEntry[]): ReadonlyMap<string, string> {
  return new Map(
    entries.flatMap((entry): [string, string][] =>
      entry.type === "event" && entry.event.type === "step" && entry.event.event.type === "work_started"
        ? [[entry.event.step, entry.event.event.jobId]]
        : [],
    ),
  );
}
