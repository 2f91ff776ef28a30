/**
 * Runs a script of a task with bash, or sh, which reads it from a file that only this user can write. As an argument, a
 * script could start with `-` and be read as options, could not be longer than 128 KiB, and would be visible to every user
 * of the machine. Scripts beside the worker get a HOME and a TMPDIR that the worker never used.
 */
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { workerEnvironment } from "../environment.ts";
import { findProgram } from "../program/find-program.ts";
import { dropDirectory } from "./attempt-directory.ts";
import type { ContainedStep } from "../program/contained-step.ts";
import type { Run } from "./prepare.ts";

/**
 * A shell that waits for a program handles TERM only after the program has exited, and then dies of it. So TERM also goes
 * to the program, and the end of the shell does not cut its grace period short.
 */
const runScript = (read: string): string =>
  `trap 'trap - TERM; kill -TERM "$$"' TERM; _script=${read}; shift; eval " $_script"`;

export interface ScriptCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly termTo: "group";
}

/**
 * Runs the script in a file like `bash -e -c SCRIPT`, or with `sh` if there is no bash, or with `shell`. Further arguments
 * are the script's own. Without `--norc`, bash reads its start-up files if stdin is a socket, as it is under Node, because
 * it assumes a remote login.
 */
export function scriptCommand(
  scriptFile: string,
  pathVariable: string | undefined,
  shell?: string,
): ScriptCommand {
  const bash = shell === undefined ? findProgram("bash", pathVariable) : null;
  const how =
    bash === null ? ["-e", "-c", runScript('$(cat "$1")')] : ["--norc", "-e", "-c", runScript('$(<"$1")')];
  return { command: bash ?? shell ?? "/bin/sh", args: [...how, "script", scriptFile], termTo: "group" };
}

/** Options shared by the scripts beside the worker. */
type ScriptStep = Pick<
  ContainedStep,
  "command" | "args" | "cwd" | "env" | "label" | "visible" | "termTo" | "limits" | "runLimits"
>;

/**
 * Calls `use` with a step that runs the script in the workspace, with the worker's environment except credentials and HOME.
 * Rejects as `use` does, and if the script's directory cannot be made.
 */
export async function withScriptStep<T extends { readonly survivors: number }>(
  run: Run,
  script: string,
  use: (step: ScriptStep) => Promise<T>,
): Promise<T> {
  const { attempt, parts, request } = run;
  const directory = await mkdtemp(join(attempt.path, "script-"));
  const scriptFile = join(directory, "script");
  const own = ["home", "tmp"].map((name) => join(directory, name));
  for (const path of own) await mkdir(path, { mode: 0o700 });
  await writeFile(scriptFile, script, { mode: 0o600 });
  const env = workerEnvironment({ ...run.scriptEnvironment, attemptDir: directory });
  const done = await use({
    ...scriptCommand(scriptFile, env["PATH"]),
    cwd: request.task.workspace,
    env,
    label: run.label,
    visible: [directory],
    limits: parts.limits,
    runLimits: parts.runLimits,
  });
  if (done.survivors === 0) await dropDirectory(directory);
  return done;
}
