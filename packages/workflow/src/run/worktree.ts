/**
 * A git worktree of a step's own: made from a snapshot of the workspace as it is (untracked files included), turned into a
 * patch and merged when the step is done, and removed once the step's end is journaled. Nothing is removed before it is
 * saved: what was merged is in the workspace and in the patch, anything else is in a commit that a ref keeps. Each of the
 * three may be interrupted anywhere and called again: small files beside the worktree say how far it had come.
 */
import { AgentCoreError, ignore, type Clock } from "@agentcore/contract";
import { mkdir, readdir, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { gitText, removeRef, setRef, type Git } from "./git.ts";
import { isThere } from "./places.ts";
import { withRepositoryLock } from "./repository-lock.ts";
import { shortHash } from "./short-hash.ts";
import { indexPrefix, ownRepositoriesIn, snapshot, unfinishedPaths } from "./worktree-snapshot.ts";

export interface WorktreePlace {
  /** Top level of the repository. */
  readonly root: string;
  /** Absolute path of what all its worktrees share. */
  readonly gitDir: string;
  /** Of the worktree. */
  readonly path: string;
  /** Refs of its two snapshots, `before` and `after`, are below this. */
  readonly refs: string;
}

export interface WorktreePorts {
  readonly git: Git;
  readonly clock: Clock;
}

/** In the repository's own directory, where no tool takes it for a part of the work. */
export function worktreePlace(
  base: { readonly root: string; readonly gitDir: string },
  runId: string,
  stepId: string,
): WorktreePlace {
  const plain = stepId.replaceAll(/[^A-Za-z0-9_-]/g, "_");
  // Two combinations of a matrix may read alike without their signs.
  const name = plain === stepId ? plain : `${plain}-${shortHash(stepId)}`;
  return {
    root: base.root,
    gitDir: base.gitDir,
    path: join(base.gitDir, "agentcore", runId, name),
    refs: `refs/agentcore/${runId}/${name}`,
  };
}

/**
 * - `ready`: it is whole, and may have been worked in.
 * - `merged`: its patch is written, and merged where that was asked for.
 * - `saved`: all that is in it is in the snapshot `after`.
 */
type Mark = "ready" | "merged" | "saved";

const markFile = ({ path }: WorktreePlace, mark: Mark): string => `${path}.${mark}`;
const isMarked = (place: WorktreePlace, mark: Mark): Promise<boolean> => isThere(markFile(place, mark));
const setMark = (place: WorktreePlace, mark: Mark): Promise<void> => writeFile(markFile(place, mark), "");

/** Makes it, unless it is there. `exclude`: absolute path that is no part of the work. */
export async function ensureWorktree(
  { git, clock }: WorktreePorts,
  place: WorktreePlace,
  exclude: string,
): Promise<void> {
  const { root, gitDir, path, refs } = place;
  if (await isMarked(place, "ready")) return;
  await withRepositoryLock({ clock, gitDir }, async () => {
    // One that was interrupted while it was made is there by half; nothing has worked in it.
    await removeDirectory(git, place);
    await mkdir(dirname(path), { recursive: true });
    const before = await snapshot(git, { cwd: root, indexBeside: path, exclude: [exclude] });
    await setRef(git, place, `${refs}/before`, before);
    await gitText(git, root, ["worktree", "add", "--force", "--detach", path, before]);
    await setMark(place, "ready");
  });
}

export interface MergeRequest {
  readonly place: WorktreePlace;
  /** Absolute path of the patch. */
  readonly patchFile: string;
  readonly merge: "apply" | "none";
  /** Paths in the worktree that are no part of the work, such as copied inputs. */
  readonly exclude: readonly string[];
}

/**
 * Snapshot, patch, merge. May be called again after an interruption. Throws `AC_WORKFLOW_GIT` where the patch does not
 * apply; the workspace is as it was then.
 */
export async function mergeWorktree({ git, clock }: WorktreePorts, request: MergeRequest): Promise<void> {
  const { place, patchFile, merge } = request;
  const { gitDir, path, refs } = place;
  await withRepositoryLock({ clock, gitDir }, async () => {
    if (await isMarked(place, "merged")) return;
    const exclude = request.exclude.map((name) => join(path, name));
    const after = await snapshot(git, { cwd: path, indexBeside: path, exclude });
    await setRef(git, place, `${refs}/after`, after);
    await writePatch(git, place, patchFile);
    if (merge === "apply" && (await stat(patchFile)).size > 0) await applyOnce(git, place, patchFile);
    await setMark(place, "merged");
  });
}

/** The plumbing command, since the other one listens to how people like to see differences. */
async function writePatch(
  git: Git,
  { root, refs }: WorktreePlace,
  file: string,
  paths: readonly string[] = [],
): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const form = ["-r", "-p", "--binary", "--full-index", "--no-ext-diff", "--no-textconv"];
  const args = [
    "diff-tree",
    ...form,
    `--output=${file}.new`,
    `${refs}/before`,
    `${refs}/after`,
    "--",
    ...paths,
  ];
  await gitText(git, root, args, { env: { GIT_LITERAL_PATHSPECS: "1" } });
  await rename(`${file}.new`, file);
}

async function applyOnce(git: Git, place: WorktreePlace, patchFile: string): Promise<void> {
  const { root, path, refs } = place;
  const apply = (...args: string[]) => git(root, ["apply", "--whitespace=nowarn", ...args]);
  if ((await apply("--reverse", "--check", patchFile)).exitCode === 0) return;
  const { exitCode, stderr } = await apply(patchFile);
  if (exitCode === 0) return;
  // An earlier try may have been interrupted between two files.
  const { paths, isPart } = await unfinishedPaths(git, place);
  if (isPart) {
    const restFile = `${path}.${indexPrefix}rest`;
    await writePatch(git, place, restFile, paths);
    if ((await apply(restFile)).exitCode === 0) return;
  }
  throw new AgentCoreError(
    "AC_WORKFLOW_GIT",
    `the step's changes do not apply to the workspace: ${stderr.trim()}; they are kept in ${patchFile} and as ${refs}/after`,
    { evidence: { patch: patchFile, ref: `${refs}/after` } },
  );
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
  const { gitDir, path, refs } = place;
  if (!(await isThere(dirname(path)))) return "removed";
  return withRepositoryLock({ clock, gitDir }, async () => {
    const isUnmerged = !isMerged && (await isMarked(place, "ready"));
    if (isUnmerged && !(await isMarked(place, "saved"))) await save(git, place);
    const own = isMerged || isUnmerged ? await ownRepositoriesIn(git, place) : [];
    if (own.length > 0) return "kept";
    await removeDirectory(git, place);
    const isKept = isUnmerged && (await hasChanges(git, place));
    if (!isKept) for (const name of ["before", "after"]) await removeRef(git, place, `${refs}/${name}`);
    await removeTraces(place);
    return isKept ? "saved" : "removed";
  });
}

async function save(git: Git, place: WorktreePlace): Promise<void> {
  const { path, refs } = place;
  const after = await snapshot(git, { cwd: path, indexBeside: path, exclude: [] });
  await setRef(git, place, `${refs}/after`, after);
  await setMark(place, "saved");
}

async function hasChanges(git: Git, { root, refs }: WorktreePlace): Promise<boolean> {
  const differ = await git(root, ["diff-tree", "--quiet", `${refs}/before`, `${refs}/after`]);
  const commits = await git(root, ["rev-list", "--count", `${refs}/before..${refs}/after^`]);
  return differ.exitCode !== 0 || commits.stdout.trim() !== "0";
}

/** Whatever is there of it, registered with git or not. Worktrees of others are not looked at. */
async function removeDirectory(git: Git, { root, path }: WorktreePlace): Promise<void> {
  const unregister = () => git(root, ["worktree", "remove", "--force", "--force", path]);
  if ((await unregister()).exitCode === 0) return;
  await rm(path, { recursive: true, force: true });
  await unregister();
}

/** The marks last of all: with them an interrupted removal is found and goes on. */
async function removeTraces(place: WorktreePlace): Promise<void> {
  const directory = dirname(place.path);
  const name = basename(place.path);
  const names = await readdir(directory).catch(() => []);
  for (const one of names.filter((other) => other.startsWith(`${name}.${indexPrefix}`))) {
    await rm(join(directory, one), { recursive: true, force: true });
  }
  for (const mark of ["saved", "merged", "ready"] as const) await rm(markFile(place, mark), { force: true });
  await rmdir(directory).catch((error: unknown) => ignore(error, "another step's worktree is in it"));
}
