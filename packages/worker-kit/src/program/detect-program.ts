/**
 * Checks a worker's program for `doctor` and before a run: does it exist, is it new enough, and does it have a credential.
 * A sufficient version is cached for later processes, so that each installed program is asked once. A result that would
 * refuse a run is never cached.
 */
import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { AgentCoreError, type WorkerAdapter } from "@agentcore/contract";
import { programEnvironment } from "../environment.ts";
import type { ProgramOptions } from "./contained-program.ts";
import { findProgram } from "./find-program.ts";
import { knownVersion, programKey, rememberVersion } from "./known-versions.ts";
import { SharedQuestions } from "./shared-question.ts";
import { compareVersions, readVersion, type VersionAnswer } from "./version.ts";

/** The source of the worker's credential. */
export type CredentialStatus =
  | { readonly kind: "not-needed" }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "login"; readonly path: string }
  /** Neither a variable nor a login file exists. The worker may still have a login that we do not know. */
  | { readonly kind: "none" };

export type ProgramStatus =
  /** `version` null: the program did not report it, or was not asked because there is no lowest version. */
  | { readonly kind: "found"; readonly path: string; readonly version: string | null }
  | { readonly kind: "missing"; readonly message: string }
  | { readonly kind: "too-old"; readonly path: string; readonly version: string; readonly message: string }
  /** The program exists but does not report a valid version, so nothing is known about it. */
  | { readonly kind: "unusable"; readonly path: string; readonly message: string }
  /** The program exists but did not reply in time: nothing is known about it, and it may reply later. */
  | { readonly kind: "unanswered"; readonly path: string; readonly message: string };

export interface DetectOptions {
  /** The caller's environment: PATH, HOME and credentials are looked up in it. */
  readonly hostEnv: Readonly<Record<string, string | undefined>>;
  /** Options to run a program contained. */
  readonly parts: ProgramOptions;
  /** Directory for cached versions, created if missing. Default: no cache. */
  readonly versionsDir?: string | undefined;
  /** Ends the program at once; the call then rejects with `AC_CANCELLED`. */
  readonly signal?: AbortSignal | undefined;
  /** The program of the configuration: an absolute path, or another name that is looked up on PATH. */
  readonly path?: string;
  /** Run the program even if there is no lowest version or its version is known, as `doctor` does. Default false. */
  readonly alwaysAskVersion?: boolean;
}

export async function detectProgram(adapter: WorkerAdapter, options: DetectOptions): Promise<ProgramStatus> {
  const { program } = adapter;
  const found = findWorker(adapter, options);
  if (found.kind === "missing") return found;
  const { path } = found;
  if (program.minVersion === undefined && options.alwaysAskVersion !== true) {
    return { kind: "found", path, version: null };
  }
  const answer = await versionOf(path, adapter, options);
  if (answer.kind === "unanswered") {
    const message = `${adapter.title}: ${path} ${program.versionArgs.join(" ")} did not answer: ${answer.reason}; the machine may be too busy`;
    return { kind: "unanswered", path, message };
  }
  if (answer.kind === "unreadable") {
    const message = `${adapter.title}: ${path} ${program.versionArgs.join(" ")} failed: ${answer.reason}; reinstall it with: ${program.install}`;
    return { kind: "unusable", path, message };
  }
  if (program.minVersion !== undefined && compareVersions(answer.version, program.minVersion) < 0) {
    const message = `${adapter.title} ${answer.version} is older than ${program.minVersion}; update it with: ${program.install}`;
    return { kind: "too-old", path, version: answer.version, message };
  }
  return { kind: "found", path, version: answer.version };
}

type Place = Pick<DetectOptions, "hostEnv" | "path">;

/** Whether the program exists, without running it. */
function findWorker(
  { program, title }: WorkerAdapter,
  options: Place,
): { readonly kind: "there"; readonly path: string } | Extract<ProgramStatus, { kind: "missing" }> {
  const path = findProgram(options.path ?? program.command, options.hostEnv["PATH"]);
  if (path !== null) return { kind: "there", path };
  const where = options.path === undefined ? `${program.command} is not on PATH` : wrongPath(options.path);
  return { kind: "missing", message: `${title}: ${where}; install it with: ${program.install}` };
}

/** Checks before a job is made. Throws `AC_WORKER_MISSING`; does not run the program. */
export function requireInstalled(adapter: WorkerAdapter, options: Place): void {
  const found = findWorker(adapter, options);
  if (found.kind === "there") return;
  throw new AgentCoreError("AC_WORKER_MISSING", found.message, { evidence: { worker: adapter.name } });
}

function wrongPath(path: string): string {
  if (path.includes("/") && !isAbsolute(path))
    return `the path of its program must be absolute, and is ${path}`;
  return `${path} is no program`;
}

/**
 * Returns the path of a usable program. Throws `AC_WORKER_MISSING` or `AC_WORKER_TOO_OLD` with the install line, and
 * `AC_WORKER_SPAWN`, which may be retried, if the program did not reply.
 */
export async function requireProgram(adapter: WorkerAdapter, options: DetectOptions): Promise<string> {
  const status = await detectProgram(adapter, options);
  if (status.kind === "found") return status.path;
  throw new AgentCoreError(refusals[status.kind], status.message, { evidence: { worker: adapter.name } });
}

const refusals = {
  missing: "AC_WORKER_MISSING",
  unusable: "AC_WORKER_MISSING",
  "too-old": "AC_WORKER_TOO_OLD",
  unanswered: "AC_WORKER_SPAWN",
} as const;

/** Checks only variables and files; only the provider knows whether the credential is accepted. */
export function credentialStatus(
  adapter: WorkerAdapter,
  hostEnv: Readonly<Record<string, string | undefined>>,
): CredentialStatus {
  const { credentialEnv, loginPaths } = adapter.program;
  if (credentialEnv.length === 0 && loginPaths.length === 0) return { kind: "not-needed" };
  const variable = credentialEnv.find((name) => (hostEnv[name] ?? "") !== "");
  if (variable !== undefined) return { kind: "environment", variable };
  const home = hostEnv["HOME"] ?? "";
  const path =
    home === "" ? undefined : loginPaths.map((part) => join(home, part)).find((file) => existsSync(file));
  return path === undefined ? { kind: "none" } : { kind: "login", path };
}

const questions = new SharedQuestions<VersionAnswer>();

async function versionOf(
  path: string,
  adapter: WorkerAdapter,
  { hostEnv, parts, versionsDir, signal, alwaysAskVersion }: DetectOptions,
): Promise<VersionAnswer> {
  const { versionArgs, minVersion } = adapter.program;
  const key = programKey(path, versionArgs);
  if (key === null) return { kind: "unanswered", reason: "it went away" };
  if (versionsDir !== undefined && alwaysAskVersion !== true) {
    const version = await knownVersion(versionsDir, key);
    // The program behind a launcher may have been replaced, so only its own reply can refuse a run.
    if (version !== null && (minVersion === undefined || compareVersions(version, minVersion) >= 0))
      return { kind: "version", version };
  }
  const answer = await questions.ask(key, signal, (givenUp) =>
    readVersion(parts, path, versionArgs, programEnvironment(hostEnv), { signal: givenUp }),
  );
  if (answer.kind === "version" && versionsDir !== undefined)
    await rememberVersion(versionsDir, key, answer.version, parts.ids);
  return answer;
}
