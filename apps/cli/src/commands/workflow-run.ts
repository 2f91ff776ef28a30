/** `agentcore workflow run|resume`: works on a run in this process until it ends; the exit code says how it ended. */
import { AgentCoreError, omitUndefined, systemClock, type WorkerAdapter } from "@agentcore/contract";
import type { JournalValue } from "@agentcore/scheduler";
import {
  cancelRun,
  lowerBudget,
  requestCancel,
  resumeRun,
  retryRun,
  runWorkflow,
  type BranchOptions,
  type RetryChoice,
  type Budget,
  type RunHandle,
  type RunOptions,
  type RunResult,
  type Workflow,
  type WorkflowEvent,
} from "@agentcore/workflow";
import { resolve } from "node:path";
import { requireWorker } from "../adapters.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { limitsOf } from "../queue/budget-levels.ts";
import { exitCodes } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import type { Io } from "../io.ts";
import { checkWorkspace } from "../options/job-from-options.ts";
import { priceWarning, requireKnownCost } from "../options/require-price.ts";
import { createCommandLog, type ProcessLog } from "../log.ts";
import { announcementOf, loadOptionsConfig, withQueue, type StateOptions } from "../queue/open-queue.ts";
import { daemonUrl } from "../target/open-target.ts";
import type { TargetOptions } from "../target/target.ts";
import { shortId } from "../screen/short-id.ts";
import { resolveStateDir } from "../state/state-dir.ts";
import { checkWritable, writeReport } from "../text-files.ts";
import { showDryRun } from "./workflow-dry-run.ts";
import { cancelThere, resumeThere, retryThere, runThere } from "./workflow-there.ts";
import { exitCodeOf, writeCancel } from "../workflow/run-outcome.ts";
import { liveOwner } from "../workflow/run-owner.ts";
import { junitReport } from "../workflow/junit.ts";
import { heldOutput } from "../workflow/live/held-output.ts";
import { canBeLive, workflowLive } from "../workflow/live/live-presenter.ts";
import { lookUpWorkers } from "../workflow/known-workers.ts";
import { endWithoutFile } from "../workflow/end-run.ts";
import { requireWorkflow, writeWarnings } from "../workflow/load-workflow.ts";
import { openEngine } from "../workflow/open-engine.ts";
import { withJournal } from "../workflow/open-journal.ts";
import {
  callerOf,
  findStored,
  outcomeOf,
  requireFree,
  requireUnfinished,
  sameWorkflow,
  type Caller,
} from "../workflow/stored-run.ts";
import { modelsOf, workersOf } from "../workflow/workers-of.ts";
import { workflowJsonLines, workflowLines, type WorkflowPresenter } from "../workflow/workflow-presenter.ts";

export interface ShowOptions extends TargetOptions {
  readonly verbose?: boolean;
  readonly plain?: boolean;
  readonly junit?: string;
}

export interface WorkflowRunOptions extends ShowOptions {
  readonly workspace?: string;
  readonly input?: Readonly<Record<string, string>>;
  readonly agents?: readonly string[];
  readonly maxCost?: number;
  readonly maxTokens?: number;
  readonly baseBranch?: string;
  readonly protectedBranches?: readonly string[];
  readonly allowProtectedBranch?: boolean;
  readonly dryRun?: boolean;
  readonly only?: string;
  /** False for `--no-cache`. */
  readonly cache?: boolean;
}

export async function runWorkflowFile(file: string, options: WorkflowRunOptions, io: Io): Promise<number> {
  if (daemonUrl(options, io) !== undefined) return runThere(file, options, io);
  if (options.dryRun === true && options.only !== undefined)
    throw new AgentCoreError(
      "AC_USAGE",
      "--dry-run shows the whole workflow: leave out --only, or --dry-run",
    );
  const workers = lookUpWorkers(() => loadOptionsConfig(options, io, announcementOf(options)));
  const workspace = checkWorkspace(resolve(io.cwd, options.workspace ?? "."));
  const checks = { workers, workspace };
  const { workflow, agentFiles, warnings } = await requireWorkflow(file, options.agents, io, checks);
  writeWarnings(warnings, io);
  const { maxCost: costUsd = null, maxTokens: tokens = null } = options;
  const budget = lowerBudget(workflow.budget, { costUsd, tokens });
  if (options.dryRun === true) return showDryRun(workflow, { budget, workspace }, options, io);
  const branch = branchOptions(options, io);
  const caller: Caller = { agentFiles, branch, isDaemon: false };
  return withEngine({ workflow, budget }, options, io, (engine) =>
    runWorkflow({
      ...engine,
      branch,
      workflow,
      workspace,
      inputs: options.input ?? {},
      ...omitUndefined({ only: options.only, usesCache: options.cache }),
      caller: caller as unknown as JournalValue,
      ...(budget === null ? {} : { budget }),
    }),
  );
}

export async function resumeWorkflow(run: string, options: ShowOptions, io: Io): Promise<number> {
  if (daemonUrl(options, io) !== undefined) return resumeThere(run, options, io);
  const { id, file, caller, budget, outcome } = await findFreeRun(run, options, io);
  const { workflow } = await requireWorkflow(file, caller.agentFiles, io);
  if (outcome !== null) {
    const retry =
      outcome === "SUCCEEDED"
        ? ""
        : `; to run the failed steps again: agentcore workflow retry ${shortId(id)}`;
    io.stderr.write(`agentcore: the run has already ended (${outcome})${retry}\n`);
  }
  return withEngine({ workflow, budget }, options, io, (engine) =>
    resumeRun({ ...engine, branch: caller.branch, id, workflow }),
  );
}

export interface RetryWorkflowOptions extends ShowOptions {
  /** The failed steps and those that waited for them: the default. */
  readonly failed?: boolean;
  /** A step, with all steps that wait for it. */
  readonly from?: string;
}

export async function retryWorkflow(run: string, options: RetryWorkflowOptions, io: Io): Promise<number> {
  const { from, failed } = options;
  if (from !== undefined && failed === true)
    throw new AgentCoreError("AC_USAGE", "give --failed or --from STEP, not both");
  if (daemonUrl(options, io) !== undefined) return retryThere(run, options, io);
  const { id, file, caller, budget } = await findFreeRun(run, options, io);
  const { workflow } = await requireWorkflow(file, caller.agentFiles, io);
  const choice: RetryChoice = from === undefined ? { kind: "failed" } : { kind: "from", step: from };
  return withEngine({ workflow, budget }, options, io, (engine) =>
    retryRun({ ...engine, branch: caller.branch, id, workflow, choice }),
  );
}

export type CancelWorkflowOptions = TargetOptions;

/** Asks the process that works on the run; if there is none, ends the run here. */
export async function cancelWorkflow(run: string, options: CancelWorkflowOptions, io: Io): Promise<number> {
  const message = "cancelled with `agentcore workflow cancel`";
  if (daemonUrl(options, io) !== undefined) return cancelThere(run, message, options, io);
  const { found, isAsked } = await withJournal(options, io, async (journal) => {
    const found = await findStored(journal, run);
    requireUnfinished(found);
    const isAsked = liveOwner(found.stored.header["owner"] ?? null) !== null;
    if (isAsked) await requestCancel(journal, found.id, { at: systemClock.now(), message });
    return { found, isAsked };
  });
  const { id, stored } = found;
  if (isAsked) {
    writeCancel(id, "requested", options, io);
    return exitCodes.succeeded;
  }
  const workflow = await sameWorkflow(stored, io);
  if (workflow === null) {
    await withQueue(options, io, ({ stores, client }) =>
      endWithoutFile(id, message, {
        journal: stores.journal,
        store: stores.jobs,
        cancelJob: (job, request) => client.cancel(job, request),
      }),
    );
    if (options.json === true) io.stdout.json({ type: "cancel", id, outcome: "cancelled" });
    else
      io.stdout.write(
        `${shortId(id)}  cancelled; ${stored.created.file} has changed since the run started\n`,
      );
    return exitCodes.succeeded;
  }
  const { budget } = stored.created;
  const { branch } = callerOf(stored);
  const code = await withEngine({ workflow, budget, isToEnd: true }, options, io, (engine) =>
    cancelRun({ ...engine, branch, id, workflow, message }),
  );
  return code === exitCodes.cancelled ? exitCodes.succeeded : code;
}

/** Finds a run that no living process works on. Throws `AC_WORKFLOW_TAKEN`. */
async function findFreeRun(given: string, options: StateOptions, io: Io) {
  const run = await withJournal(options, io, (journal) => findStored(journal, given));
  requireFree(run);
  const { file, budget } = run.stored.created;
  return { id: run.id, file, budget, caller: callerOf(run.stored), outcome: outcomeOf(run) };
}

interface ShownRun {
  readonly workflow: Workflow;
  /** For the whole run. */
  readonly budget: Budget | null;
  /** It was opened only to be ended. */
  readonly isToEnd?: boolean;
}

/** Everything that runs jobs, opened for one run and closed after it. */
async function withEngine(
  shown: ShownRun,
  options: ShowOptions,
  io: Io,
  begin: (engine: RunOptions) => Promise<RunHandle>,
): Promise<number> {
  const { workflow, budget } = shown;
  if (options.junit !== undefined) checkWritable(options.junit, io.cwd);
  const loaded = await loadOptionsConfig(options, io, announcementOf(options));
  const { presenter, log } = presenterFor(options, shown, io);
  const state = resolveStateDir(options.stateDir, loaded, io.cwd, io.env);
  const adapters = await adaptersFor(workflow, loaded);
  if (isCostLimited(loaded.config, budget)) await warnOfPrices(workflow, adapters, loaded, io);
  const engine = await openEngine({ config: loaded.config, state, adapters, env: io.env, log });
  try {
    const onEvent = (event: WorkflowEvent): void => presenter.event(event);
    const run = { ...engine.ports, onEvent, tellsChildren: presenter.wantsChildren };
    const result = await follow(await begin(run), presenter, io);
    presenter.end(result);
    const isReported = await writeReport(options.junit, () => junitReport(workflow.name, result), io);
    const exitCode = exitCodeOf(result);
    return isReported || exitCode !== exitCodes.succeeded ? exitCode : exitCodes.failed;
  } finally {
    presenter.close();
    await engine.close();
    await log.flush();
  }
}

/** JSON for programs; for people a live screen if possible, otherwise lines. */
function presenterFor(
  { json, verbose, plain }: ShowOptions,
  run: ShownRun,
  io: Io,
): { readonly presenter: WorkflowPresenter; readonly log: ProcessLog } {
  if (json === true) return { presenter: workflowJsonLines(io), log: createCommandLog(true) };
  const { workflow, budget, isToEnd } = run;
  const lines = { verbose: verbose === true, isToEnd: isToEnd === true };
  if (lines.verbose || plain === true || !canBeLive(io))
    return { presenter: workflowLines(io, lines), log: createCommandLog(false) };
  const stderr = heldOutput((text) => io.stderr.write(text));
  const log = createCommandLog(false, io.stderr.stream.isTTY === true ? stderr : undefined);
  const live = { workflow, capUsd: budget?.costUsd ?? null };
  return { presenter: workflowLive(io, live, stderr, workflowLines(io, lines)), log };
}

async function adaptersFor(workflow: Workflow, loaded: LoadedConfig) {
  const workers = [...workersOf(workflow)];
  const adapters = await Promise.all(workers.map(([worker, asked]) => requireWorker(worker, asked, loaded)));
  for (const { worker, model } of modelsOf(workflow)) {
    const adapter = adapters.find(({ name }) => name === worker);
    if (adapter !== undefined) await requireKnownCost(adapter, model, loaded.config);
  }
  return adapters;
}

function isCostLimited(config: Config, budget: Budget | null): boolean {
  const isCost = ({ kind }: { readonly kind: string }): boolean => kind === "cost_usd";
  return (budget?.costUsd ?? config.limits.job.cost_usd ?? null) !== null || limitsOf(config).some(isCost);
}

async function warnOfPrices(
  workflow: Workflow,
  adapters: readonly WorkerAdapter[],
  { config }: LoadedConfig,
  io: Io,
): Promise<void> {
  for (const { worker, model } of modelsOf(workflow)) {
    const adapter = adapters.find(({ name }) => name === worker);
    const warning = adapter === undefined ? null : await priceWarning(adapter, model, config);
    if (warning !== null) io.stderr.write(`agentcore: worker ${worker}: ${warning}\n`);
  }
}

async function follow(handle: RunHandle, presenter: WorkflowPresenter, io: Io): Promise<RunResult> {
  let ended = false;
  onInterrupt((request) => {
    if (ended) return;
    presenter.remark(
      request.force
        ? "killing running steps; press Ctrl-C again to exit at once"
        : "Stopping… the run can be resumed. Press Ctrl-C again to kill its processes now",
    );
    handle.interrupt(request);
  });
  io.stdout.onGone(() => handle.interrupt({ reason: "the reader closed the output" }));
  try {
    return await handle.result();
  } finally {
    ended = true;
  }
}

function branchOptions(options: WorkflowRunOptions, io: Io): BranchOptions {
  const { baseBranch = io.env["BASE_BRANCH"], protectedBranches, allowProtectedBranch } = options;
  return {
    ...(baseBranch === undefined || baseBranch === "" ? {} : { baseBranch }),
    protectedBranches,
    ...(allowProtectedBranch === true ? { allowProtectedBranch } : {}),
  };
}
