/**
 * How a script of a task is run: by bash, or sh, which reads it from a file that only we can write. A script given as an
 * argument could begin with `-` and be taken for options, could not be longer than 128 KiB, and could be read by every user of
 * the machine. The scripts beside the worker have a HOME and a TMPDIR in which the worker never was.
 */
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { workerEnvironment } from "../environment.ts";
import { findProgram } from "../program/find-program.ts";
import { dropDirectory } from "./attempt-directory.ts";
import type { ContainedStep } from "../program/contained-step.ts";
import type { Run } from "./prepare.ts";

/**
 * A shell that waits for a program acts on TERM when that has ended, and dies of it then, as it would have at once: TERM goes to
 * the program too, and what it does in its grace is not cut short by the end of the shell.
 */
const runScript = (read: string): string =>
  `trap 'trap - TERM; kill -TERM "$$"' TERM; _script=${read}; shift; eval " $_script"`;

export interface ScriptCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly termTo: "group";
}

/**
 * Runs the script in a file, as `bash -e -c SCRIPT` would, or `sh` where there is no bash. What is appended to the arguments
 * are the script's own. `shell`: this one instead. Without `--norc`, bash reads its start-up files where stdin is a socket, as
 * it is under Node: it takes that for a remote login.
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

/** What the scripts beside the worker have in common. */
type ScriptStep = Pick<
  ContainedStep,
  "command" | "args" | "cwd" | "env" | "label" | "visible" | "termTo" | "limits" | "runLimits"
>;

/**
 * Calls `use` with a step that runs the script in the workspace, with the worker's environment but for its credentials and its
 * HOME. Rejects as `use` does, and where the script's directory cannot be made.
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
