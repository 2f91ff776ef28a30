/**
 * For tests of programs that embed AgentCore: the same queue, limits, retries and workflows, with functions in place of the
 * workers and memory in place of the state directory. No process starts, and nothing is written but what workflows keep in
 * their workspace.
 */
import {
  adapterContractVersion,
  capabilities,
  errorText,
  AgentCoreError,
  isAgentCoreError,
  lazySchema,
  workerResultSchema,
  omitUndefined,
  silentLog,
  systemClock,
  systemIds,
  unknownUsage,
  type GitAnswer,
  type Outcome,
  type RunRequest,
  type StopCause,
  type WorkerAdapter,
  type WorkerEvent,
  type WorkerResult,
  type WorkerRunner,
  type WorkerTask,
} from "@agentcore/contract";
import { createMemoryLedger, createRuntime, endingOf, processOwner } from "@agentcore/core";
import { createMemoryJournal, createMemoryStore, createScheduler } from "@agentcore/scheduler";
import { checkedEvent, fieldProblems } from "@agentcore/worker-kit";
import { workflowConcurrencyKey } from "@agentcore/workflow";
import * as z from "zod";
import { hostname } from "node:os";
import type { AgentCore } from "../create-agent-core.ts";
import type { ConfigInput } from "../config/schema.ts";
import { checkConfig } from "./check-config.ts";
import { checkOptions } from "./check-options.ts";
import { prepareJob } from "./prepare-job.ts";
import { openWorkflows } from "./workflows.ts";

/** What a worker of a test gets. */
export interface TestRun {
  readonly task: WorkerTask;
  /** 1 for the first attempt of a job. */
  readonly attempt: number;
  /** Aborted when the run is cancelled, times out or reaches a ceiling. The run then ends, whatever the function does. */
  readonly signal: AbortSignal;
  /** Emits an event, as the reader of an adapter does. */
  readonly emit: (event: WorkerEvent) => void;
}

/** How a run of a test ends. Default: it succeeded, reported no cost, and changed nothing. */
export type TestEnd = Partial<
  Pick<
    WorkerResult,
    "outcome" | "errorClass" | "code" | "retryAfterMs" | "summary" | "usage" | "observations" | "session"
  >
> & {
  /** Reported by the worker. Default: unknown. */
  readonly costUsd?: number;
};

/**
 * A worker as a function. What it throws fails the attempt, with the error's message as the summary. A wrong event or end fails
 * it with `AC_ADAPTER_INVALID`.
 */
export type TestWorker = (run: TestRun) => TestEnd | void | Promise<TestEnd | void>;

export interface TestAgentCoreOptions {
  /** By name; there are no others. */
  readonly workers: Readonly<Record<string, TestWorker>>;
  /** The content of `agentcore.yaml` as an object, as for `createAgentCore`. */
  readonly config?: ConfigInput;
}

/**
 * An `AgentCore` in memory. `verify` scripts and declared outputs of tasks are ignored, and workflows find no git
 * repository. Rejects with `AC_OPTION_INVALID` and `AC_CONFIG_INVALID`.
 */
export async function createTestAgentCore(options: TestAgentCoreOptions): Promise<AgentCore> {
  checkOptions("createTestAgentCore()", options);
  const { workers, config: input = {} } = options;
  const config = checkConfig(input, {});
  const adapters = Object.keys(workers).map(testAdapter);
  const journal = createMemoryJournal();
  const store = createMemoryStore({ journal });
  const ledger = createMemoryLedger();
  const open = async (own: { readonly claims: "any" | "own"; readonly isWorkflows: boolean }) => {
    const runtime = createRuntime({
      config,
      adapters,
      ledger,
      runner: testRunner(workers),
      clock: systemClock,
      ids: systemIds,
    });
    const scheduler = await createScheduler({
      store,
      runtime,
      claims: own.claims,
      proveGone: () => Promise.resolve(true),
      policy: own.isWorkflows ? { concurrencyKey: workflowConcurrencyKey } : {},
    });
    return { runtime, scheduler };
  };
  const { runtime, scheduler } = await open({ claims: "any", isWorkflows: false });
  const workflows = openWorkflows({
    place: { adapters, config, env: {}, log: silentLog },
    journal,
    store,
    open: async () => {
      const steps = await open({ claims: "own", isWorkflows: true });
      const owner = { host: hostname(), ...processOwner() };
      return {
        ports: {
          scheduler: steps.scheduler,
          journal,
          owner,
          git: noRepository,
          log: silentLog,
          clock: systemClock,
          ids: systemIds,
        },
        close: async () => {
          await steps.scheduler.close();
          await steps.runtime.close();
        },
      };
    },
  });
  return {
    scheduler,
    runtime,
    workflows: workflows.api,
    submit: async (job) => scheduler.submit(await prepareJob(job, { adapters, config })),
    close: async (how = {}) => {
      checkOptions("close()", how);
      await Promise.all([workflows.close(), scheduler.close(how)]);
      await runtime.close();
    },
  };
}

const noRepository = (): Promise<GitAnswer> =>
  Promise.resolve({ exitCode: 128, stdout: "", stderr: "fatal: not a git repository" });

/** Has every capability, calls no provider, and is never asked for a plan. */
function testAdapter(name: string): WorkerAdapter {
  const unused = (): never => {
    throw new TypeError("a worker of a test has no program");
  };
  return {
    contractVersion: adapterContractVersion,
    name,
    title: name,
    provider: null,
    reportsCost: true,
    capabilities,
    program: { command: name, versionArgs: [], install: "", credentialEnv: [], loginPaths: [] },
    plan: unused,
    createReader: unused,
  };
}

function testRunner(workers: TestAgentCoreOptions["workers"]): WorkerRunner {
  return {
    containmentLevel: "sealed",
    start(request) {
      request.onStarted?.({
        marker: request.permit.id,
        implementation: "test",
        hostPid: process.pid,
        hostPidStartTicks: null,
        pidNamespace: null,
        cgroupPath: null,
        bootId: null,
      });
      return { result: perform(request, workers[request.adapter.name]) };
    },
  };
}

async function perform(request: RunRequest, worker: TestWorker | undefined): Promise<WorkerResult> {
  const { task, permit, onEvent: emit } = request;
  const startedAt = systemClock.now();
  const stopped = new Promise<StopCause>((resolve) => {
    permit.signal.onChange(({ reason }) => resolve(reason));
  });
  const run: TestRun = {
    task,
    attempt: permit.attempt,
    signal: permit.signal.abortSignal,
    emit: (event) => emit(checkedEvent(event)),
  };
  const end = await Promise.race([stopped.then(stoppedEnd), ended(run, worker)]);
  const { costUsd = null, ...facts } = end;
  return {
    outcome: "succeeded",
    errorClass: null,
    code: null,
    retryAfterMs: null,
    summary: "done",
    artifacts: [],
    observations: { commands: [], filesChanged: [] },
    usage: unknownUsage,
    session: null,
    exitCode: 0,
    containment: null,
    ...omitUndefined(facts),
    costUsd,
    costBasis: costUsd === null ? "none" : "reported",
    startedAt,
    durationMs: Math.max(0, systemClock.now() - startedAt),
  };
}

function stoppedEnd(cause: StopCause): TestEnd {
  return { ...endingOf(cause), code: cause.code, summary: cause.message };
}

const endSchema = lazySchema(() => {
  const { outcome, errorClass, code, retryAfterMs, summary, usage, observations, session, costUsd } =
    workerResultSchema.unwrap().shape;
  const shape = { outcome, errorClass, code, retryAfterMs, summary, usage, observations, session };
  return z.strictObject({ ...shape, costUsd: costUsd.unwrap() }).partial();
});

function checkedEnd(end: TestEnd): TestEnd {
  const { error } = endSchema.safeParse(end);
  if (error === undefined) return end;
  const problems = fieldProblems(error.issues, end);
  throw new AgentCoreError(
    "AC_ADAPTER_INVALID",
    `what the worker of the test returned is no end of a run: ${problems.join("; ")}`,
  );
}

async function ended(run: TestRun, worker: TestWorker | undefined): Promise<TestEnd> {
  try {
    const end = checkedEnd((await worker?.(run)) ?? {});
    const isFailure = end.outcome !== undefined && end.outcome !== ("succeeded" satisfies Outcome);
    return isFailure ? { errorClass: "task_failed", code: "AC_WORKER_EXIT", ...end } : end;
  } catch (error) {
    if (isAgentCoreError(error)) {
      const { code, message: summary } = error;
      return { outcome: "failed", errorClass: "worker_protocol", code, summary };
    }
    return {
      outcome: "failed",
      errorClass: "task_failed",
      code: "AC_WORKER_EXIT",
      summary: errorText(error),
    };
  }
}
