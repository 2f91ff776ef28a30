/** Starts one attempt of a worker as the runtime would: a workspace under git, a permit, a task, the real runner. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Containment } from "@agentcore/containment";
import type {
  CancelSignal,
  Capability,
  Permit,
  StopCause,
  WorkerEvent,
  WorkerResult,
  WorkerTask,
} from "@agentcore/contract";
import type { ModelServer } from "@agentcore/model-server";
import type { TaskSettings } from "./cases.ts";
import type { InstallationPaths } from "./installation.ts";
import type { StartSlots } from "./start-slots.ts";
import { createRunner, type WorkerSetup } from "./workers.ts";

/** What all cases share. */
export interface Rig {
  readonly server: ModelServer;
  /** Base URL on which connections are refused. */
  readonly refusingUrl: string;
  readonly folder: string;
  readonly containment: Containment;
  readonly programs: InstallationPaths["programs"];
  readonly starts: StartSlots;
}

/** One case's own place: its id is in every path of it, in its model key, and in its processes' environment. */
export interface CasePlace {
  readonly id: string;
  readonly workspace: string;
  readonly attemptsDir: string;
  readonly userHome: string;
}

const run = promisify(execFile);

export async function prepareCase(
  rig: Pick<Rig, "folder">,
  name: string,
  files: Readonly<Record<string, string>> = {},
): Promise<CasePlace> {
  const id = `case-${name}-${process.pid}`.replaceAll(/[^a-z0-9]+/gi, "-");
  const folder = join(rig.folder, id);
  const workspace = join(folder, "workspace");
  await mkdir(workspace, { recursive: true });
  await writeFile(join(workspace, "README.md"), "A scratch repository.\n");
  for (const [file, text] of Object.entries(files)) await writeFile(join(workspace, file), text);
  const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.invalid"];
  await run("git", ["init", "--quiet", "--initial-branch=main"], { cwd: workspace });
  await run("git", ["add", "--all"], { cwd: workspace });
  await run("git", [...identity, "commit", "--quiet", "--message=Start"], { cwd: workspace });
  const userHome = join(folder, "user");
  await mkdir(userHome);
  return { id, workspace, attemptsDir: join(folder, "attempts"), userHome };
}

export interface StartOptions {
  readonly capabilities: readonly Capability[];
  readonly task?: TaskSettings;
  readonly modelUrl: string;
  readonly attempt?: number;
  readonly session?: string;
  readonly signal: CancelSignal<StopCause>;
  readonly onEvent: (event: WorkerEvent) => void;
}

export function startRun(
  rig: Rig,
  worker: WorkerSetup,
  place: CasePlace,
  options: StartOptions,
): Promise<WorkerResult> {
  const { containment, programs } = rig;
  const { attemptsDir, userHome } = place;
  const runner = createRunner(worker, { containment, attemptsDir, userHome, key: place.id });
  const task: WorkerTask = {
    worker: worker.adapter.name,
    workspace: place.workspace,
    instructions: "Write hello.txt, then run the command.",
    model: worker.model,
    capabilities: [...options.capabilities],
    // Inherited by every process of the run: one of the three ways in which they are counted from outside.
    env: { WORKER_TEST_CASE: place.id },
    ...options.task,
    session: options.session,
  };
  return runner.start({
    adapter: worker.adapter,
    task,
    permit: permit(task, place.id, options),
    settings: { ...worker.settings(options.modelUrl), program: programs[worker.cli] },
    onEvent: options.onEvent,
  }).result;
}

function permit(task: WorkerTask, id: string, options: StartOptions): Permit {
  const attempt = options.attempt ?? 1;
  const timeoutMs = 10 * 60_000;
  return {
    id: `permit-${id}-${attempt}`,
    jobId: `job-${id}`,
    attempt,
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
    signal: options.signal,
  };
}
