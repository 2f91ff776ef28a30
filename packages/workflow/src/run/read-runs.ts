/** Looks at runs without working on them: for lists, and for what a resume needs to know first. */
import type { Journal, JournalHeader } from "@agentcore/scheduler";
import type { Workflow } from "../definition.ts";
import { stepReport, type StepReport } from "./record-files.ts";
import { runStream } from "./run-log.ts";
import { foldEntry, newRecord, type RunCreated, type RunEntry } from "./run-record.ts";
import { stepInstances } from "./step-instance.ts";

export interface RunListing {
  readonly id: string;
  readonly header: JournalHeader;
}

/** Runs that somebody started, newest first; sub-workflows are not among them. */
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
  readonly created: RunCreated;
  readonly header: JournalHeader;
  readonly entries: readonly RunEntry[];
}

/** Undefined where there is no such run. */
export async function readRun(journal: Journal, id: string): Promise<StoredRun | undefined> {
  const found = await journal.read(runStream(id));
  if (found === undefined) return undefined;
  const entries = found.entries as unknown as readonly RunEntry[];
  return { created: entries[0] as RunCreated, header: found.header, entries };
}

/** The steps of a stored run as they stand; `workflow` must be the definition it was begun with. */
export function storedSteps({ created, entries }: StoredRun, workflow: Workflow): readonly StepReport[] {
  const instances = stepInstances(workflow, created.inputs, () => null);
  const steps = new Map(instances.map((instance) => [instance.id, instance.plan]));
  const record = entries
    .slice(1)
    .reduce((folded, entry) => foldEntry(steps, folded, entry), newRecord([...steps.values()], created));
  return instances.map(({ id, step }) => stepReport(record, id, step.loop !== null));
}
