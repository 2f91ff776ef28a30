/**
 * A step's own git worktree: made from a snapshot of the present workspace (including untracked files), merged into the
 * workspace when the step is done, and removed when the step's end is in the journal. Nothing is removed before it is
 * saved: merged changes are in the workspace and in the patch, others are in a commit that a ref keeps. Every action may be
 * interrupted anywhere and repeated: refs, and small files beside the worktree, record the progress.
 */
import { AgentCoreError, ignore, readPlacedFile, type Git } from "@agentcore/contract";
import { mkdir, readdir, realpath, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { commitOf, gitDirOf, gitText, gitUntil, setRefs, wholeTreeMsMax, workTreeAt } from "./git.ts";
import { shownPath, type GitPath } from "./git-path.ts";
import { isThere, unlessMissing } from "../places.ts";
import { withRepositoryLock } from "./repository-lock.ts";
import { treeChanges } from "./tree-changes.ts";
import {
  dropMark,
  marks,
  readMark,
  scratchKinds,
  scratchPath,
  setMark,
  type WorkTree,
  type WorktreePlace,
  type WorktreeOptions,
} from "./worktree-place.ts";
import {
  indexPrefix,
  ownRepositories,
  repositoriesIn,
  snapshot,
  type Snapshot,
} from "./worktree-snapshot.ts";

/** Creates the worktree if it does not exist. `exclude`: absolute path that does not belong to the work. */
export async function ensureWorktree(
  options: WorktreeOptions,
  place: WorktreePlace,
  exclude: string,
): Promise<void> {
  const { git, clock, signal } = options;
  const { root, gitDir, refs } = place;
  if ((await readMark(place, "ready")) !== null) return;
  await withRepositoryLock({ clock, gitDir, signal }, async () => {
    // A worktree that was being reset for a further attempt begins where that iteration began.
    const begun =
      (await readMark(place, "begun")) === null ? null : await commitOf(git, root, `${refs}/begun`);
    await makeDirectory(git, place, begun ?? (await snapshotWorkspace(options, place, exclude)));
  });
}

async function snapshotWorkspace(
  { git, log }: WorktreeOptions,
  place: WorktreePlace,
  exclude: string,
): Promise<string> {
  const { path, refs } = place;
  await mkdir(dirname(path), { recursive: true });
  const leftOut: GitPath[] = [];
  await rm(keptIndex(place), { force: true });
  const { id: before, repositories } = await snapshot(git, {
    tree: await workspaceTree(git, place),
    indexBeside: path,
    exclude: [exclude],
    onLeftOut: (names) => leftOut.push(...names),
    isShared: true,
    keepIndexAs: keptIndex(place),
  });
  await setRefs(git, place, { [`${refs}/before`]: before, [`${refs}/begun`]: before });
  const others = [...repositories, ...leftOut].map((name) => shownPath(name));
  if (others.length > 0) {
    const where = { worktree: path, repositories: others };
    log.warn(where, "submodules and nested repositories are empty in the step's worktree");
  }
  return before;
}

/** The index of the snapshot `before`. */
export const keptIndex = ({ path }: WorktreePlace): string => `${path}.${indexPrefix}before`;

/** Created again from a commit; the earlier content is deleted. */
async function makeDirectory(git: Git, place: WorktreePlace, commit: string): Promise<void> {
  const { root, path } = place;
  await dropMark(place, "ready");
  // If its creation was interrupted, half of it exists; nothing has worked in it.
  await removeDirectory(git, place);
  const add = ["worktree", "add", "--force", "--detach", path, commit];
  await gitText(git, root, add, { timeoutMs: wholeTreeMsMax });
  await setMark(place, "ready", basename(await leadToItself(git, place, commit)));
}

/**
 * A `core.worktree` that all worktrees share (as in a submodule, once `extensions.worktreeConfig` is set) leads git away from
 * this one; then the worktree's own configuration sets its path. Git takes that setting from these two files alone, so git is
 * asked only if one of them has it. Returns the worktree's own git directory.
 */
async function leadToItself(git: Git, { gitDir, path }: WorktreePlace, commit: string): Promise<string> {
  const link = await readPlacedFile(join(path, ".git"), { bytesMax: configBytesMax });
  const named = join(gitDir, "worktrees", basename(link.trim()));
  const settings = [join(gitDir, "config"), join(named, "config.worktree")];
  const texts = await Promise.all(settings.map((file) => configText(file)));
  if (!texts.some((text) => text === null || /worktree/i.test(text))) return named;
  const real = await realpath(path);
  const { root: first, ownGitDir } = await workTreeAt(git, path);
  if (first === real) return ownGitDir;
  await git(path, ["config", "--file", join(ownGitDir, "config.worktree"), "core.worktree", real]);
  const { root } = await workTreeAt(git, path);
  if (root !== real) {
    const message = `git takes ${root} for the work tree of ${path}; see core.worktree in the repository's configuration`;
    throw new AgentCoreError("AC_WORKFLOW_GIT", message, { evidence: { worktree: path } });
  }
  await gitText(git, path, ["reset", "--hard", "--quiet", commit], { timeoutMs: wholeTreeMsMax });
  return ownGitDir;
}

const configBytesMax = 256 * 1024;

/** Empty: it does not exist. Null: only git can read it. */
async function configText(file: string): Promise<string | null> {
  try {
    return (await unlessMissing(readPlacedFile(file, { bytesMax: configBytesMax }))) ?? "";
  } catch (error) {
    ignore(error, "git says what is wrong with it, or follows the link");
    return null;
  }
}

export async function workspaceTree(
  git: Git,
  { root, ownGitDir }: Pick<WorktreePlace, "root" | "ownGitDir">,
): Promise<WorkTree> {
  return { path: root, gitDir: ownGitDir ?? (await gitDirOf(git, root)) };
}

/** Does not use the worktree's `.git` file, which the worker can write. */
export async function readyTree(place: WorktreePlace): Promise<WorkTree> {
  const { gitDir, path } = place;
  const noted = (await readMark(place, "ready")) ?? "";
  const name = noted === "" ? await registeredName(place) : basename(noted);
  return { path, gitDir: join(gitDir, "worktrees", name) };
}

/** The name under which git has registered the path, for a worktree of the first release, which noted none. */
async function registeredName({ gitDir, path }: WorktreePlace): Promise<string> {
  const directory = join(gitDir, "worktrees");
  const link = join(await realpath(path), ".git");
  for (const name of (await unlessMissing(readdir(directory))) ?? []) {
    if ((await configText(join(directory, name, "gitdir")))?.trim() === link) return name;
  }
  return basename(path);
}

export interface AttemptRequest {
  readonly place: WorktreePlace;
  readonly iteration: number;
  /** Of all iterations. */
  readonly attempt: number;
}

/**
 * Prepares the worktree for an attempt. The first attempt of an iteration keeps it as it is. A further attempt saves what the
 * one before changed under a ref, and resets the worktree to where the iteration began. Returns that ref, or null if nothing
 * had been changed.
 */
export async function beginAttempt(
  { git, clock, signal }: WorktreeOptions,
  { place, iteration, attempt }: AttemptRequest,
): Promise<string | null> {
  const { root, gitDir, refs } = place;
  return withRepositoryLock({ clock, gitDir, signal }, async () => {
    const former = (await formerAttempt(place)) ?? (await unnotedAttempt(git, place, iteration, attempt));
    if (former?.attempt === attempt) return null;
    const mark = (): Promise<void> => setMark(place, "begun", `${iteration} ${attempt}`);
    if (former?.iteration !== iteration) {
      // A worktree that was just created is in its initial state.
      if (former !== null)
        await setRefs(git, place, { [`${refs}/begun`]: (await ownSnapshot(git, place)).id });
      await mark();
      return null;
    }
    const ref = `${refs}/attempt-${former.attempt}`;
    const begun = await beginning(git, place);
    if ((await commitOf(git, root, ref)) === null) {
      const { id: left, repositories } = await ownSnapshot(git, place);
      await requireNoRepositories(place, repositories);
      if (!(await isSameWork(git, root, begun, left))) await setRefs(git, place, { [ref]: left });
    }
    await makeDirectory(git, place, begun);
    await mark();
    return (await commitOf(git, root, ref)) === null ? null : ref;
  });
}

/** Where the current iteration began. The first release kept only where the worktree began. */
async function beginning(git: Git, { root, refs }: WorktreePlace): Promise<string> {
  const begun = await commitOf(git, root, `${refs}/begun`);
  return begun ?? (await gitText(git, root, ["rev-parse", "--verify", `${refs}/before`])).trim();
}

async function formerAttempt(place: WorktreePlace) {
  const [iteration, attempt] = ((await readMark(place, "begun")) ?? "").split(" ").map(Number);
  return iteration === undefined || attempt === undefined ? null : { iteration, attempt };
}

/** The first release noted no attempts, and its worktree has no `begun`; that of a later iteration continues unchanged. */
async function unnotedAttempt(git: Git, { root, refs }: WorktreePlace, iteration: number, attempt: number) {
  const isNoted = iteration > 1 || attempt === 1 || (await commitOf(git, root, `${refs}/begun`)) !== null;
  return isNoted ? null : { iteration, attempt: attempt - 1 };
}

/** Deleting the directory would delete them. */
async function requireNoRepositories(
  { path }: WorktreePlace,
  repositories: readonly GitPath[],
): Promise<void> {
  const own = await ownRepositories(path, repositories);
  if (own.length === 0) return;
  throw new AgentCoreError(
    "AC_WORKFLOW_GIT",
    `the former attempt left repositories of its own in the step's worktree (${own.join(", ")}), which no commit can keep; they are in ${path}`,
    { evidence: { worktree: path, repositories: [...own] } },
  );
}

export async function ownSnapshot(
  git: Git,
  place: WorktreePlace,
  exclude: readonly string[] = [],
): Promise<Snapshot> {
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

export type Discarded =
  /** Only the patch is left. */
  | "removed"
  /** The directory is gone; unmerged content is in the ref `after`. */
  | "saved"
  /** It contains repositories of its own, which no snapshot includes. */
  | "kept";

/** For a step whose end is journaled. `isMerged`: it succeeded, so its work is where it belongs. */
export async function discardWorktree(
  { git: unbound, clock, signal }: WorktreeOptions,
  place: WorktreePlace,
  isMerged: boolean,
): Promise<Discarded> {
  const { root, gitDir, path, refs } = place;
  if (!(await isThere(dirname(path)))) return "removed";
  const git = signal === undefined ? unbound : gitUntil(unbound, signal);
  return withRepositoryLock({ clock, gitDir, signal }, async () => {
    const isUnmerged = !isMerged && (await readMark(place, "ready")) !== null;
    const isToSave = isUnmerged && (await readMark(place, "saved")) === null && (await isThere(path));
    if (isToSave) await save(git, place);
    const after = `${refs}/after`;
    const isKnown = isMerged || isUnmerged;
    if (isKnown && (await ownRepositories(path, await repositoriesOf(git, place, isMerged))).length > 0)
      return "kept";
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
  await setRefs(git, place, { [`${place.refs}/after`]: (await ownSnapshot(git, place)).id });
  await setMark(place, "saved");
}

/** Those that the snapshot `after` names; if it was merged, they were noted. */
async function repositoriesOf(
  git: Git,
  place: WorktreePlace,
  isMerged: boolean,
): Promise<readonly GitPath[]> {
  const noted = isMerged ? await readMark(place, "merged") : null;
  return noted === null || noted === ""
    ? repositoriesIn(git, place.root, `${place.refs}/after`)
    : (JSON.parse(noted) as readonly GitPath[]);
}

/** Removes whatever exists of it, registered with git or not. Other worktrees are not touched. */
async function removeDirectory(git: Git, place: WorktreePlace): Promise<void> {
  const { root, path } = place;
  // A registered worktree that does not exist is created again by `worktree add --force`.
  if (!(await isThere(path)) && (await readMark(place, "ready")) === null) return;
  const unregister = () =>
    git(root, ["worktree", "remove", "--force", "--force", path], { timeoutMs: wholeTreeMsMax });
  if ((await unregister()).exitCode === 0) return;
  await rm(path, { recursive: true, force: true });
  await unregister();
}

/** Removes the marks last: an interrupted removal is found by them, and continues. */
async function removeTraces(place: WorktreePlace): Promise<void> {
  const directory = dirname(place.path);
  const name = basename(place.path);
  const names = await readdir(directory).catch(() => []);
  const indexes = names.filter((other) => other.startsWith(`${name}.${indexPrefix}`));
  for (const one of indexes) await rm(join(directory, one), { recursive: true, force: true });
  for (const kind of scratchKinds) await rm(scratchPath(place, kind), { recursive: true, force: true });
  for (const mark of marks) await dropMark(place, mark);
  await rmdir(directory).catch((error: unknown) => ignore(error, "another step's worktree is in it"));
}
