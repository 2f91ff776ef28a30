/**
 * Starts a run, or continues one that an earlier process left. Both return a handle. The journal has everything that a
 * resume needs except the definition, which the caller reads again and which must be unchanged.
 */
import {
  logAbout,
  Cancellation,
  backOffMs,
  type CancelRequest,
  AgentCoreError,
  omitUndefined,
} from "@agentcore/contract";
import { runLabel, type JournalValue } from "@agentcore/scheduler";
import { realpath } from "node:fs/promises";
import type { Budget, Workflow } from "../definition.ts";
import { Answers } from "./answers.ts";
import { BranchPlaces } from "../worktree/branch-places.ts";
import { checkBranchAtStart, resolveBase } from "../worktree/branch-rules.ts";
import { StepCache, type StepCacheOptions } from "../cache/step-cache.ts";
import { resolveInputs, type InputValues } from "../inputs.ts";
import type { StepCancellation } from "../steps/submit-job.ts";
import { noSuchStep } from "../no-such-step.ts";
import { pathInside, realOf } from "../places.ts";
import { prepareContextDir, requireArtifacts, requireWorkspace } from "../steps/check-places.ts";
import { entriesForOnly } from "./only-step.ts";
import { requestCount } from "./requests.ts";
import { stepsToRetry, type RetryChoice } from "./retry-run.ts";
import { GroupPlace, groupName } from "./concurrency-group.ts";
import { readEntries } from "../records/run-entry.ts";
import { RunLog } from "../records/run-log.ts";
import type { RunPorts, RunResult, RunSettings } from "../run-ports.ts";
import type { RunCreated, RunEntry } from "../records/entry-types.ts";
import { runStream, streamOf } from "../records/streams.ts";
import type { ChildRequest } from "../steps/step-child.ts";
import type { Outermost } from "../steps/step-context.ts";
import { RunInstances } from "../plan/run-instances.ts";
import { stepInstances, type StepInstance } from "../plan/step-instance.ts";
import { requireSecrets } from "../secrets.ts";
import { telemetryPaths } from "../records/telemetry.ts";
import { WorkflowRun } from "./workflow-run.ts";

export interface RunHandle {
  readonly id: string;
  /**
   * The end of the run. Rejects if the run cannot continue (`AC_STORE_UNAVAILABLE`, `AC_DRAINING`, `AC_WORKFLOW_TAKEN`); it can
   * then be resumed.
   */
  result(): Promise<RunResult>;
  /** Stops all running work; the run ends `CANCELLED`. The first reason counts; `force`, at any time, kills at once. */
  cancel(request?: Partial<CancelRequest<string>>): void;
  /**
   * Stops all running work as {@link cancel} does, without ending the run: its result is `INTERRUPTED`, and `resumeRun` continues
   * it. Finished steps do not run again. A run that is already ending ends normally.
   */
  interrupt(request?: Partial<CancelRequest<string>>): void;
}

export interface RunOptions extends Omit<RunPorts, "places" | "answers" | "cache">, Partial<RunSettings> {
  /** Where results of steps are kept for later runs; without it, none are. */
  readonly cache?: CacheOptions | null;
}

export type CacheOptions = Pick<StepCacheOptions, "directory" | "bytesMax" | "keepMs">;

export interface StartOptions extends RunOptions {
  readonly workflow: Workflow;
  /** Absolute path of a directory. */
  readonly workspace: string;
  /** Texts are read as the declared type. */
  readonly inputs?: InputValues;
  /** Replaces the workflow's own ceiling if it is lower. */
  readonly budget?: Budget;
  /** Variables that every step gets, unless the file sets them otherwise. */
  readonly env?: Readonly<Record<string, string>>;
  /** Runs this step of the file only; what others left is taken from the context directory. */
  readonly only?: string;
  /** Default: true. False: no result is taken from the cache, and none is stored. */
  readonly usesCache?: boolean;
  /** Of the run; must be new. Default: the next one of `ids`. */
  readonly id?: string;
  /** Returned by `readRun`, for finding the same definition again. */
  readonly caller?: JournalValue;
}

/**
 * Resolves once the run is journaled. Throws `AC_WORKFLOW_INPUT`, `AC_WORKFLOW_STEP`, `AC_WORKFLOW_ONLY`, `AC_WORKFLOW_SECRET`, `AC_WORKFLOW_PATH`, `AC_WORKFLOW_BRANCH`
 * or `AC_WORKFLOW_GIT` before it changes anything.
 */
export async function runWorkflow(options: StartOptions): Promise<RunHandle> {
  const { workflow } = options;
  const { ports, settings } = split(options);
  requireSecrets(workflow, settings.secretValue);
  const created = await createdOf(options, ports, settings);
  const first = await firstEntries(created, workflow, settings);
  await prepareContextDir(created.contextDir);
  const { id: runId = ports.ids.next() } = options;
  const group = await takeGroup(runId, workflow, created.inputs, ports, settings);
  return handleOf(runId, await openInGroup({ runId, workflow, created, first, ports, settings, group }));
}

async function firstEntries(
  created: RunCreated,
  workflow: Workflow,
  { spends }: RunSettings,
): Promise<readonly RunEntry[]> {
  if (created.only === undefined) return [];
  return entriesForOnly(created.only, created, stepInstances(workflow, created.inputs, spends));
}

/** Null if the workflow has no group. */
async function takeGroup(
  run: string,
  { group }: Workflow,
  inputs: InputValues,
  ports: RunPorts,
  { owner, isAlive }: RunSettings,
): Promise<GroupPlace | null> {
  if (group === null) return null;
  return GroupPlace.take(ports, { ...group, name: groupName(group, inputs) }, { run, owner, isAlive });
}

export interface ResumeOptions extends RunOptions {
  readonly id: string;
  /** Read again from the file that `readRun` names. */
  readonly workflow: Workflow;
}

/**
 * Continues from the last journaled entry. If the run has ended, the handle has its result at once. Throws
 * `AC_WORKFLOW_RUN_NOT_FOUND`, or `AC_WORKFLOW_CHANGED` if the definition differs from the one that the run began with.
 */
export async function resumeRun(options: ResumeOptions): Promise<RunHandle> {
  return reopen(options);
}

async function reopen(options: ResumeOptions, retry?: RetryChoice, end?: string): Promise<RunHandle> {
  const { id: runId, workflow } = options;
  const { ports, settings } = split(options);
  const stream = runStream(runId);
  const found = await ports.journal.read(stream);
  if (found === undefined) throw runNotFound(runId);
  const isToEnd = end !== undefined;
  const works = !isToEnd && (found.header["outcome"] === null || retry !== undefined);
  const needsTurn = works && workflow.group !== null;
  const group = needsTurn
    ? await takeGroup(runId, workflow, readEntries(stream, found.entries).created.inputs, ports, settings)
    : null;
  const asked = { runId, workflow, created: null, ports, settings, isToEnd, group };
  const run = await openInGroup(retry === undefined ? asked : { ...asked, retry });
  if (isToEnd) run.stop("CANCELLED", end, "AC_CANCELLED");
  return handleOf(runId, run);
}

/** Ends a run that no process works on as `CANCELLED`. Throws as `resumeRun`; needs no workspace and no artifacts. */
export async function cancelRun(options: ResumeOptions & { readonly message: string }): Promise<RunHandle> {
  return reopen(options, undefined, options.message);
}

export interface RetryOptions extends ResumeOptions {
  /** Default: the failed steps, and those that waited for them. */
  readonly choice?: RetryChoice;
}

/**
 * Starts steps of an ended run again, and continues from there; succeeded steps are kept. The run gets its full time limit again,
 * and what is left of its budget. Throws as `resumeRun`, and `AC_WORKFLOW_ENDED` if nothing failed.
 */
export async function retryRun({
  choice = { kind: "failed" },
  ...options
}: RetryOptions): Promise<RunHandle> {
  return reopen(options, choice);
}

export function runNotFound(runId: string): AgentCoreError {
  return new AgentCoreError("AC_WORKFLOW_RUN_NOT_FOUND", `there is no workflow run ${runId}`, {
    evidence: { run: runId },
  });
}

/** For a scheduler's concurrency policy: the jobs of a workflow share their workspace, unlike other jobs. */
export function workflowConcurrencyKey(job: {
  readonly task: { readonly workspace: string };
  readonly context: { readonly labels: Readonly<Record<string, string>> };
}): string | null {
  return job.context.labels[runLabel] === undefined ? job.task.workspace : null;
}

async function createdOf(
  options: StartOptions,
  { git, clock, places }: RunPorts,
  settings: RunSettings,
): Promise<RunCreated> {
  const { workflow } = options;
  const inputs = resolveInputs(workflow, options.inputs ?? {});
  const workspace = await realpath(options.workspace);
  const contextDir = await realOf(await pathInside(workspace, workflow.contextDir));
  if (workflow.telemetry !== null) await telemetryPaths(workflow.telemetry, contextDir);
  const checkout = await places.ask(git, workspace);
  const base = await resolveBase(git, workspace, checkout, settings.branch);
  if (base === null || checkout === null) requireNoWorktree(workflow, workspace);
  else checkBranchAtStart(workflow, base, checkout, settings.branch);
  return {
    type: "created",
    version: 1,
    at: clock.now(),
    name: workflow.name,
    file: workflow.file,
    hash: workflow.hash,
    workspace,
    contextDir,
    inputs,
    budget: options.budget ?? workflow.budget,
    parent: null,
    root: null,
    base,
    startBranch: base === null ? null : (checkout?.branch ?? null),
    timeoutMs: workflow.timeoutMs,
    caller: options.caller ?? null,
    ...omitUndefined({ only: options.only, env: options.env }),
    ...(options.usesCache === false ? { noCache: true } : {}),
  };
}

/** Throws `AC_WORKFLOW_GIT` if a step needs a repository and there is none. */
function requireNoWorktree(workflow: Workflow, workspace: string): void {
  for (const { id, isolation, action } of workflow.steps) {
    if (isolation === "worktree") {
      const message = `step "${id}" works in a git worktree, and ${workspace} is in no git repository, or in one without a commit`;
      throw new AgentCoreError("AC_WORKFLOW_GIT", message);
    }
    if (action.kind === "workflow") requireNoWorktree(action.workflow, workspace);
  }
}

interface OpenRequest {
  readonly runId: string;
  readonly workflow: Workflow;
  /** Null: the run must exist. */
  readonly created: RunCreated | null;
  /** Of a new run: entries in the commit that creates it. */
  readonly first?: readonly RunEntry[];
  readonly ports: RunPorts;
  readonly settings: RunSettings;
  readonly retry?: RetryChoice;
  /** The run is opened only to be ended. */
  readonly isToEnd?: boolean;
  /** Its place in the concurrency group. */
  readonly group?: GroupPlace | null;
  /** For the run of a sub-workflow. */
  readonly outermost?: Outermost;
}

async function openInGroup(request: OpenRequest): Promise<WorkflowRun> {
  try {
    return await openRun(request);
  } catch (error) {
    await request.group?.leave();
    throw error;
  }
}

/** Creates the run, or opens it if its journal exists. */
async function openRun(request: OpenRequest): Promise<WorkflowRun> {
  const { runId, workflow, created, settings } = request;
  const ports = { ...request.ports, log: logAbout(request.ports.log, { run: runId }) };
  const stream = created === null ? runStream(runId) : streamOf(created, runId);
  const stored = await ports.journal.read(stream);
  const found = stored === undefined ? undefined : readEntries(stream, stored.entries);
  const first = found?.created ?? created;
  if (first === null) throw runNotFound(runId);
  if (first.hash !== workflow.hash) throw changed(runId, first);
  const instances = stepInstances(workflow, first.inputs, settings.spends);
  const steps = instances.map((instance) => instance.plan);
  const logOptions = { stream, workflow, steps, owner: settings.owner };
  const log =
    found === undefined
      ? await RunLog.create(ports.journal, logOptions, first, request.first)
      : RunLog.open(ports.journal, logOptions, found);
  const resumed = found !== undefined;
  const now = new RunInstances(instances, () => log.record.state);
  if (resumed) await requirePlaces(request, log, now.all());
  if (request.retry !== undefined) await retry(request, log, now.all(), request.retry);
  else if (resumed && log.record.state.outcome === null) {
    await log.append([{ type: "resumed", at: ports.clock.now() }]);
  }
  const startChild = (child: ChildRequest): Promise<RunResult> => startChildRun(child, ports, settings);
  return new WorkflowRun({
    runId,
    workflow,
    base: instances,
    instances: now,
    log,
    ports,
    settings,
    startChild,
    resumed,
    group: request.group ?? null,
    outermost: request.outermost ?? null,
  });
}

/** If something that the steps need is missing, the run does not change: nothing is started, written or counted. */
async function requirePlaces(
  { retry, workflow, settings, isToEnd = false }: OpenRequest,
  { record }: RunLog,
  instances: readonly StepInstance[],
): Promise<void> {
  const { created, state } = record;
  if (isToEnd || created.parent !== null || (state.outcome !== null && retry === undefined)) return;
  requireSecrets(workflow, settings.secretValue);
  await requireWorkspace(created.workspace);
  const again = new Set(retry === undefined ? [] : stepsToRetry(instances, state, retry));
  await requireArtifacts(record, instances, (id) => again.has(id) || state.steps.get(id)?.kind !== "ended");
  await prepareContextDir(created.contextDir);
}

/** Writes to the journal which steps start again; the planner does the rest. */
async function retry(
  { runId, ports }: OpenRequest,
  log: RunLog,
  instances: readonly StepInstance[],
  choice: RetryChoice,
): Promise<void> {
  const { state } = log.record;
  if (state.outcome === null) {
    const message = `run ${runId} has not ended; resume it, or cancel it first`;
    throw new AgentCoreError("AC_WORKFLOW_OPEN", message, { evidence: { run: runId } });
  }
  if (choice.kind === "from" && !instances.some(({ step }) => step.id === choice.step)) {
    const known = instances.map(({ step }) => step.id);
    throw noSuchStep(`run ${runId}`, choice.step, known, { run: runId });
  }
  const steps = stepsToRetry(instances, state, choice);
  if (steps.length === 0 && state.ended === instances.length) {
    const message = `run ${runId} has ended (${state.outcome}), and none of its steps failed`;
    throw new AgentCoreError("AC_WORKFLOW_ENDED", message, { evidence: { run: runId } });
  }
  const requests = await requestCount(ports.journal, runId);
  await log.append([{ type: "event", at: ports.clock.now(), event: { type: "retried", steps }, requests }]);
}

async function startChildRun(
  { runId, workflow, created, onEvent, outermost, cancellation }: ChildRequest,
  ports: RunPorts,
  settings: RunSettings,
): Promise<RunResult> {
  const own = { ...settings, onEvent };
  const run = await openRun({ runId, workflow, created, ports, settings: own, outermost });
  const unfollow = followStops(cancellation, run);
  return run.drive().finally(unfollow);
}

function handleOf(id: string, run: WorkflowRun): RunHandle {
  const cancellation: StepCancellation = new Cancellation();
  followStops(cancellation, run);
  const result = run.drive();
  // Callers may never await this; avoid an unhandled rejection.
  result.catch(() => {});
  return {
    id,
    result: () => result,
    cancel: ({ reason: message = "cancelled by request", force } = {}) =>
      cancellation.cancel({ reason: { message, interrupts: false }, force }),
    interrupt: ({ reason: message = "interrupted by request", force } = {}) =>
      cancellation.cancel({ reason: { message, interrupts: true }, force }),
  };
}

function followStops(cancellation: StepCancellation, run: WorkflowRun): () => void {
  return cancellation.onChange(({ reason: { message, interrupts }, force }) => {
    if (interrupts) run.interrupt({ reason: message, force });
    else run.cancel({ reason: message, force });
  });
}

function changed(runId: string, { file }: RunCreated): AgentCoreError {
  return new AgentCoreError(
    "AC_WORKFLOW_CHANGED",
    `${file}, an agent profile or a sub-workflow has changed since run ${runId} began`,
    { evidence: { run: runId, file } },
  );
}

const retryDelayMsMax = 60_000;

function split(options: RunOptions): { ports: RunPorts; settings: RunSettings } {
  const { scheduler, journal, clock, ids, log, git } = options;
  const settings: RunSettings = {
    branch: options.branch ?? {},
    owner: options.owner ?? null,
    post: options.post ?? null,
    isAlive: options.isAlive ?? (() => true),
    retryDelayMs:
      options.retryDelayMs ?? ((failures) => backOffMs(failures, { minMs: 1000, maxMs: retryDelayMsMax })),
    spends: options.spends ?? ((worker) => worker !== "shell"),
    secretValue: options.secretValue ?? (() => undefined),
    tellsChildren: options.tellsChildren ?? false,
    onEvent: options.onEvent ?? (() => {}),
  };
  const cache = options.cache ?? null;
  const ports: RunPorts = {
    scheduler,
    journal,
    clock,
    ids,
    log,
    git,
    places: new BranchPlaces(),
    answers: new Answers(),
    cache: cache === null ? null : new StepCache({ ...cache, clock, ids, log }),
  };
  return { ports, settings };
}
