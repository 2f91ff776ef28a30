/**
 * Runs workflows on a real scheduler with a memory store and journal. Its runtime runs each job's instructions with bash in
 * the workspace, without the gate and the containment of the real one; the command line's tests have those. A script tells
 * what it cost by a last line `cost=0.25`, that it was lost by `lost`, and while it runs what it has spent so far by lines
 * `spent=0.1` (dollars) and `used=100` (tokens): it is stopped by the first that reaches its ceiling.
 */
import {
  silentLog,
  systemClock,
  systemIds,
  type Git,
  type Grants,
  type WorkerResult,
} from "@agentcore/contract";
import {
  createMemoryJournal,
  createMemoryStore,
  createScheduler,
  type Journal,
  type JobStore,
  type Scheduler,
} from "@agentcore/scheduler";
import {
  createFakeRuntime,
  testResult,
  type FakeExecution,
  type FakeRuntime,
} from "@agentcore/scheduler/testing";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Workflow } from "../definition.ts";
import type { RetryChoice } from "../run/retry-run.ts";
import type { RunResult, WorkflowEvent } from "../run-ports.ts";
import {
  resumeRun,
  retryRun,
  runWorkflow,
  workflowConcurrencyKey,
  type ResumeOptions,
  type RunHandle,
  type StartOptions,
} from "../run/run-workflow.ts";

export interface RunRig {
  readonly workspace: string;
  readonly store: JobStore;
  readonly journal: Journal;
  readonly runtime: FakeRuntime;
  readonly events: readonly WorkflowEvent[];
  /** The scheduler that runs jobs now. */
  readonly scheduler: Scheduler;
  start(workflow: Workflow, options?: Partial<StartOptions>): Promise<RunHandle>;
  run(workflow: Workflow, options?: Partial<StartOptions>): Promise<RunResult>;
  /** Ends the scheduler, and continues the run on a new one, as another process would. */
  restart(): Promise<void>;
  resume(id: string, workflow: Workflow, options?: Partial<ResumeOptions>): Promise<RunHandle>;
  retry(id: string, workflow: Workflow, choice?: RetryChoice): Promise<RunHandle>;
  close(): Promise<void>;
}

export async function createRunRig(): Promise<RunRig> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-workflow-")));
  const journal = createMemoryJournal();
  const store = createMemoryStore({ journal });
  const runtime = createFakeRuntime({ clock: systemClock, execute: runScript });
  const events: WorkflowEvent[] = [];
  let scheduler = await openScheduler(store, runtime);
  const common = () => ({
    scheduler,
    journal,
    clock: systemClock,
    ids: systemIds,
    log: silentLog,
    git,
    retryDelayMs: () => 1,
    onEvent: (event: WorkflowEvent) => void events.push(event),
  });
  const start = (workflow: Workflow, options: Partial<StartOptions> = {}): Promise<RunHandle> =>
    runWorkflow({ ...common(), workflow, workspace: root, ...options });
  return {
    workspace: root,
    store,
    journal,
    runtime,
    events,
    get scheduler() {
      return scheduler;
    },
    start,
    run: async (workflow, options) => (await start(workflow, options)).result(),
    async restart() {
      await scheduler.close();
      scheduler = await openScheduler(store, runtime);
    },
    resume: (id, workflow, options = {}) => resumeRun({ ...common(), id, workflow, ...options }),
    retry: (id, workflow, choice) => retryRun({ ...common(), id, workflow, choice }),
    async close() {
      await scheduler.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function openScheduler(store: JobStore, runtime: FakeRuntime): Promise<Scheduler> {
  return createScheduler({
    store,
    runtime,
    proveGone: async () => true,
    policy: { concurrencyKey: workflowConcurrencyKey },
  });
}

function runScript({ task, signal, permit }: FakeExecution): Promise<WorkerResult> {
  const script = task.verify === undefined ? task.instructions : `${task.instructions}\n${task.verify}`;
  return new Promise((resolve, reject) => {
    const child = spawn("bash", ["-e", "-c", script], {
      cwd: task.workspace,
      env: { PATH: process.env["PATH"], ...task.env },
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    let stdout = "";
    const kill = (signal: NodeJS.Signals): void => {
      if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), signal);
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (spendingOf(stdout, permit.grants).over !== null) kill("SIGKILL");
    });
    signal.onChange(({ force }) => kill(force ? "SIGKILL" : "SIGTERM"));
    child.on("error", reject);
    child.on("close", (exitCode) => {
      const spent = spendingOf(stdout, permit.grants);
      resolve(testResult({ ...resultOf(stdout, exitCode, signal.reason !== null), ...reported(spent) }));
    });
  });
}

interface Spending {
  readonly costUsd: number | null;
  readonly tokens: number | null;
  readonly over: "AC_COST_CEILING" | "AC_TOKEN_CEILING" | null;
}

/** The spending that a script reported, up to the first report that reached a ceiling. */
function spendingOf(stdout: string, { maxCostUsd, maxTokens }: Grants): Spending {
  let spending: Spending = { costUsd: null, tokens: null, over: null };
  for (const [, kind, amount] of stdout.matchAll(/^(spent|used)=([\d.]+)$/gm)) {
    const value = Number(amount);
    spending =
      kind === "spent"
        ? { ...spending, costUsd: value, over: value >= (maxCostUsd ?? Infinity) ? "AC_COST_CEILING" : null }
        : { ...spending, tokens: value, over: value >= (maxTokens ?? Infinity) ? "AC_TOKEN_CEILING" : null };
    if (spending.over !== null) break;
  }
  return spending;
}

function reported({ costUsd, tokens, over }: Spending): Partial<WorkerResult> {
  return {
    ...(costUsd === null ? {} : { costUsd }),
    ...(tokens === null ? {} : { usage: { inputTokens: tokens, cachedInputTokens: 0, outputTokens: 0 } }),
    ...(over === null
      ? {}
      : {
          outcome: "budget_exhausted",
          errorClass: "budget_exhausted",
          code: over,
          summary: "at its ceiling",
        }),
  };
}

function resultOf(stdout: string, exitCode: number | null, stopped: boolean): WorkerResult {
  const summary = stdout.trim().split("\n").at(-1) ?? "";
  const cost = /cost=([\d.]+)$/.exec(stdout.trim())?.[1];
  const common = { summary, exitCode, costUsd: cost === undefined ? null : Number(cost) };
  if (stopped)
    return testResult({ ...common, outcome: "cancelled", errorClass: "cancelled", code: "AC_CANCELLED" });
  if (summary === "lost")
    return testResult({ ...common, outcome: "lost", errorClass: "lost", code: "AC_RUNTIME_LOST" });
  return exitCode === 0
    ? testResult(common)
    : testResult({ ...common, outcome: "failed", errorClass: "task_failed", code: "AC_WORKER_EXIT" });
}

export const git: Git = async (cwd, args, { env, input } = {}) => {
  const options = { cwd, encoding: "utf8", input, env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync("git", [...args], options);
  return { exitCode: status ?? 1, stdout, stderr };
};
