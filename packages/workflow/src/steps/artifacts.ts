/**
 * Copies artifacts: from the workspace into the context directory when a step succeeds, and from there into the workspace
 * of a step that uses them as input. A copy is made elsewhere and renamed, so it is never incomplete.
 */
import { AgentCoreError, errorCode } from "@agentcore/contract";
import { chmod, cp, lstat, mkdir, readdir, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { artifactGone } from "./check-places.ts";
import { freshPath, moveIntoPlace, removeLeftovers } from "../fresh-path.ts";
import { openPlace } from "../own-place.ts";
import { artifactDir, isThere, isWithin, pathInside } from "../places.ts";
import { requireKeepable, type OutputToKeep } from "./keepable.ts";

export interface OutputToCollect {
  readonly name: string;
  /** Relative to `workspace`. */
  readonly path: string;
  readonly optional: boolean;
}

export interface Collected {
  /** Names of the artifacts that exist. */
  readonly artifacts: readonly string[];
  /** Declared, not optional, and missing. */
  readonly missing: readonly string[];
}

export interface CollectRequest {
  readonly outputs: readonly OutputToCollect[];
  /** Paths of outputs that an earlier attempt left: they count as missing. */
  readonly stale?: readonly string[];
  readonly workspace: string;
  readonly contextDir: string;
  readonly stepId: string;
}

/**
 * Rejects with `AC_WORKFLOW_PATH` for an output outside the workspace, and `AC_WORKFLOW_OUTPUT` for one that cannot be copied as
 * it is. Collects nothing then, or if something is missing.
 */
export async function collectOutputs(request: CollectRequest): Promise<Collected> {
  const { workspace, contextDir, stepId, stale = [] } = request;
  const found: OutputToKeep[] = [];
  const missing: string[] = [];
  for (const { name, path, optional } of request.outputs) {
    const from = await pathInside(workspace, path);
    const isStale = stale.includes(path);
    if (!isStale && (await isThere(from))) found.push({ name, path, from });
    else if (!optional) missing.push(`${name} (${path}${isStale ? ", which an earlier attempt left" : ""})`);
  }
  if (missing.length > 0) return { artifacts: [], missing };
  for (const output of found) await requireKeepable(output);
  for (const { name, from } of found) await putArtifact(from, artifactDir(contextDir, stepId, name));
  return { artifacts: found.map(({ name }) => name), missing };
}

/** The file or directory becomes `place/<its name>` and replaces what was at `place` before. */
async function putArtifact(from: string, place: string): Promise<void> {
  await putInPlace(from, place, async (fresh) => {
    await mkdir(fresh);
    await copy(from, join(fresh, basename(from)));
  });
}

/** Copies all that is in one artifact to another artifact. Returns whether the first exists. */
export async function copyArtifact(from: string, place: string): Promise<boolean> {
  if (!(await isThere(from))) return false;
  await putInPlace(from, place, (fresh) => copy(from, fresh));
  return true;
}

async function putInPlace(
  from: string,
  place: string,
  fill: (fresh: string) => Promise<void>,
): Promise<void> {
  // `cp` does not notice this if the directory is reached through a descriptor, and would copy without end.
  if (isWithin(await realpath(from), place))
    throw new AgentCoreError("AC_WORKFLOW_PATH", `${from} holds the artifact ${place} that it is to become`, {
      evidence: { from, place },
    });
  const own = openPlace(dirname(place));
  try {
    const target = join(own.at, basename(place));
    const fresh = freshPath(target);
    try {
      await fill(fresh);
      await moveIntoPlace(fresh, target);
    } catch (error) {
      await rm(fresh, { recursive: true, force: true });
      throw error;
    }
    removeLeftovers(own.at);
  } finally {
    own.close();
  }
}

export interface InputToCopy {
  readonly step: string;
  readonly artifact: string;
  /** Whether the step produced it. */
  readonly isMade: boolean;
  /** Directory of the artifact. */
  readonly from: string;
  /** Relative to `workspace`. */
  readonly as: string;
}

/**
 * Existing files are kept unless the artifact has one of the same name. An artifact that was never collected (an optional one, or
 * that of a step that did not succeed) leaves an empty directory. Throws `AC_WORKFLOW_ARTIFACT` if one that was produced is gone.
 */
export async function copyInputs(inputs: readonly InputToCopy[], workspace: string): Promise<void> {
  for (const { step, artifact, from, isMade } of inputs) {
    if (isMade && !(await isThere(from))) throw artifactGone(step, artifact, from);
  }
  for (const { from, as } of inputs) {
    const place = await pathInside(workspace, as);
    await mkdir(place, { recursive: true });
    if (await isThere(from)) await mergeInto(from, place);
  }
}

/**
 * Each file is made elsewhere and renamed: the combinations of a step can copy the same artifact into one workspace, while one
 * of them already reads its copy.
 */
async function mergeInto(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    const source = join(from, name);
    const target = join(to, name);
    const { mode, ...stats } = await describe(source);
    if (!stats.isDirectory) {
      await replaceWithCopy(source, target);
      continue;
    }
    const isNew = await makeDirectory(target);
    await mergeInto(source, target);
    if (isNew) await chmod(target, mode);
  }
  removeLeftovers(to);
}

async function describe(path: string): Promise<{ readonly isDirectory: boolean; readonly mode: number }> {
  const stats = await lstat(path);
  return { isDirectory: stats.isDirectory(), mode: stats.mode & 0o7777 };
}

/** Whether it was not there. Rejects if something else is: a link could lead out of the workspace. */
async function makeDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
    if ((await describe(path)).isDirectory) return false;
    const message = `${path} is not a directory, and the artifact that is copied there has one of this name`;
    throw new AgentCoreError("AC_WORKFLOW_PATH", message, { evidence: { path } });
  }
}

async function replaceWithCopy(from: string, to: string): Promise<void> {
  const fresh = freshPath(to);
  try {
    await copy(from, fresh);
    await rename(fresh, to);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

/** Links are copied as links, without what they point to. */
async function copy(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, force: true, verbatimSymlinks: true });
}
