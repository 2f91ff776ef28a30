/** Finds programs, and checks a command before anything is started for it. */
import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";
import { AgentCoreError, ignore } from "@agentcore/contract";
import type { ContainedCommand } from "./port.ts";

/** Directories that are searched for containment's own programs, regardless of the caller's PATH. */
const systemPath = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch (error) {
    ignore(error, "not there, or not ours to run");
    return false;
  }
}

/** First program of that name on a PATH; null if there is none. A name with a slash stands for itself. */
function findProgram(name: string, searchPath: string): string | null {
  if (name.includes("/")) return isProgram(name) ? name : null;
  for (const directory of searchPath.split(":")) {
    const candidate = path.join(directory === "" ? "." : directory, name);
    if (isProgram(candidate)) return candidate;
  }
  return null;
}

export function findSystemProgram(name: string): string | null {
  return findProgram(name, systemPath);
}

const markerShape = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const variableShape = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Throws if the command cannot be run; see {@link ContainedCommand} for the codes. */
export function checkCommand(command: ContainedCommand): void {
  if (!markerShape.test(command.marker)) {
    throw new AgentCoreError(
      "AC_JOB_INVALID",
      `marker "${command.marker}" is not of the form ${markerShape}`,
    );
  }
  for (const [name, value] of Object.entries(command.env)) {
    // The box's waiting shell silently drops variables with other names.
    if (!variableShape.test(name)) {
      throw new AgentCoreError(
        "AC_JOB_INVALID",
        `environment variable "${name}" has a name that a shell does not pass on; rename it`,
      );
    }
    if (value.includes("\0")) {
      throw new AgentCoreError(
        "AC_JOB_INVALID",
        `environment variable ${name} contains a NUL byte; remove it`,
      );
    }
  }
  if (!isDirectory(command.cwd)) {
    throw new AgentCoreError("AC_WORKSPACE_MISSING", `working directory ${command.cwd} is not a directory`);
  }
  const file = command.command.startsWith("/") ? command.command : path.resolve(command.cwd, command.command);
  const found = command.command.includes("/")
    ? isProgram(file)
    : findProgram(command.command, command.env.PATH ?? systemPath) !== null;
  if (!found) {
    throw new AgentCoreError(
      "AC_WORKER_MISSING",
      `${command.command} is not a program that can be run; install it or correct its path`,
    );
  }
}

function isDirectory(file: string): boolean {
  try {
    return statSync(file).isDirectory();
  } catch (error) {
    ignore(error, "not there counts as no directory");
    return false;
  }
}
