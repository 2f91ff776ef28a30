/**
 * Runs workflows on a real scheduler with a memory store and journal. Its runtime runs each job's instructions with bash in
 * the workspace, without the gate and the containment of the real one; the command line's tests have those. A script tells
 * what it cost by a last line `cost=0.25`, and that it was lost by `lost`.
 */
import { silentLog, systemClock, systemIds, type WorkerResult } from "@agentcore/contract";
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
import type { Git } from "../run/git.ts";
import type { RunResult, WorkflowEvent } from "../run/run-ports.ts";
import {
  resumeRun,
  runWorkflow,
  workflowConcurrencyKey,
  type RunHandle,
  type StartOptions,
} from "../run/run-workflow.ts";

export interface RunRig {
  readonly workspace: string;
  readonly store: JobStore;
  readonly journal: Journal;
  readonly runtime: FakeRuntime;
  readonly events: readonly WorkflowEvent[];
  /** The one that runs jobs now. */
  readonly scheduler: Scheduler;
  start(workflow: Workflow, options?: Partial<StartOptions>): Promise<RunHandle>;
  run(workflow: Workflow, options?: Partial<StartOptions>): Promise<RunResult>;
  /** Ends the scheduler, and goes on with the run on a new one, as another process would. */
  restart(): Promise<void>;
  resume(id: string, workflow: Workflow): Promise<RunHandle>;
  close(): Promise<void>;
}

export async function createRunRig(): Promise<RunRig> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-workflow-")));
  const store = createMemoryStore();
  const journal = createMemoryJournal();
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
    resume: (id, workflow) => resumeRun({ ...common(), id, workflow }),
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

function runScript({ task, signal }: FakeExecution): Promise<WorkerResult> {
  const script = task.verify === undefined ? task.instructions : `${task.instructions}\n${task.verify}`;
  return new Promise((resolve, reject) => {
    const child = spawn("bash", ["-e", "-c", script], {
      cwd: task.workspace,
      env: { PATH: process.env["PATH"], ...task.env },
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    signal.addEventListener("abort", () => process.kill(-(child.pid ?? 0), "SIGKILL"));
    child.on("error", reject);
    child.on("close", (exitCode) => resolve(resultOf(stdout, exitCode, signal.aborted)));
  });
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

export const git: Git = async (cwd, args, env) => {
  const options = { cwd, encoding: "utf8", env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync("git", [...args], options);
  return { exitCode: status ?? 1, stdout, stderr };
};
