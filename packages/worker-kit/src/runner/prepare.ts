/**
 * The first stage of a run: gathers everything that is fixed before a process starts into one immutable value for the later
 * stages. Throws an `AgentCoreError` if the run cannot start.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";
import { AgentCoreError, type Masker, type RunRequest, type WorkerPlan } from "@agentcore/contract";
import { requireCapabilities } from "../capabilities.ts";
import { workerEnvironment, type WorkerEnvironmentRequest } from "../environment.ts";
import { requireSecrets, secretsMasker } from "../secrets.ts";
import { requireProgram } from "../program/detect-program.ts";
import {
  createAttemptDirectory,
  homeOfSession,
  removeAttemptDirectory,
  type AttemptDirectory,
} from "./attempt-directory.ts";
import { markHeld } from "./held-mark.ts";
import { absentFrom } from "./left-directories.ts";
import { requirePrice } from "../prices.ts";
import type { RunnerOptions } from "../runner-options.ts";
import { plannedBy } from "./planned-by.ts";
import { isKeyWithheld, openSpendGate, requireNoCredential, withoutCredentials } from "./spend-gate.ts";
import { readWorkerSettings, type WorkerSettings } from "./worker-settings.ts";

/** The data of one attempt that is fixed before its process starts. */
export interface Run {
  readonly parts: RunnerOptions;
  readonly request: RunRequest;
  readonly marker: string;
  /** See {@link runLabel}. */
  readonly label: string;
  readonly attempt: AttemptDirectory;
  readonly plan: WorkerPlan;
  readonly home: "own" | "user";
  /** Of the worker. */
  readonly env: Readonly<Record<string, string>>;
  /** Environment of the scripts beside the worker: without the adapter's variables (credentials), with their own HOME. */
  readonly scriptEnvironment: Omit<WorkerEnvironmentRequest, "attemptDir">;
  /** Masks the task's secrets, and the key of the spend gate. */
  readonly masker: Masker;
  /** Whether the worker gets the spend gate. Its own reports count only if it goes around the gate, which the core decides. */
  readonly isMetered: boolean;
  /** See `RunIdentity`. */
  readonly spendsOnlyByGate: boolean;
  /** Given as warnings when the run starts. */
  readonly notices: readonly string[];
  /** The directories of `WorkerPlan.leavesEmpty` that are removed after the run if they are empty. */
  readonly leavesEmpty: readonly string[];
  /** The model that the worker is asked to use, if any. */
  readonly model: string | null;
}

export async function prepareRun(parts: RunnerOptions, request: RunRequest): Promise<Run> {
  const { adapter, permit, task } = request;
  await requireWorkspace(task.workspace);
  requireSecrets(task, parts.hostEnv);
  requireCapabilities(adapter.name, adapter.capabilities, permit.grants.capabilities);
  const settings = readWorkerSettings(adapter.name, request.settings);
  const program = await requireProgram(adapter, {
    hostEnv: parts.hostEnv,
    parts,
    versionsDir: parts.versionsDir,
    signal: permit.signal.abortSignal,
    path: settings.program,
  });
  const resumed =
    task.session === undefined ? null : await homeOfSession(parts.attemptsDir, adapter.name, task.session);
  const name = { jobId: permit.jobId, attempt: permit.attempt, permitId: permit.id };
  const attempt = createAttemptDirectory(parts.attemptsDir, name, resumed);
  try {
    markHeld(attempt.path);
    return await planRun(parts, request, { settings, program, attempt });
  } catch (error) {
    await removeAttemptDirectory(attempt);
    throw error;
  }
}

/** The data of a run before it has a plan. */
interface Found {
  readonly settings: WorkerSettings;
  readonly program: string;
  readonly attempt: AttemptDirectory;
}

async function planRun(parts: RunnerOptions, request: RunRequest, found: Found): Promise<Run> {
  const { adapter, permit, task } = request;
  const { settings, program, attempt } = found;
  const { hostEnv } = parts;
  const gate = await openSpendGate(request, parts);
  const plan = plannedBy(adapter, task, {
    grants: permit.grants,
    program,
    hostEnv,
    attemptDir: attempt.path,
    settings: request.settings,
    ...(gate === null
      ? {}
      : { spendGate: gate.access, providersWithCredential: parts.providersWithCredential }),
  });
  if (gate !== null) requireNoCredential(adapter.name, plan, gate);
  writePlannedFiles(adapter.name, plan.files ?? {});
  const model = plan.model ?? permit.grants.model ?? task.model ?? null;
  await requirePrice(adapter, model, parts, permit.provider);
  const marker = parts.ids.next();
  const home = settings.home ?? plan.home;
  const given = { passedNames: [...settings.envPass, ...(task.secrets ?? [])], taskEnv: task.env ?? {} };
  const { credentialEnv } = adapter.program;
  const allowed = gate === null ? given : withoutCredentials(given, hostEnv, { plan, credentialEnv, gate });
  const environment = {
    hostEnv,
    marks: {
      AGENTCORE_RUN_ID: marker,
      AGENTCORE_JOB_ID: permit.jobId,
      AGENTCORE_ATTEMPT: String(permit.attempt),
    },
  };
  return {
    parts,
    request,
    marker,
    label: runLabel(permit.jobId, permit.attempt),
    attempt,
    plan,
    home,
    env: workerEnvironment({
      ...environment,
      ...allowed,
      home,
      attemptDir: attempt.path,
      planEnv: plan.env,
    }),
    scriptEnvironment: { ...environment, ...given, home: "own", planEnv: {} },
    masker: secretsMasker(task, hostEnv, gate === null ? [] : [gate.access.key]),
    isMetered: gate !== null,
    spendsOnlyByGate: gate !== null && home === "own" && isKeyWithheld(gate, parts),
    notices: given.passedNames
      .filter((name) => !allowed.passedNames.includes(name))
      .map((name) => `the worker does not get ${name}: it reaches its provider through the spend gate`),
    leavesEmpty: await absentFrom(task.workspace, plan.leavesEmpty ?? []),
    model,
  };
}

/** The label of an attempt's processes in the containment's records. */
export function runLabel(jobId: string, attempt: number): string {
  return `${jobId}#${attempt}`;
}

async function requireWorkspace(workspace: string): Promise<void> {
  const found = isAbsolute(workspace) ? await stat(workspace).catch(() => null) : null;
  if (found?.isDirectory() === true) return;
  throw new AgentCoreError("AC_WORKSPACE_MISSING", `the workspace is not a directory: ${workspace}`, {
    evidence: { workspace },
  });
}

function writePlannedFiles(worker: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    if (!isAbsolute(path)) {
      throw new AgentCoreError("AC_ADAPTER_INVALID", `${worker} plans a file with a relative path: ${path}`);
    }
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, content, { mode: 0o600 });
  }
}
