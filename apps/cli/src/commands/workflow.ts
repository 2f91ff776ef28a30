/** `agentcore workflow validate|list|show`: shows and checks files and runs; starts nothing. */
import { formatDuration, systemClock } from "@agentcore/contract";
import type { JournalHeader } from "@agentcore/scheduler";
import { formatProblem, listRuns, storedSteps, waitingApprovals, type StoredRun } from "@agentcore/workflow";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { loadOptionsConfig, type StateOptions } from "../queue/open-queue.ts";
import { span, type Line } from "../screen/line.ts";
import { table } from "../screen/table.ts";
import { oneLine } from "../screen/text.ts";
import { shortId, shortIdsAmong } from "../screen/short-id.ts";
import { plainScreen } from "../screen/terminal.ts";
import { allRuns, findRunId } from "../workflow/find-run.ts";
import { lookUpWorkers } from "../workflow/known-workers.ts";
import { loadWorkflow, writeWarnings } from "../workflow/load-workflow.ts";
import { approvalsOf, runDetailsDocument, runDocument } from "../workflow/run-documents.ts";
import { runStateOf } from "../workflow/run-owner.ts";
import { withJournal } from "../workflow/open-journal.ts";
import { findStored, sameWorkflow } from "../workflow/stored-run.ts";
import { notificationText } from "../workflow/status.ts";
import { approvalLines, failureLines, stepTable } from "../workflow/workflow-screen.ts";
import { asksForPicture, drawRun, type PictureOptions } from "./workflow-graph.ts";

export interface FileOptions {
  readonly agents?: readonly string[];
  readonly json?: boolean;
}

export async function validateWorkflow(file: string, options: FileOptions, io: Io): Promise<number> {
  const workers = lookUpWorkers(() => loadOptionsConfig({}, io));
  const loaded = await loadWorkflow(file, options.agents, io, { workers });
  const problems = loaded.ok ? [] : loaded.problems;
  const warnings = loaded.ok ? loaded.warnings : [];
  if (options.json === true) io.stdout.json({ type: "validation", ok: loaded.ok, problems, warnings });
  else if (loaded.ok) {
    writeWarnings(warnings, io);
    const { length } = loaded.workflow.steps;
    io.stdout.write(`${file}: valid: ${length === 1 ? "1 step" : `${length} steps`}\n`);
  } else {
    const count = problems.length === 1 ? "1 mistake" : `${problems.length} mistakes`;
    io.stderr.write(`${problems.map(formatProblem).join("\n")}\n${file}: ${count}\n`);
  }
  return loaded.ok ? exitCodes.succeeded : exitCodes.usage;
}

export interface ListRunsOptions extends StateOptions {
  readonly before?: string;
  readonly limit?: number;
}

export async function listWorkflowRuns(options: ListRunsOptions, io: Io): Promise<number> {
  return withJournal(options, io, async (journal) => {
    const { limit } = options;
    const before = options.before === undefined ? undefined : await findRunId(journal, options.before);
    const runs = await listRuns(journal, { before, limit });
    if (options.json === true) {
      for (const run of runs) io.stdout.json(await runDocument(journal, run));
      return exitCodes.succeeded;
    }
    const waiting = new Map<string, readonly string[]>();
    for (const run of runs) waiting.set(run.id, await approvalsOf(journal, run));
    const nameOf = shortIdsAmong(await allRuns(journal));
    const columns = [
      { title: "RUN", isWhole: true },
      { title: "STATE", isWhole: true },
      { title: "STEPS", align: "right", mayGo: true },
      { title: "TIME", align: "right" },
      { title: "WORKFLOW" },
    ] as const;
    const rows = runs.map(({ id, header }) => [
      span(nameOf(id), "accent"),
      span(stateText(header, waiting.get(id) ?? [])),
      span(`${textOf(header["stepsEnded"])}/${textOf(header["steps"])}`),
      span(formatDuration(timeOf(header))),
      span(textOf(header["name"])),
    ]);
    const lines: Line[] = runs.length === 0 ? [[span("No workflow runs.", "dim")]] : table(columns, rows);
    plainScreen(io.stdout).print(lines);
    return exitCodes.succeeded;
  });
}

function stateText(header: JournalHeader, waiting: readonly string[]): string {
  const state = runStateOf(header);
  const group = header["waitsForGroup"] ?? null;
  if (typeof group === "string" && state === "RUNNING")
    return `${state}, waits for the group ${oneLine(group)}`;
  return waiting.length === 0 ? state : `${state}, waits for ${waiting.join(", ")}`;
}

export async function showWorkflowRun(
  run: string,
  options: StateOptions & PictureOptions,
  io: Io,
): Promise<number> {
  if (asksForPicture(options)) return drawRun(run, options, io);
  return withJournal(options, io, async (journal) => {
    const found = await findStored(journal, run);
    if (options.json === true) {
      io.stdout.json(await runDetailsDocument(journal, found, io));
      return exitCodes.succeeded;
    }
    const { id, stored } = found;
    const { created, header } = stored;
    const workflow = await sameWorkflow(stored, io);
    const steps = workflow === null ? null : storedSteps(stored, workflow);
    const waiting = typeof header["outcome"] === "string" ? [] : await waitingApprovals(journal, stored);
    const message = header["message"];
    plainScreen(io.stdout).print([
      [
        span(textOf(header["name"]), "strong"),
        span(`  ${runStateOf(header)}  ${formatDuration(timeOf(header))}`),
      ],
      [span(`run ${id} of ${created.file} in ${created.workspace}`, "dim")],
      ...(message === null ? [] : [[span(textOf(message), "dim")]]),
      ...approvalLines(waiting, id),
      ...warningLines(stored.entries),
      ...cureLines(id, runStateOf(header)),
      [],
      ...(steps === null
        ? [[span("The file has changed since; its steps are not shown.", "warn")]]
        : [...stepTable(steps), ...failureLines(steps)]),
    ]);
    return exitCodes.succeeded;
  });
}

/** The notifications that failed. */
function warningLines(entries: StoredRun["entries"]): Line[] {
  const events = new Map<string, string>();
  return entries.flatMap((entry): Line[] => {
    if (entry.type !== "notification") return [];
    if (entry.begins !== undefined) events.set(entry.key, entry.begins.event);
    const problem = entry.ended?.problem ?? null;
    const event = events.get(entry.key);
    if (problem === null || event === undefined) return [];
    return [[span(notificationText({ event, problem }), "warn")]];
  });
}

/** What to do about a run that is stopped or has failed. */
function cureLines(id: string, state: string): Line[] {
  if (state === "INTERRUPTED")
    return [[span(`go on with it: agentcore workflow resume ${shortId(id)}`, "accent")]];
  const isOver = state === "SUCCEEDED" || state === "RUNNING";
  return isOver ? [] : [[span(`begin what failed again: agentcore workflow retry ${shortId(id)}`, "accent")]];
}

const textOf = (value: JournalHeader[string] | undefined): string =>
  typeof value === "string" ? value : JSON.stringify(value ?? null);

/** The time in which a process worked on the run. */
function timeOf(header: JournalHeader): number {
  const { startedAt, endedAt, downtimeMs = 0 } = header;
  const last = runStateOf(header) === "INTERRUPTED" ? header["lastAt"] : null;
  return Math.max(0, Number(endedAt ?? last ?? systemClock.now()) - Number(startedAt) - Number(downtimeMs));
}
