/** Workflows of the library: starts, continues, lists and ends runs of workflow files in this process. */
import {
  AgentCoreError,
  omitUndefined,
  onAbort,
  systemClock,
  systemIds,
  type WorkerAdapter,
} from "@agentcore/contract";
import type { JobStore, Journal, JournalHeader, JournalValue } from "@agentcore/scheduler";
import { requireCapabilities } from "@agentcore/worker-kit";
import {
  cancelRun,
  listRuns,
  lowerBudget,
  requestCancel,
  resumeRun,
  retryRun,
  runWorkflow,
  storedSteps,
  type BranchOptions,
  type InputValues,
  type RunHandle,
  type RunOptions,
  type RunResult,
  type StepReport,
  type Workflow,
  type WorkflowEvent,
} from "@agentcore/workflow";
import { resolve } from "node:path";
import type { ComposeOptions } from "../compose.ts";
import { checkWorkspace } from "../options/job-from-options.ts";
import { requireKnownCost } from "../options/require-price.ts";
import { answerWait } from "../workflow/answer-approval.ts";
import { endWithoutFile } from "../workflow/end-run.ts";
import { lookUpAdapters } from "../workflow/known-workers.ts";
import { requireWorkflow } from "../workflow/load-workflow.ts";
import { runStateOf, workerOf } from "../workflow/run-owner.ts";
import type { OpenedEngine } from "../workflow/open-engine.ts";
import {
  callerOf,
  findStored,
  requireFree,
  requireUnfinished,
  sameWorkflow,
  type Caller,
  type FoundRun,
} from "../workflow/stored-run.ts";
import { modelsOf, workersOf } from "../workflow/workers-of.ts";
import { checkOptions } from "./check-options.ts";
import { EventQueue } from "./event-queue.ts";
import { requireAdapter } from "./prepare-job.ts";
import { WorkflowEngine } from "./workflow-engine.ts";

/** For a run that this process works on. */
export interface FollowOptions {
  /** Cancels the run; it ends `CANCELLED`. */
  readonly signal?: AbortSignal;
  /** Called with each event, in order. What it throws is logged and ignored. */
  readonly onEvent?: (event: WorkflowEvent) => void;
}

export interface RunWorkflowOptions extends FollowOptions {
  /** Directory in which the steps work. */
  readonly workspace: string;
  /** Id of the run, which must be new. Default: a UUIDv7. */
  readonly id?: string;
  /** Variables that every step gets, unless the file sets them otherwise. */
  readonly env?: Readonly<Record<string, string>>;
  /** Values of the file's inputs. Texts are read as the declared type. */
  readonly inputs?: InputValues;
  /** Files with agents. Default: the file beside the workflow. */
  readonly agents?: readonly string[];
  /** US dollars and tokens for the whole run; the lower of this and the file's own counts. */
  readonly maxCostUsd?: number;
  readonly maxTokens?: number;
  /** Rules for the branch that a run may change; see the options of `agentcore workflow run`. */
  readonly branch?: BranchOptions;
}

export interface RetryWorkflowOptions extends FollowOptions {
  /** A step, which runs again with all steps that wait for it. Default: the failed steps and those that waited for them. */
  readonly from?: string;
}

export interface AnswerOptions {
  /** Id of the step; below a sub-workflow, the ids joined with `/`. Default: the only step that waits. */
  readonly step?: string;
  /** Who answers; must be one of the step's `who`, if it has any. Default: the user of this process. */
  readonly by?: string;
  /** Kept with the answer. */
  readonly message?: string;
}

/** A run that this process works on. */
export interface WorkflowRunHandle {
  readonly id: string;
  /**
   * The events of the run from its start, for one reader; ends after `run_ended`. A reader that is thousands of events behind
   * misses events of jobs, but no others.
   */
  events(): AsyncIterable<WorkflowEvent>;
  /**
   * The end of the run: `outcome` says how it ended, and a failed run is no error. Rejects if the run cannot continue
   * (`AC_STORE_UNAVAILABLE`, `AC_DRAINING`, `AC_WORKFLOW_TAKEN`); it can then be resumed.
   */
  result(): Promise<RunResult>;
  /** Stops all running work; the run ends `CANCELLED`. */
  cancel(reason?: string): void;
  /** Stops all running work without ending the run; `workflows.resume` continues it. */
  interrupt(reason?: string): void;
}

export interface ListPage {
  /** The id of the last run of the page before. */
  readonly before?: string;
  /** Default: 100. */
  readonly limit?: number;
}

/** One run in a list. */
export interface WorkflowRunInfo {
  readonly id: string;
  readonly name: string;
  /** `RUNNING` while a process works on it, `INTERRUPTED` if it can be resumed, otherwise how it ended. */
  readonly state: string;
  /** Why it is not `SUCCEEDED`; null if it is, or has not ended. */
  readonly message: string | null;
  readonly stepsEnded: number;
  readonly steps: number;
  /** In ms since the epoch; `endedAt` is null before the end. */
  readonly startedAt: number;
  readonly endedAt: number | null;
}

export interface WorkflowRunDetails extends Omit<WorkflowRunInfo, "steps"> {
  readonly file: string;
  readonly workspace: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Null if the file has changed since the run started, or is gone. */
  readonly steps: readonly StepReport[] | null;
}

export interface Workflows {
  /**
   * Starts a run and resolves once it is durable. Rejects with `AC_WORKFLOW_INVALID` with every mistake of the file,
   * `AC_WORKFLOW_INPUT`, `AC_WORKSPACE_MISSING`, `AC_WORKER_UNKNOWN`, `AC_CAPABILITY_UNSUPPORTED` or `AC_MODEL_UNPRICED`
   * before anything starts.
   */
  run(file: string, options: RunWorkflowOptions): Promise<WorkflowRunHandle>;
  /**
   * Continues a run that no process works on. If it has ended, the handle has its result at once. Rejects with
   * `AC_WORKFLOW_RUN_NOT_FOUND`, `AC_WORKFLOW_TAKEN`, or `AC_WORKFLOW_CHANGED` if the file has changed.
   */
  resume(id: string, options?: FollowOptions): Promise<WorkflowRunHandle>;
  /** Starts failed steps of an ended run again. Rejects as `resume`, and with `AC_WORKFLOW_ENDED` if nothing failed. */
  retry(id: string, options?: RetryWorkflowOptions): Promise<WorkflowRunHandle>;
  /**
   * Cancels a run, whichever process works on it. `requested`: that process ends it soon. Rejects with
   * `AC_WORKFLOW_RUN_NOT_FOUND`, or `AC_WORKFLOW_ENDED` if the run has ended.
   */
  cancel(id: string, reason?: string): Promise<"cancelled" | "requested">;
  /**
   * Answers the approval that a step waits for; resolves once the answer is durable. `applied`: a process works on the run and
   * takes the answer within a second. `kept`: it counts once the run is resumed. Rejects with `AC_WORKFLOW_RUN_NOT_FOUND`,
   * `AC_WORKFLOW_ENDED`, `AC_WORKFLOW_NOT_WAITING`, `AC_WORKFLOW_NOT_ALLOWED`, or `AC_USAGE` if the run has no such step or
   * several steps wait.
   */
  approve(id: string, options?: AnswerOptions): Promise<"applied" | "kept">;
  /** As `approve`; the step then fails. */
  reject(id: string, options?: AnswerOptions): Promise<"applied" | "kept">;
  /** Rejects with `AC_WORKFLOW_RUN_NOT_FOUND`. */
  show(id: string): Promise<WorkflowRunDetails>;
  /** Newest first. */
  list(page?: ListPage): Promise<readonly WorkflowRunInfo[]>;
}

export interface WorkflowsOptions {
  readonly place: Pick<ComposeOptions, "adapters" | "config" | "env" | "log">;
  readonly journal: Journal;
  readonly store: JobStore;
  readonly open: () => Promise<OpenedEngine>;
  /** The process resumes the runs that it began once it is started again. Default: false. */
  readonly isDaemon?: boolean;
  /** Called with each event of each run. Must not throw. */
  readonly onEvent?: (event: WorkflowEvent) => void;
}

/** Opens nothing before the first run. */
export function openWorkflows(options: WorkflowsOptions): {
  readonly api: Workflows;
  close(): Promise<void>;
} {
  const engine = new WorkflowEngine(options.open);
  return { api: new LibraryWorkflows(options, engine), close: () => engine.close() };
}

/** Events that wait for a reader. */
const waitingMax = 10_000;

class LibraryWorkflows implements Workflows {
  readonly #options: WorkflowsOptions;
  readonly #engine: WorkflowEngine;
  readonly #journal: Journal;

  constructor(options: WorkflowsOptions, engine: WorkflowEngine) {
    this.#options = options;
    this.#engine = engine;
    this.#journal = options.journal;
  }

  async run(file: string, options: RunWorkflowOptions): Promise<WorkflowRunHandle> {
    checkOptions("workflows.run()", options);
    this.#engine.requireOpen();
    const workspace = checkWorkspace(resolve(options.workspace));
    const { adapters } = this.#options.place;
    const workers = lookUpAdapters(async () => (name) => requireAdapter(name, adapters));
    const checks = { workers, workspace };
    const { workflow, agentFiles } = await requireWorkflow(file, options.agents, this.#place, checks);
    await this.#requireWorkers(workflow);
    const { inputs = {}, branch = { protectedBranches: undefined } } = options;
    const { maxCostUsd: costUsd = null, maxTokens: tokens = null } = options;
    const budget = lowerBudget(workflow.budget, { costUsd, tokens }) ?? undefined;
    const caller: Caller = { agentFiles, branch, isDaemon: this.#options.isDaemon ?? false };
    const { id = systemIds.next() } = options;
    return this.#follow(id, options, (ports) =>
      runWorkflow({
        ...ports,
        ...omitUndefined({ budget, env: options.env }),
        id,
        branch,
        workflow,
        workspace,
        inputs,
        caller: caller as unknown as JournalValue,
      }),
    );
  }

  async resume(id: string, options: FollowOptions = {}): Promise<WorkflowRunHandle> {
    checkOptions("workflows.resume()", options);
    const found = await this.#findFree(id);
    return this.#follow(found.id, options, (ports) => resumeRun({ ...ports, ...found }));
  }

  async retry(id: string, options: RetryWorkflowOptions = {}): Promise<WorkflowRunHandle> {
    checkOptions("workflows.retry()", options);
    const found = await this.#findFree(id);
    const { from } = options;
    const choice =
      from === undefined ? ({ kind: "failed" } as const) : ({ kind: "from", step: from } as const);
    return this.#follow(found.id, options, (ports) => retryRun({ ...ports, ...found, choice }));
  }

  async cancel(given: string, reason = "cancelled by the caller"): Promise<"cancelled" | "requested"> {
    requireReason("workflows.cancel()", reason);
    this.#engine.requireOpen();
    const run = await findStored(this.#journal, given);
    requireUnfinished(run);
    const here = this.#engine.handle(run.id);
    if (here !== undefined) {
      here.cancel({ reason });
      await here.result();
      return "cancelled";
    }
    if (workerOf(run.id, run.stored) !== null) {
      await requestCancel(this.#journal, run.id, { at: systemClock.now(), message: reason });
      return "requested";
    }
    await this.#endAbandoned(run, reason);
    return "cancelled";
  }

  approve(id: string, options: AnswerOptions = {}): Promise<"applied" | "kept"> {
    return this.#answer("approved", id, options);
  }

  reject(id: string, options: AnswerOptions = {}): Promise<"applied" | "kept"> {
    return this.#answer("rejected", id, options);
  }

  async show(given: string): Promise<WorkflowRunDetails> {
    this.#engine.requireOpen();
    const { id, stored } = await findStored(this.#journal, given);
    const { file, workspace, inputs } = stored.created;
    const workflow = await sameWorkflow(stored, this.#place);
    const steps = workflow === null ? null : storedSteps(stored, workflow);
    return { ...infoOf(id, stored.header), file, workspace, inputs, steps };
  }

  async list(page: ListPage = {}) {
    checkOptions("workflows.list()", page);
    this.#engine.requireOpen();
    const runs = await listRuns(this.#journal, { limit: 100, ...omitUndefined({ ...page }) });
    return runs.map(({ id, header }) => infoOf(id, header));
  }

  get #place() {
    return { cwd: process.cwd(), env: this.#options.place.env };
  }

  async #answer(decision: "approved" | "rejected", run: string, options: AnswerOptions) {
    checkOptions("an answer", options);
    this.#engine.requireOpen();
    const { step, by, message = "" } = options;
    const answer = { decision, run, step, by, message };
    const { isApplied } = await answerWait(this.#journal, answer, this.#place);
    return isApplied ? "applied" : "kept";
  }

  async #requireWorkers(workflow: Workflow): Promise<void> {
    const { adapters, config } = this.#options.place;
    const named = (worker: string): WorkerAdapter => requireAdapter(worker, adapters);
    for (const [worker, asked] of workersOf(workflow))
      requireCapabilities(worker, named(worker).capabilities, asked);
    for (const { worker, model } of modelsOf(workflow)) await requireKnownCost(named(worker), model, config);
  }

  /** Of a run that no living process works on. */
  async #findFree(given: string) {
    this.#engine.requireOpen();
    const run = await findStored(this.#journal, given);
    requireFree(run);
    const { agentFiles, branch } = callerOf(run.stored);
    const { workflow } = await requireWorkflow(run.stored.created.file, agentFiles, this.#place);
    return { id: run.id, workflow, branch };
  }

  async #endAbandoned({ id, stored }: FoundRun, message: string): Promise<void> {
    const workflow = await sameWorkflow(stored, this.#place);
    const ports = await this.#engine.ports();
    if (workflow !== null) {
      const { branch } = callerOf(stored);
      await (await cancelRun({ ...ports, branch, id, workflow, message })).result();
      return;
    }
    const { scheduler } = ports;
    await endWithoutFile(id, message, {
      journal: this.#journal,
      store: this.#options.store,
      cancelJob: async (job, request) => (await scheduler.attach(job)).cancel(request),
    });
  }

  async #follow(
    id: string,
    { signal, onEvent }: FollowOptions,
    begin: (ports: RunOptions) => Promise<RunHandle>,
  ): Promise<WorkflowRunHandle> {
    const { log } = this.#options.place;
    const events = new EventQueue<WorkflowEvent>(waitingMax);
    const tell = (event: WorkflowEvent): void => {
      events.push(event, event.type !== "job_event");
      this.#options.onEvent?.(event);
      try {
        onEvent?.(event);
      } catch (error) {
        log.error({ error }, "onEvent of a workflow threw");
      }
    };
    const ports = await this.#engine.ports();
    const handle = await this.#engine.follow(id, () => begin({ ...ports, onEvent: tell }));
    const stopListening = onAbort(signal, () => handle.cancel({ reason: "the caller's signal was aborted" }));
    const over = (): void => {
      events.end();
      stopListening();
    };
    handle.result().then(over, over);
    return {
      id: handle.id,
      events: () => events,
      result: () => handle.result(),
      cancel: (reason = "cancelled by the caller") => {
        requireReason("cancel()", reason);
        handle.cancel({ reason });
      },
      interrupt: (reason = "interrupted by the caller") => {
        requireReason("interrupt()", reason);
        handle.interrupt({ reason });
      },
    };
  }
}

/** A program without types may pass the options of `job.cancel()`. */
function requireReason(call: string, reason: unknown): void {
  if (typeof reason === "string") return;
  throw new AgentCoreError("AC_OPTION_INVALID", `${call}: the reason must be a text, not ${typeof reason}`);
}

function infoOf(id: string, header: JournalHeader): WorkflowRunInfo {
  const { name, message = null, stepsEnded, steps, startedAt, endedAt = null } = header;
  return {
    id,
    name: typeof name === "string" ? name : "",
    state: runStateOf(header),
    message: typeof message === "string" ? message : null,
    stepsEnded: Number(stepsEnded ?? 0),
    steps: Number(steps ?? 0),
    startedAt: Number(startedAt ?? 0),
    endedAt: endedAt === null ? null : Number(endedAt),
  };
}
