/**
 * Changes the workspace from one snapshot to another. All content is prepared first, then every file is checked again, then
 * each is renamed into place. A file is always in its old or its new state, so an interrupted application continues by
 * comparing each file with both snapshots.
 */
import { AgentCoreError, errorCode, isMissingOrBelowFile, type Git } from "@agentcore/contract";
import { constants } from "node:fs";
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
  unlink,
} from "node:fs/promises";
import { join } from "node:path";
import { gitText } from "./git.ts";
import { absolutePath, directoriesAbove, type GitPath } from "./git-path.ts";
import { unlessMissing } from "../places.ts";
import {
  indexLine,
  isSameEntry,
  linkMode,
  treeChanges,
  type TreeChange,
  type TreeEntry,
} from "./tree-changes.ts";
import { scratchPath, workTreeEnv, type WorkTree, type WorktreePlace } from "./worktree-place.ts";
import { conflictError, type Conflict } from "./merge-snapshots.ts";
import { withIndex } from "./worktree-snapshot.ts";

export interface ApplyRequest {
  readonly place: WorktreePlace;
  readonly workspace: WorkTree;
  readonly worktree: WorkTree;
  /** The changes to make in the workspace. */
  readonly changes: readonly TreeChange[];
  /** The step's changes in its worktree; includes at least these paths. */
  readonly byStep: readonly TreeChange[];
  readonly patchFile: string;
  /** The state of the files before the workspace was compared. */
  readonly looks: Looks;
}

/** Throws `AC_WORKFLOW_GIT`; if a file is in the way, nothing was changed. */
export async function applyMerged(git: Git, request: ApplyRequest): Promise<void> {
  const { place, workspace, changes, patchFile, looks } = request;
  const { root, refs } = place;
  const removed = new Set(changes.filter(({ to }) => to === null).map(({ path }) => path));
  const staged = await stage(git, request);
  try {
    const conflicts: Conflict[] = [];
    for (const change of changes) {
      const reason = await obstacle(root, change, removed, looks);
      if (reason !== null) conflicts.push({ path: change.path, reason });
    }
    if (conflicts.length > 0) throw conflictError(place, conflicts, patchFile);
    await putAll(workspace, changes, staged).catch((error: unknown) => {
      const message = `the step's changes are in the workspace only in part: ${String(error)}; all of them are in ${patchFile} and ${refs}/after`;
      throw new AgentCoreError("AC_WORKFLOW_GIT", message, { cause: error });
    });
  } finally {
    await rm(scratchPath(place, "stage"), { recursive: true, force: true });
  }
}

type Open =
  | { readonly changes: readonly TreeChange[] }
  | { readonly conflicts: readonly Conflict[]; readonly changes?: never };

/**
 * What an interrupted merge has yet to do, given a snapshot of the current workspace. A file that is neither in its old nor in
 * its new state is a conflict.
 */
export async function openChanges(git: Git, { root, refs }: WorktreePlace, now: string): Promise<Open> {
  const wanted = await treeChanges(git, root, `${refs}/ours`, `${refs}/merged`);
  const done = await treeChanges(git, root, `${refs}/ours`, now);
  const doneByPath = new Map(done.map((change) => [change.path, change.to]));
  const changes: TreeChange[] = [];
  const conflicts: Conflict[] = [];
  for (const change of wanted) {
    const found = doneByPath.has(change.path) ? (doneByPath.get(change.path) ?? null) : change.from;
    if (isSameEntry(found, change.from)) changes.push(change);
    else if (!isSameEntry(found, change.to))
      conflicts.push({ path: change.path, reason: "it was changed while the merge was interrupted" });
  }
  return conflicts.length > 0 ? { conflicts } : { changes };
}

/** Files that are ready to be moved to their places; by path. */
type Staged = ReadonlyMap<GitPath, Buffer>;

/**
 * A file that is as the step left it is copied from the step's worktree, byte for byte. Git writes a merged file, with the line
 * endings that the repository configures.
 */
async function stage(git: Git, { place, worktree, changes, byStep }: ApplyRequest): Promise<Staged> {
  const { path } = place;
  const directory = scratchPath(place, "stage");
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const after = new Map(byStep.map((change) => [change.path, change.to]));
  const staged = new Map<GitPath, Buffer>();
  const toWrite: { path: GitPath; entry: TreeEntry }[] = [];
  for (const [index, { path: name, to }] of changes.entries()) {
    if (to === null) continue;
    if (after.get(name)?.id !== to.id) {
      toWrite.push({ path: name, entry: to });
      continue;
    }
    const copy = Buffer.from(join(directory, String(index)));
    await copyEntry(absolutePath(path, name), copy, to);
    staged.set(name, copy);
  }
  if (toWrite.length === 0) return staged;
  const written = join(directory, "written");
  await withIndex(worktree, path, async (env) => {
    const input = toWrite.map((one) => indexLine(one.path, one.entry)).join("");
    await gitText(git, path, ["update-index", "--add", "--index-info"], { env, input });
    await gitText(git, path, ["checkout-index", "--all", `--prefix=${written}/`], {
      env: { ...workTreeEnv(worktree), GIT_INDEX_FILE: env.GIT_INDEX_FILE },
    });
  });
  for (const { path: name } of toWrite) staged.set(name, absolutePath(written, name));
  return staged;
}

async function copyEntry(from: Buffer, to: Buffer, { mode }: TreeEntry): Promise<void> {
  if (mode === linkMode) return symlink(await readlink(from, "buffer"), to);
  await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
}

/** A file's inode and times, or null if there is none; by path. */
export type Looks = ReadonlyMap<GitPath, string | null>;

export async function lookAt(root: string, paths: readonly GitPath[]): Promise<Looks> {
  const looks = new Map<GitPath, string | null>();
  for (const path of paths) looks.set(path, await lookOf(absolutePath(root, path)));
  return looks;
}

async function lookOf(path: Buffer): Promise<string | null> {
  const found = await unlessMissing(lstat(path, { bigint: true }));
  return found === null ? null : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

/** Why the file cannot be put there, or null if it can. */
async function obstacle(
  root: string,
  { path, from, to }: TreeChange,
  removed: ReadonlySet<GitPath>,
  looks: Looks,
): Promise<string | null> {
  const place = absolutePath(root, path);
  for (const directory of directoriesAbove(path)) {
    const found = await unlessMissing(lstat(absolutePath(root, directory)));
    if (found === null || (!found.isDirectory() && removed.has(directory))) return null;
    if (!found.isDirectory()) return "a directory above it is a file or a link in the workspace";
  }
  const found = await unlessMissing(lstat(place));
  if (found === null) return null;
  if (found.isDirectory()) {
    if (to === null) return null;
    return (await isEmptied(root, path, removed)) ? null : "a directory with other files is in its place";
  }
  if (from === null) return "a file that git ignores is in its place";
  const look = looks.get(path);
  return look !== undefined && look !== (await lookOf(place))
    ? "it is changed in the workspace right now"
    : null;
}

/** Whether the directory is empty once the files are removed. */
async function isEmptied(root: string, directory: GitPath, removed: ReadonlySet<GitPath>): Promise<boolean> {
  const entries = await readdir(absolutePath(root, directory), { withFileTypes: true, encoding: "buffer" });
  for (const entry of entries) {
    const path = `${directory}/${entry.name.toString("latin1")}`;
    const goes = entry.isDirectory() ? await isEmptied(root, path, removed) : removed.has(path);
    if (!goes) return false;
  }
  return true;
}

/** Removals first: a directory may become a file, and a file a directory. */
async function putAll(workspace: WorkTree, changes: readonly TreeChange[], staged: Staged): Promise<void> {
  const root = workspace.path;
  for (const { path, to } of changes) if (to === null) await removeFile(root, path);
  for (const { path, to } of changes) {
    const ready = staged.get(path);
    if (to === null || ready === undefined) continue;
    const place = absolutePath(root, path);
    const found = await unlessMissing(lstat(place));
    if (found?.isDirectory() === true) await removeEmptied(root, path);
    const parent = directoriesAbove(path).at(-1);
    if (parent !== undefined) await mkdir(absolutePath(root, parent), { recursive: true });
    if (to.mode !== linkMode) {
      const bits = found?.isFile() === true ? found.mode : (await lstat(ready)).mode;
      await chmod(ready, permissions(bits, to.mode === "100755"));
    }
    await move(ready, place);
  }
}

async function removeFile(root: string, path: GitPath): Promise<void> {
  const place = absolutePath(root, path);
  const found = await unlessMissing(lstat(place));
  // A directory is in the place of a file that is already gone.
  if (found !== null && !found.isDirectory()) await unlink(place);
  for (const directory of directoriesAbove(path).toReversed()) {
    if (!(await removeDirectory(absolutePath(root, directory)))) return;
  }
}

async function removeEmptied(root: string, directory: GitPath): Promise<void> {
  const place = absolutePath(root, directory);
  for (const name of await readdir(place, { encoding: "buffer" })) {
    await removeEmptied(root, `${directory}/${name.toString("latin1")}`);
  }
  await rmdir(place);
}

/** Returns whether the directory is gone; one that is not empty stays. */
async function removeDirectory(directory: Buffer): Promise<boolean> {
  try {
    await rmdir(directory);
    return true;
  } catch (error) {
    if (isMissingOrBelowFile(error)) return true;
    const code = errorCode(error);
    if (code === "ENOTEMPTY" || code === "EEXIST" || code === "EBUSY") return false;
    throw error;
  }
}

/** Git knows one permission only: whether a file is executable. The others do not change. */
function permissions(mode: number, isProgram: boolean): number {
  const plain = mode & 0o666;
  return isProgram ? plain | ((plain & 0o444) >> 2) : plain;
}

/** The workspace may be on another file system than the repository's directory. */
async function move(from: Buffer, to: Buffer): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    const beside = Buffer.concat([to, Buffer.from(".agentcore-new")]);
    await rm(beside, { force: true });
    const found = await lstat(from);
    if (found.isSymbolicLink()) await symlink(await readlink(from, "buffer"), beside);
    else {
      await copyFile(from, beside);
      await chmod(beside, found.mode & 0o777);
    }
    await rename(beside, to);
  }
}
