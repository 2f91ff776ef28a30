/** Finds a program as the shell would, without starting anything. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, resolve } from "node:path";
import { ignore } from "@agentcore/contract";

/**
 * Absolute path of an executable file, or null. An absolute path is used as it is; a name is looked up in the directories
 * of `pathVariable`, in order. Entries that depend on the current directory are ignored: a relative path, or an empty or
 * relative entry of PATH.
 */
export function findProgram(command: string, pathVariable: string | undefined): string | null {
  if (isAbsolute(command)) return isExecutableFile(command) ? command : null;
  if (command.includes("/")) return null;
  for (const directory of (pathVariable ?? "").split(delimiter)) {
    if (!isAbsolute(directory)) continue;
    const path = resolve(directory, command);
    if (isExecutableFile(path)) return path;
  }
  return null;
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    ignore(error, "not there, or not ours to execute: the search goes on");
    return false;
  }
}
