/** The paths of a run's files, and the rule that a workflow file can reach nothing outside the workspace. */
import { AgentCoreError, errorCode, isMissingOrBelowFile, PlacedFileError } from "@agentcore/contract";
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";

export const stepDir = (contextDir: string, stepId: string): string => join(contextDir, stepId);

export const artifactDir = (contextDir: string, stepId: string, artifact: string): string =>
  join(stepDir(contextDir, stepId), artifact);

/** Whether the path is the directory or below it, judged by name alone. */
export function isWithin(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !way.startsWith(sep));
}

/** Whether a relative path is one of the places, or below one. */
export function isWithinAny(places: readonly string[], path: string): boolean {
  return places.some((place) => isWithin(join("/", place), join("/", path)));
}

/** Whether the path exists and can be seen. */
export async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

/** The resolved value, or null if the path that it concerns does not exist. */
export async function unlessMissing<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (isMissingOrBelowFile(error) || errorCode(error) === "ELOOP") return null;
    throw error;
  }
}

/** For files in a repository's own directory: a pipe or a link in their place is reported as `AC_WORKFLOW_GIT`. */
export function throwAsGitProblem(error: unknown): never {
  if (!(error instanceof PlacedFileError)) throw error;
  throw new AgentCoreError("AC_WORKFLOW_GIT", error.message, { cause: error });
}

/**
 * Absolute path of an entry in the workspace, which must be a real path. Throws `AC_WORKFLOW_PATH` if it is outside, also through
 * a symbolic link. A path that does not exist yet is judged by the nearest directory above it that does.
 */
export async function pathInside(workspace: string, path: string): Promise<string> {
  const absolute = resolve(workspace, path);
  const real = isWithin(workspace, absolute) ? await realOf(absolute) : absolute;
  if (isWithin(workspace, real)) return absolute;
  throw new AgentCoreError("AC_WORKFLOW_PATH", `"${path}" leaves the workspace ${workspace}`, {
    evidence: { path, workspace },
  });
}

/** The path without links. A path that does not exist yet is judged by the nearest directory above it that does. */
export async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isMissingOrBelowFile(error) || dirname(path) === path) throw error;
    return join(await realOf(dirname(path)), basename(path));
  }
}
