/** The path of a step's worktree, and the marker files beside it that record its progress. */
import { readPlacedFile, type Clock, type Log, type Git } from "@agentcore/contract";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { putFile } from "../own-place.ts";
import { throwAsGitProblem, unlessMissing } from "../places.ts";
import { shortHash } from "../folder-name.ts";

export interface WorktreePlace {
  /** Top level of the repository. */
  readonly root: string;
  /** Absolute path of the directory that all its worktrees share. */
  readonly gitDir: string;
  /** Absolute path of the git directory of the workspace itself; looked up if undefined. */
  readonly ownGitDir?: string | undefined;
  /** Of the worktree. */
  readonly path: string;
  /**
   * What is kept of the worktree is in refs below this one:
   *
   * - `before`: the workspace when the worktree was created.
   * - `begun`: the worktree when the current iteration began; a further attempt begins with it again.
   * - `attempt-N`: the changes of attempt N, if another attempt followed it.
   * - `after`: the worktree when the step was done.
   * - `ours`: the workspace when the merge began.
   * - `merged`: the workspace after the merge. This and `ours` need not be commits.
   */
  readonly refs: string;
}

export interface WorktreeOptions {
  readonly git: Git;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends waits and git commands; the call then rejects with `AC_CANCELLED`, and can be repeated. */
  readonly signal?: AbortSignal;
}

/** In the repository's own directory, where no tool takes it for part of the work. */
export function worktreePlace(
  base: Pick<WorktreePlace, "root" | "gitDir" | "ownGitDir">,
  runId: string,
  stepId: string,
): WorktreePlace {
  const plain = stepId.replaceAll(/[^A-Za-z0-9_-]/g, "_");
  // Two combinations of a matrix may have the same name without their special characters.
  const name = plain === stepId ? plain : `${plain}-${shortHash(stepId)}`;
  return {
    root: base.root,
    gitDir: base.gitDir,
    ownGitDir: base.ownGitDir,
    path: join(base.gitDir, "agentcore", runId, name),
    refs: `refs/agentcore/${runId}/${name}`,
  };
}

/**
 * - `ready`: the worktree is complete, and may have been used. Contains the name under which git knows it.
 * - `begun`: an attempt has begun in it. Contains the iteration and the number of the attempt.
 * - `merging`: the result of the merge is in refs, and files may have been put into their places.
 * - `merged`: its patch is written, and merged if requested. Contains the names of the repositories in the worktree.
 * - `saved`: its whole content is in the snapshot `after`.
 */
export type Mark = "ready" | "begun" | "merging" | "merged" | "saved";
export const marks: readonly Mark[] = ["saved", "merged", "merging", "begun", "ready"];

const markFile = ({ path }: WorktreePlace, mark: Mark): string => `${path}.${mark}`;

/** Text of the mark; null if it is not set. */
export async function readMark(place: WorktreePlace, mark: Mark): Promise<string | null> {
  return unlessMissing(readPlacedFile(markFile(place, mark)).catch(throwAsGitProblem));
}

/** Files and directories beside the worktree that are in use only while its changes are merged. */
export const scratchKinds = ["stage", "merge", "patch"] as const;

export function scratchPath({ path }: WorktreePlace, kind: (typeof scratchKinds)[number]): string {
  return `${path}.${kind}`;
}

export async function dropMark(place: WorktreePlace, mark: Mark): Promise<void> {
  await rm(markFile(place, mark), { force: true });
}

export async function setMark(place: WorktreePlace, mark: Mark, text = ""): Promise<void> {
  await putFile(markFile(place, mark), text);
}

/**
 * A worker can write the repository's configuration and its worktree's `.git` file. These paths are given to git explicitly, so
 * that neither leads it elsewhere.
 */
export interface WorkTree {
  /** Absolute path of its top level. */
  readonly path: string;
  /** Absolute path of its own git directory. */
  readonly gitDir: string;
}

export const workTreeEnv = ({ path, gitDir }: WorkTree): Readonly<Record<string, string>> => ({
  GIT_DIR: gitDir,
  GIT_WORK_TREE: path,
});
