/**
 * Drives one case of the matrix for one worker, through the real adapter and the real runner, and says what was seen:
 * the result, the events, the requests that reached the model server, and the processes counted from outside.
 * It judges nothing; `deviations.ts` compares what is returned here with the expectation.
 */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type {
  Permit,
  StopCause,
  WorkerEvent,
  WorkerResult,
  WorkerRunner,
  WorkerTask,
} from "@agentcore/contract";
import type { ModelServer, Run } from "@agentcore/model-server";
import type { StopPlan, WorkerCase } from "./cases.ts";
import { processesOf, sleepers, type SeenProcess } from "./process-scan.ts";
import type { WorkerSetup } from "./workers.ts";

/** What all cases share. */
export interface Rig {
  readonly server: ModelServer;
  /** Base URL on which connections are refused. */
  readonly refusingUrl: string;
  readonly folder: string;
}

export interface CaseRecord {
  readonly result: WorkerResult;
  readonly events: readonly WorkerEvent[];
  /** Requests to the model that the script answered, the title call not counted. */
  readonly requests: number;
  readonly seconds: number;
  /** From the stop to the result; undefined where the case stops nothing. */
  readonly stopToResultMs: number | undefined;
  /** Processes of the run seen when it was stopped, or when the model was asked for the last time. */
  readonly seenBefore: readonly SeenProcess[];
  /** Processes of the run seen after its result. */
  readonly seenAfter: readonly SeenProcess[];
  /** Text of each file at the top of the workspace. */
  readonly files: Readonly<Record<string, string>>;
  /** Tools that the worker's permissions refused, from the events. */
  readonly denied: readonly string[];
}

const run = promisify(execFile);
/** How long the driver waits for the moment at which it stops a run. */
const stopMomentMs = 90_000;

export async function driveCase(rig: Rig, worker: WorkerSetup, testCase: WorkerCase): Promise<CaseRecord> {
  const id = `case-${worker.name}-${testCase.name}-${process.pid}`.replaceAll(/[^a-z0-9]+/gi, "-");
  const folder = join(rig.folder, id);
  const workspace = join(folder, "workspace");
  await prepareWorkspace(workspace, testCase.workspace ?? {});
  const model = rig.server.run({ key: id, script: testCase.script(workspace), maxRequests: 60 });
  const runner = worker.createRunner({
    modelUrl: testCase.endpoint === "refusing" ? rig.refusingUrl : rig.server.url,
    key: id,
    stateFolder: join(folder, "state"),
  });
  const events: WorkerEvent[] = [];
  const stopping = new AbortController();
  const startedAt = performance.now();
  const started = start(runner, worker, { testCase, workspace, id, signal: stopping.signal, events });
  const ended = started.then((result) => ({ result, atMs: performance.now() }));
  const before = await momentBeforeEnd(testCase, { id, model, ended });
  let stoppedAt: number | undefined;
  if (testCase.stop !== undefined) {
    stoppedAt = performance.now();
    stopping.abort(stopCause(testCase.stop.kind));
  }
  const { result, atMs } = await ended;
  return {
    result,
    events,
    requests: model.requests.filter((request) => request.answeredBy !== "title").length,
    seconds: (atMs - startedAt) / 1000,
    stopToResultMs: stoppedAt === undefined ? undefined : atMs - stoppedAt,
    seenBefore: before,
    seenAfter: await processesOf(id),
    files: await readFiles(workspace),
    denied: events.filter((event) => event.type === "denied").map((event) => event.tool),
  };
}

async function readFiles(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile());
  const texts = entries.map(async ({ name }) => [name, await readFile(join(folder, name), "utf8")] as const);
  return Object.fromEntries(await Promise.all(texts));
}

async function prepareWorkspace(workspace: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(workspace, { recursive: true });
  await writeFile(join(workspace, "README.md"), "A scratch repository.\n");
  for (const [name, text] of Object.entries(files)) await writeFile(join(workspace, name), text);
  const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.invalid"];
  await run("git", ["init", "--quiet", "--initial-branch=main"], { cwd: workspace });
  await run("git", ["add", "--all"], { cwd: workspace });
  await run("git", [...identity, "commit", "--quiet", "--message=Start"], { cwd: workspace });
}

interface StartOptions {
  readonly testCase: WorkerCase;
  readonly workspace: string;
  readonly id: string;
  readonly signal: AbortSignal;
  readonly events: WorkerEvent[];
}

function start(runner: WorkerRunner, worker: WorkerSetup, options: StartOptions): Promise<WorkerResult> {
  const { testCase, workspace, id } = options;
  const task: WorkerTask = {
    worker: worker.adapter.name,
    workspace,
    instructions: "Write hello.txt, then run the command.",
    model: worker.model,
    capabilities: [...testCase.capabilities],
    // Inherited by every process of the run: one of the three ways in which they are counted from outside.
    env: { AGENTCORE_TEST_CASE: id },
  };
  const onEvent = (event: WorkerEvent): void => void options.events.push(event);
  return runner.start({
    adapter: worker.adapter,
    task,
    permit: permit(task, id, options.signal),
    settings: worker.settings,
    onEvent,
  }).result;
}

function permit(task: WorkerTask, id: string, signal: AbortSignal): Permit {
  const timeoutMs = 10 * 60_000;
  return {
    id: `permit-${id}`,
    jobId: `job-${id}`,
    attempt: 1,
    worker: task.worker,
    provider: null,
    workspace: task.workspace,
    issuedAt: Date.now(),
    deadline: Date.now() + timeoutMs,
    grants: {
      capabilities: task.capabilities,
      maxCostUsd: null,
      maxTokens: null,
      model: task.model ?? null,
      timeoutMs,
    },
    degraded: [],
    budgets: [],
    breakers: [],
    signal,
  };
}

interface Watched {
  readonly id: string;
  readonly model: Run;
  readonly ended: Promise<unknown>;
}

/** Waits for the moment at which the case looks at the run's processes, and says which were there. */
async function momentBeforeEnd(testCase: WorkerCase, watched: Watched): Promise<readonly SeenProcess[]> {
  if (testCase.stop !== undefined) return stopMoment(testCase.stop, watched);
  if (testCase.lookAtRequest === undefined) return [];
  await Promise.race([watched.model.asked(testCase.lookAtRequest), watched.ended]);
  return processesOf(watched.id);
}

async function stopMoment(plan: StopPlan, watched: Watched): Promise<readonly SeenProcess[]> {
  const giveUp = AbortSignal.timeout(stopMomentMs);
  let ended = false;
  const end = watched.ended.then(() => (ended = true));
  if (plan.when === "asked") {
    await Promise.race([
      watched.model.asked(plan.count),
      end,
      sleep(stopMomentMs, undefined, { ref: false }),
    ]);
    await Promise.race([sleep(plan.afterMs), end]);
    return processesOf(watched.id);
  }
  for (;;) {
    const seen = await processesOf(watched.id);
    if (sleepers(seen).length >= plan.count || ended || giveUp.aborted) return seen;
    await sleep(50);
  }
}

const stopCodes = {
  cancelled: "AC_CANCELLED",
  stalled: "AC_STALLED",
  deadline: "AC_TIMEOUT",
} as const;

function stopCause(kind: StopPlan["kind"]): StopCause {
  return { kind, code: stopCodes[kind], message: `the test ended the run as ${kind}`, evidence: {} };
}
