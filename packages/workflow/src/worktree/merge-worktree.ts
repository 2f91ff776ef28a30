/** Merges the changes of a step's worktree into the workspace; continues an interrupted merge. */
import { isAgentCoreError, type Git } from "@agentcore/contract";
import { join } from "node:path";
import { gitUntil, setRefs } from "./git.ts";
import type { GitPath } from "./git-path.ts";
import { withRepositoryLock } from "./repository-lock.ts";
import { treeChanges, writePatch, type TreeChange } from "./tree-changes.ts";
import { keptIndex, ownSnapshot, readyTree, workspaceTree } from "./worktree.ts";
import { applyMerged, lookAt, openChanges, type ApplyRequest, type Looks } from "./worktree-apply.ts";
import { conflictError, mergeSnapshots } from "./merge-snapshots.ts";
import {
  dropMark,
  readMark,
  scratchPath,
  setMark,
  type WorkTree,
  type WorktreePlace,
  type WorktreeOptions,
} from "./worktree-place.ts";
import { isUnchanged, repositoriesIn, snapshotTree } from "./worktree-snapshot.ts";

export interface MergeRequest {
  readonly place: WorktreePlace;
  /** Absolute path of the patch. */
  readonly patchFile: string;
  readonly merge: "apply" | "none";
  /** Paths in the worktree that do not belong to the work, such as copied inputs. */
  readonly exclude: readonly string[];
  /** Absolute path in the workspace that does not belong to the work. */
  readonly contextDir: string;
}

/**
 * Snapshot, patch, merge. May be called again after an interruption. Throws `AC_WORKFLOW_GIT` if the changes do not fit; the
 * workspace is then unchanged, even if the signal ends the call. Once files are being put into their places, no signal ends it.
 */
export async function mergeWorktree(options: WorktreeOptions, request: MergeRequest): Promise<void> {
  const { git: toEnd, clock, signal } = options;
  const { place } = request;
  const { root, gitDir, refs } = place;
  const git = signal === undefined ? toEnd : gitUntil(toEnd, signal);
  await withRepositoryLock({ clock, gitDir, signal }, async () => {
    if ((await readMark(place, "merged")) !== null) return;
    // A merge that has begun continues with its original inputs.
    const hasBegun = (await readMark(place, "merging")) !== null;
    if (hasBegun) await mergeOn(toEnd, request);
    const repositories = hasBegun
      ? await repositoriesIn(git, root, `${refs}/after`)
      : await mergeAnew({ git, toEnd }, request);
    await setMark(place, "merged", JSON.stringify(repositories));
  });
}

interface Gits {
  /** Ends with the signal. */
  readonly git: Git;
  /** Ignores the signal, for work that must not be left half done. */
  readonly toEnd: Git;
}

/** Returns the repositories in the worktree. */
async function mergeAnew({ git, toEnd }: Gits, request: MergeRequest): Promise<readonly GitPath[]> {
  const { place, patchFile, merge } = request;
  const { root, path, refs } = place;
  const exclude = request.exclude.map((name) => join(path, name));
  const { id: after, repositories } = await ownSnapshot(git, place, exclude);
  const before = `${refs}/before`;
  const scratch = scratchPath(place, "patch");
  const changes = await writePatch(git, { root, from: before, to: after, file: patchFile, scratch });
  const isToMerge = merge === "apply" && changes.length > 0;
  if (isToMerge) await mergeIntoWorkspace({ git, toEnd }, request, { after, changes });
  else await setRefs(git, place, { [`${refs}/after`]: after });
  return repositories;
}

interface StepWork {
  readonly after: string;
  readonly changes: readonly TreeChange[];
}

async function mergeIntoWorkspace(
  { git, toEnd }: Gits,
  request: MergeRequest,
  work: StepWork,
): Promise<void> {
  const { place, patchFile, contextDir } = request;
  const { after, changes } = work;
  const { refs } = place;
  const before = `${refs}/before`;
  const workspace = await workspaceTree(git, place);
  const looks = await lookAtAll(place, changes);
  const ours = (await isUnchanged(git, workspace, keptIndex(place), [contextDir]))
    ? before
    : await workspaceNow(git, request, workspace);
  const merged = await mergeSnapshots(git, { place, workspace, before, after, changes, ours });
  if (merged.id === undefined) {
    await setRefs(git, place, { [`${refs}/after`]: after });
    throw conflictError(place, merged.conflicts, patchFile);
  }
  await setRefs(git, place, {
    [`${refs}/after`]: after,
    [`${refs}/ours`]: ours,
    [`${refs}/merged`]: merged.id,
  });
  await setMark(place, "merging");
  await apply(toEnd, request, { workspace, changes: merged.changes, byStep: changes, looks });
}

/** Continues a merge that was interrupted. */
async function mergeOn(git: Git, request: MergeRequest): Promise<void> {
  const { place, patchFile } = request;
  const { root, refs } = place;
  const byStep = await treeChanges(git, root, `${refs}/before`, `${refs}/after`);
  const workspace = await workspaceTree(git, place);
  const looks = await lookAtAll(place, byStep);
  const open = await openChanges(git, place, await workspaceNow(git, request, workspace));
  if (open.changes === undefined) {
    await dropMark(place, "merging");
    throw conflictError(place, open.conflicts, patchFile);
  }
  await apply(git, request, { workspace, changes: open.changes, byStep, looks });
}

/** A snapshot of the workspace, which others may be changing; repositories without a commit are left out. */
async function workspaceNow(
  git: Git,
  { place, contextDir }: MergeRequest,
  workspace: WorkTree,
): Promise<string> {
  const { id } = await snapshotTree(git, {
    tree: workspace,
    indexBeside: place.path,
    exclude: [contextDir],
    onLeftOut: () => {},
    isShared: true,
  });
  return id;
}

const lookAtAll = ({ root }: WorktreePlace, changes: readonly TreeChange[]): Promise<Looks> =>
  lookAt(
    root,
    changes.map((change) => change.path),
  );

type ToApply = Pick<ApplyRequest, "workspace" | "changes" | "byStep" | "looks">;

async function apply(git: Git, { place, patchFile }: MergeRequest, toApply: ToApply): Promise<void> {
  try {
    await applyMerged(git, { ...toApply, place, patchFile, worktree: await readyTree(place) });
  } catch (error) {
    // A merge that does not fit has ended; after any other error it may be continued.
    if (isAgentCoreError(error) && error.code === "AC_WORKFLOW_GIT") await dropMark(place, "merging");
    throw error;
  }
}
