/** `agentcore workflow validate|list|show`: shows and checks files and runs; starts nothing. */
import { formatDuration, systemClock, type RunDocument } from "@agentcore/contract";
import { formatProblem } from "@agentcore/workflow";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { stepOf } from "../json/workflow-documents.ts";
import { loadOptionsConfig } from "../queue/open-queue.ts";
import { span, type Line } from "../screen/line.ts";
import { table } from "../screen/table.ts";
import { oneLine } from "../screen/text.ts";
import { shortId, shortIdsAmong } from "../screen/short-id.ts";
import { plainScreen } from "../screen/terminal.ts";
import { withTarget } from "../target/open-target.ts";
import type { TargetOptions, TargetRuns } from "../target/target.ts";
import { lookUpWorkers } from "../workflow/known-workers.ts";
import { loadWorkflow, writeWarnings } from "../workflow/load-workflow.ts";
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

export interface ListRunsOptions extends TargetOptions {
  readonly before?: string;
  readonly limit?: number;
}

export async function listWorkflowRuns(options: ListRunsOptions, io: Io): Promise<number> {
  return withTarget(options, io, async ({ runs }) => {
    const { limit } = options;
    const before = options.before === undefined ? undefined : await runs.find(options.before);
    const listed = await runs.list({ before, limit });
    if (options.json === true) {
      for (const run of listed) io.stdout.json(run);
      return exitCodes.succeeded;
    }
    const nameOf = shortIdsAmong(await everyId(runs));
    const columns = [
      { title: "RUN", isWhole: true },
      { title: "STATE", isWhole: true },
      { title: "STEPS", align: "right", mayGo: true },
      { title: "TIME", align: "right" },
      { title: "WORKFLOW" },
    ] as const;
    const rows = listed.map((run) => [
      span(nameOf(run.id), "accent"),
      span(stateText(run)),
      span(`${run.stepsEnded}/${run.steps}`),
      span(formatDuration(timeOf(run))),
      span(run.name),
    ]);
    const lines: Line[] = listed.length === 0 ? [[span("No workflow runs.", "dim")]] : table(columns, rows);
    plainScreen(io.stdout).print(lines);
    return exitCodes.succeeded;
  });
}

/** Ended runs are deleted after a while, so there are not many. */
async function everyId(runs: TargetRuns): Promise<readonly string[]> {
  const found: string[] = [];
  for (;;) {
    const page = await runs.ids({ before: found.at(-1), limit: pageRuns });
    found.push(...page);
    if (page.length < pageRuns) return found;
  }
}

const pageRuns = 1000;

function stateText({ state, waitsFor, waitsForGroup }: RunDocument): string {
  if (waitsForGroup !== null && state === "RUNNING")
    return `${state}, waits for the group ${oneLine(waitsForGroup)}`;
  return waitsFor.length === 0 ? state : `${state}, waits for ${waitsFor.join(", ")}`;
}

export async function showWorkflowRun(
  run: string,
  options: TargetOptions & PictureOptions,
  io: Io,
): Promise<number> {
  if (asksForPicture(options)) return drawRun(run, options, io);
  return withTarget(options, io, async ({ runs }) => {
    const details = await runs.show(run);
    if (options.json === true) {
      io.stdout.json(details);
      return exitCodes.succeeded;
    }
    const { id, name, state, file, workspace, message, approvals, failedNotifications } = details;
    const steps = details.steps?.map(stepOf) ?? null;
    plainScreen(io.stdout).print([
      [span(name, "strong"), span(`  ${state}  ${formatDuration(timeOf(details))}`)],
      [span(`run ${id} of ${file} in ${workspace}`, "dim")],
      ...(message === null ? [] : [[span(message, "dim")]]),
      ...approvalLines(approvals, id),
      ...failedNotifications.map((failed) => [span(notificationText(failed), "warn")]),
      ...cureLines(id, state),
      [],
      ...(steps === null
        ? [[span("The file has changed since; its steps are not shown.", "warn")]]
        : [...stepTable(steps), ...failureLines(steps)]),
    ]);
    return exitCodes.succeeded;
  });
}

/** What to do about a run that is stopped or has failed. */
function cureLines(id: string, state: string): Line[] {
  if (state === "INTERRUPTED")
    return [[span(`go on with it: agentcore workflow resume ${shortId(id)}`, "accent")]];
  const isOver = state === "SUCCEEDED" || state === "RUNNING";
  return isOver ? [] : [[span(`begin what failed again: agentcore workflow retry ${shortId(id)}`, "accent")]];
}

type RunTimes = Pick<RunDocument, "state" | "startedAt" | "lastAt" | "endedAt" | "downtimeMs">;

/** The time in which a process worked on the run. */
function timeOf({ state, startedAt, lastAt, endedAt, downtimeMs }: RunTimes): number {
  const last = state === "INTERRUPTED" ? lastAt : systemClock.now();
  return Math.max(0, (endedAt ?? last) - startedAt - downtimeMs);
}
