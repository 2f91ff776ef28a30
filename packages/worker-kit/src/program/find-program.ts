/** Finding a program as the shell would, without starting anything. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, resolve } from "node:path";
import { ignore } from "@agentcore/contract";

/**
 * Absolute path of an executable file, or null. A name with a slash is a path (relative to `cwd`); any other is looked up
 * in the directories of `pathVariable`, in order. Empty PATH entries, which would mean the current directory, are skipped.
 */
export function findProgram(command: string, pathVariable: string | undefined, cwd = "/"): string | null {
  if (command.includes("/")) {
    const path = resolve(cwd, command);
    return isExecutableFile(path) ? path : null;
  }
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
