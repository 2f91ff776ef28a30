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

/** An outermost run that has not ended. */
export interface OpenRun extends RunListing {
  /** Changes with each entry of the run and of its sub-workflows. */
  readonly version: string;
  /** Steps that wait for an approval, those of sub-workflows included; null if the run does not say it. */
  readonly asking: number | null;
}

/** Newest first, at most 1,000. The cost does not grow with the runs that have ended. */
export async function openRuns(journal: Journal): Promise<readonly OpenRun[]> {
  const prefix = runStream("");
  const open = { isOpen: true, limit: openRunsMax } as const;
  const runs = await journal.list({ prefix, partOf: null, ...open });
  const parts = await journal.list({
    prefix: childStream(""),
    partOf: runs.map(({ stream }) => stream),
    ...open,
  });
  const partsOf = Map.groupBy(parts, ({ header }) => header["partOf"]);
  return runs.map(({ stream, header, length }) => {
    const all = [{ header, length }, ...(partsOf.get(stream) ?? [])];
    return {
      id: stream.slice(prefix.length),
      header,
      version: all.map((one) => one.length).join(" "),
      asking: all.reduce<number | null>((sum, one) => {
        const { stepsAsking } = one.header;
        return sum === null || typeof stepsAsking !== "number" ? null : sum + stepsAsking;
      }, 0),
    };
  });
}

const openRunsMax = 1000;

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

/** A step instance of a stored run or of the run of a sub-workflow, with its place. */
export interface StepWithin {
  /** Ids of the instances that lead to it, and its own, joined with `/`. */
  readonly key: string;
  /** Key of the instance whose sub-workflow it is part of; null: it is of the run. */
  readonly parent: string | null;
  /** As `key`, with the ids of the steps: the same for all instances. */
  readonly path: string;
  readonly report: StepReport;
}

/** As `storedSteps`, with the latest run of each sub-workflow after the step that has it. */
export async function readStepsWithin(
  journal: Journal,
  stored: StoredRun,
  workflow: Workflow,
): Promise<readonly StepWithin[]> {
  const found: StepWithin[] = [];
  const visit = async (run: StoredRun, within: Workflow, above: StepWithin | null): Promise<void> => {
    const children = latestJobs(run.entries);
    const below = (place: string | undefined, id: string): string =>
      place === undefined ? id : `${place}/${id}`;
    for (const { instance, report } of reportsIn(run, within)) {
      const { id, step } = instance;
      const place = { key: below(above?.key, id), path: below(above?.path, step.id) };
      const one = { ...place, parent: above?.key ?? null, report };
      found.push(one);
      const jobId = children.get(id);
      if (step.action.kind !== "workflow" || jobId === undefined) continue;
      const child = await readStream(journal, childStream(jobId));
      if (child !== undefined) await visit(child, step.action.workflow, one);
    }
  };
  await visit(stored, workflow, null);
  return found;
}

export type StepsByPath = ReadonlyMap<string, readonly StepReport[]>;

/** The reports of the instances of each step, by the path of the step. */
export const stepsByPath = (steps: readonly StepWithin[]): StepsByPath =>
  new Map(
    [...Map.groupBy(steps, ({ path }) => path)].map(([path, all]) => [path, all.map(({ report }) => report)]),
  );

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
