/**
 * A git worktree of a step's own: made from a snapshot of the workspace as it is (untracked files included), merged into the
 * workspace when the step is done, and removed once the step's end is journaled. Nothing is removed before it is saved: what
 * was merged is in the workspace and in the patch, anything else is in a commit that a ref keeps. Each act may be interrupted
 * anywhere and called again: refs, and small files beside the worktree, say how far it had come.
 */
import { AgentCoreError, ignore, isAgentCoreError } from "@agentcore/contract";
import { mkdir, readdir, realpath, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { commitOf, gitDirOf, gitText, setRefs, wholeTreeMsMax, type Git } from "./git.ts";
import { shownPath, type GitPath } from "./git-path.ts";
import { isThere } from "./places.ts";
import { withRepositoryLock } from "./repository-lock.ts";
import { treeChanges } from "./tree-changes.ts";
import { applyMerged, lookAt } from "./worktree-apply.ts";
import { conflictError, mergeSnapshots } from "./worktree-merge.ts";
import {
  markFile,
  marks,
  readMark,
  setMark,
  type WorkTree,
  type WorktreePlace,
  type WorktreePorts,
} from "./worktree-place.ts";
import { indexPrefix, ownRepositoriesIn, repositoriesIn, snapshot } from "./worktree-snapshot.ts";

/** Makes it, unless it is there. `exclude`: absolute path that is no part of the work. */
export async function ensureWorktree(
  ports: WorktreePorts,
  place: WorktreePlace,
  exclude: string,
): Promise<void> {
  const { git, clock, signal } = ports;
  const { root, gitDir, refs } = place;
  if ((await readMark(place, "ready")) !== null) return;
  await withRepositoryLock({ clock, gitDir, signal }, async () => {
    // One that was being made again for a further attempt begins where that iteration began.
    const begun =
      (await readMark(place, "begun")) === null ? null : await commitOf(git, root, `${refs}/begun`);
    await makeDirectory(git, place, begun ?? (await snapshotWorkspace(ports, place, exclude)));
  });
}

async function snapshotWorkspace(
  { git, log }: WorktreePorts,
  place: WorktreePlace,
  exclude: string,
): Promise<string> {
  const { root, path, refs } = place;
  await mkdir(dirname(path), { recursive: true });
  const leftOut: GitPath[] = [];
  const before = await snapshot(git, {
    tree: await workspaceTree(git, place),
    indexBeside: path,
    exclude: [exclude],
    onLeftOut: (names) => leftOut.push(...names),
  });
  await setRefs(git, place, { [`${refs}/before`]: before, [`${refs}/begun`]: before });
  const others = [...(await repositoriesIn(git, root, before)), ...leftOut].map((name) => shownPath(name));
  if (others.length > 0) {
    const where = { worktree: path, repositories: others };
    log.warn(where, "submodules and nested repositories are empty in the step's worktree");
  }
  return before;
}

/** Anew, from a commit; whatever was there is gone. */
async function makeDirectory(git: Git, place: WorktreePlace, commit: string): Promise<void> {
  const { root, path } = place;
  await rm(markFile(place, "ready"), { force: true });
  // One that was interrupted while it was made is there by half; nothing has worked in it.
  await removeDirectory(git, place);
  const add = ["worktree", "add", "--force", "--detach", path, commit];
  await gitText(git, root, add, { timeoutMs: wholeTreeMsMax });
  const own = await gitDirOf(git, path);
  await leadToItself(git, place, own, commit);
  await setMark(place, "ready", basename(own));
}

/**
 * A `core.worktree` that all worktrees share (as in a submodule, once `extensions.worktreeConfig` is set) leads git away
 * from this one; then its own configuration says where it is.
 */
async function leadToItself(git: Git, { path }: WorktreePlace, own: string, commit: string): Promise<void> {
  const real = await realpath(path);
  const top = async (): Promise<string> =>
    (await gitText(git, path, ["rev-parse", "--show-toplevel"])).replace(/\n$/, "");
  if ((await top()) === real) return;
  await git(path, ["config", "--file", join(own, "config.worktree"), "core.worktree", real]);
  if ((await top()) !== real) {
    const message = `git takes ${await top()} for the work tree of ${path}; see core.worktree in the repository's configuration`;
    throw new AgentCoreError("AC_WORKFLOW_GIT", message, { evidence: { worktree: path } });
  }
  await gitText(git, path, ["reset", "--hard", "--quiet", commit], { timeoutMs: wholeTreeMsMax });
}

async function workspaceTree(git: Git, { root }: WorktreePlace): Promise<WorkTree> {
  return { path: root, gitDir: await gitDirOf(git, root) };
}

/** Not by the worktree's `.git` file, which the worker can write. */
export async function readyTree(place: WorktreePlace): Promise<WorkTree> {
  const { gitDir, path } = place;
  const name = basename((await readMark(place, "ready")) ?? path);
  return { path, gitDir: join(gitDir, "worktrees", name) };
}

export interface AttemptRequest {
  readonly place: WorktreePlace;
  readonly iteration: number;
  /** Of all iterations. */
  readonly attempt: number;
}

/**
 * Before an attempt: the first one of an iteration goes on with what is there; one that follows another begins with what that
 * one began with. Answers the ref that keeps what the former attempt had changed; null where there was nothing.
 */
export async function beginAttempt(
  { git, clock, signal }: WorktreePorts,
  { place, iteration, attempt }: AttemptRequest,
): Promise<string | null> {
  const { root, gitDir, refs } = place;
  return withRepositoryLock({ clock, gitDir, signal }, async () => {
    const former = await formerAttempt(place);
    if (former?.attempt === attempt) return null;
    const mark = (): Promise<void> => setMark(place, "begun", `${iteration} ${attempt}`);
    if (former?.iteration !== iteration) {
      // What was just made began as it is.
      if (former !== null) await setRefs(git, place, { [`${refs}/begun`]: await ownSnapshot(git, place) });
      await mark();
      return null;
    }
    const ref = `${refs}/attempt-${former.attempt}`;
    const begun = await gitText(git, root, ["rev-parse", "--verify", `${refs}/begun`]);
    if ((await commitOf(git, root, ref)) === null) {
      const left = await ownSnapshot(git, place);
      await requireNoRepositories(git, place, left);
      if (!(await isSameWork(git, root, begun.trim(), left))) await setRefs(git, place, { [ref]: left });
    }
    await makeDirectory(git, place, begun.trim());
    await mark();
    return (await commitOf(git, root, ref)) === null ? null : ref;
  });
}

async function formerAttempt(place: WorktreePlace) {
  const [iteration, attempt] = ((await readMark(place, "begun")) ?? "").split(" ").map(Number);
  return iteration === undefined || attempt === undefined ? null : { iteration, attempt };
}

/** They would be gone with the directory. */
async function requireNoRepositories(git: Git, { root, path }: WorktreePlace, left: string): Promise<void> {
  const own = await ownRepositoriesIn(git, root, left, path);
  if (own.length === 0) return;
  throw new AgentCoreError(
    "AC_WORKFLOW_GIT",
    `the former attempt left repositories of its own in the step's worktree (${own.join(", ")}), which no commit can keep; they are in ${path}`,
    { evidence: { worktree: path, repositories: [...own] } },
  );
}

async function ownSnapshot(git: Git, place: WorktreePlace, exclude: readonly string[] = []): Promise<string> {
  if (!(await isThere(place.path))) {
    const message = `the step's worktree ${place.path} is not there any more; nothing can be taken from it`;
    throw new AgentCoreError("AC_WORKFLOW_GIT", message, { evidence: { worktree: place.path } });
  }
  return snapshot(git, { tree: await readyTree(place), indexBeside: place.path, exclude });
}

/** Whether nothing was changed and nothing was committed. */
async function isSameWork(git: Git, root: string, from: string, to: string): Promise<boolean> {
  if ((await treeChanges(git, root, from, to)).length > 0) return false;
  return (await gitText(git, root, ["rev-list", "--count", `${from}..${to}^`])).trim() === "0";
}

export interface MergeRequest {
  readonly place: WorktreePlace;
  /** Absolute path of the patch. */
  readonly patchFile: string;
  readonly merge: "apply" | "none";
  /** Paths in the worktree that are no part of the work, such as copied inputs. */
  readonly exclude: readonly string[];
  /** Absolute path in the workspace that is no part of the work. */
  readonly contextDir: string;
}

/**
 * Snapshot, patch, merge. May be called again after an interruption. Throws `AC_WORKFLOW_GIT` where the changes do not fit;
 * the workspace is as it was then.
 */
export async function mergeWorktree(ports: WorktreePorts, request: MergeRequest): Promise<void> {
  const { git, clock } = ports;
  const { place, patchFile, merge } = request;
  const { root, gitDir, path, refs } = place;
  await withRepositoryLock({ clock, gitDir }, async () => {
    if ((await readMark(place, "merged")) !== null) return;
    // Once a merge has begun, it goes on with what it began with.
    const hasBegun = (await commitOf(git, root, `${refs}/merged`)) !== null;
    if (!hasBegun) {
      const exclude = request.exclude.map((name) => join(path, name));
      await setRefs(git, place, { [`${refs}/after`]: await ownSnapshot(git, place, exclude) });
      await writePatch(git, place, patchFile);
    }
    if (merge === "apply") await mergeIntoWorkspace(git, request, hasBegun);
    await setMark(place, "merged");
  });
}

async function mergeIntoWorkspace(git: Git, request: MergeRequest, hasBegun: boolean): Promise<void> {
  const { place, patchFile, contextDir } = request;
  const { root, path, refs } = place;
  const changes = await treeChanges(git, root, `${refs}/before`, `${refs}/after`);
  if (changes.length === 0) return;
  const workspace = await workspaceTree(git, place);
  const looks = await lookAt(
    root,
    changes.map((change) => change.path),
  );
  const exclude = [contextDir];
  const now = await snapshot(git, {
    tree: workspace,
    indexBeside: path,
    exclude,
    onLeftOut: () => {},
  });
  if (!hasBegun) {
    const merged = await mergeSnapshots(git, { place, workspace, changes, ours: now });
    if (merged.commit === undefined) throw conflictError(place, merged.conflicts, patchFile);
    await setRefs(git, place, { [`${refs}/ours`]: now, [`${refs}/merged`]: merged.commit });
  }
  try {
    const worktree = await readyTree(place);
    await applyMerged(git, { place, workspace, worktree, now: hasBegun ? now : null, patchFile, looks });
  } catch (error) {
    // One that does not fit has ended; anything else may be gone on with.
    if (isAgentCoreError(error) && error.code === "AC_WORKFLOW_GIT")
      await setRefs(git, place, { [`${refs}/merged`]: null });
    throw error;
  }
}

/** The plumbing command, since the other one listens to how people like to see differences. */
async function writePatch(git: Git, { root, refs }: WorktreePlace, file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const form = ["-r", "-p", "--binary", "--full-index", "--no-ext-diff", "--no-textconv"];
  const args = ["diff-tree", ...form, `--output=${file}.new`, `${refs}/before`, `${refs}/after`];
  await gitText(git, root, args);
  await rename(`${file}.new`, file);
}

export type Discarded =
  /** Nothing of it is left but the patch. */
  | "removed"
  /** The directory is gone; what was in it and was not merged is in the ref `after`. */
  | "saved"
  /** It holds repositories of its own, which no snapshot takes up. */
  | "kept";

/** For a step whose end is journaled. `isMerged`: it succeeded, so its work is where it belongs. */
export async function discardWorktree(
  { git, clock }: WorktreePorts,
  place: WorktreePlace,
  isMerged: boolean,
): Promise<Discarded> {
  const { root, gitDir, path, refs } = place;
  if (!(await isThere(dirname(path)))) return "removed";
  return withRepositoryLock({ clock, gitDir }, async () => {
    const isUnmerged = !isMerged && (await readMark(place, "ready")) !== null;
    const isToSave = isUnmerged && (await readMark(place, "saved")) === null && (await isThere(path));
    if (isToSave) await save(git, place);
    const after = `${refs}/after`;
    const isKnown = isMerged || isUnmerged;
    if (isKnown && (await ownRepositoriesIn(git, root, after, path)).length > 0) return "kept";
    await removeDirectory(git, place);
    const isThereWork = isUnmerged && (await commitOf(git, root, after)) !== null;
    const isKept = isThereWork && !(await isSameWork(git, root, `${refs}/before`, after));
    const done = ["begun", "ours", "merged", ...(isKept ? [] : ["before", "after"])];
    await setRefs(git, place, Object.fromEntries(done.map((name) => [`${refs}/${name}`, null])));
    await removeTraces(place);
    return isKept ? "saved" : "removed";
  });
}

async function save(git: Git, place: WorktreePlace): Promise<void> {
  await setRefs(git, place, { [`${place.refs}/after`]: await ownSnapshot(git, place) });
  await setMark(place, "saved");
}

/** Whatever is there of it, registered with git or not. Worktrees of others are not looked at. */
async function removeDirectory(git: Git, place: WorktreePlace): Promise<void> {
  const { root, path } = place;
  // One that is registered without being there is made again by `worktree add --force`.
  if (!(await isThere(path)) && (await readMark(place, "ready")) === null) return;
  const unregister = () =>
    git(root, ["worktree", "remove", "--force", "--force", path], { timeoutMs: wholeTreeMsMax });
  if ((await unregister()).exitCode === 0) return;
  await rm(path, { recursive: true, force: true });
  await unregister();
}

/** The marks last of all: with them an interrupted removal is found and goes on. */
async function removeTraces(place: WorktreePlace): Promise<void> {
  const directory = dirname(place.path);
  const name = basename(place.path);
  const names = await readdir(directory).catch(() => []);
  const isTrace = (other: string): boolean =>
    other.startsWith(`${name}.${indexPrefix}`) || other === `${name}.stage` || other === `${name}.merge`;
  for (const one of names.filter(isTrace)) await rm(join(directory, one), { recursive: true, force: true });
  for (const mark of marks) await rm(markFile(place, mark), { force: true });
  await rmdir(directory).catch((error: unknown) => ignore(error, "another step's worktree is in it"));
}
