/**
 * A git worktree of a step's own: made from a snapshot of the workspace as it is (untracked files included), turned into a
 * patch when the step is done, and removed only after everything in it is in a commit and in the patch. Both snapshots are
 * commits that a ref keeps. One git command at a time changes a repository's worktrees.
 */
import { AgentCoreError } from "@agentcore/contract";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { gitText, type Git } from "./git.ts";
import { isWithin } from "./places.ts";

export interface WorktreePlace {
  /** Top level of the repository. */
  readonly root: string;
  /** Of the worktree. */
  readonly path: string;
  /** Refs of its two snapshots are below this. */
  readonly refs: string;
}

/** In the repository's own directory, where no tool takes it for a part of the work. */
export function worktreePlace(
  base: { readonly root: string; readonly gitDir: string },
  runId: string,
  stepId: string,
): WorktreePlace {
  const name = stepId.replaceAll(/[^A-Za-z0-9._-]/g, "_");
  return {
    root: base.root,
    path: join(base.gitDir, "agentcore", runId, name),
    refs: `refs/agentcore/${runId}/${name}`,
  };
}

const identity = [
  "-c",
  "user.name=AgentCore",
  "-c",
  "user.email=agentcore@localhost",
  "-c",
  "commit.gpgSign=false",
];
const turns = new Map<string, Promise<unknown>>();

/** One after the other for each repository, in this process. */
function inTurn<T>(root: string, work: () => Promise<T>): Promise<T> {
  const next = (turns.get(root) ?? Promise.resolve()).then(work);
  const settled = next.then(
    () => {},
    () => {},
  );
  turns.set(root, settled);
  void settled.then(() => turns.get(root) === settled && turns.delete(root));
  return next;
}

/** Makes it, unless it is there. `exclude`: absolute path that is no part of the work. */
export function ensureWorktree(git: Git, place: WorktreePlace, exclude: string): Promise<void> {
  return inTurn(place.root, async () => {
    if ((await stat(join(place.path, ".git")).catch(() => null)) !== null) return;
    await mkdir(dirname(place.path), { recursive: true });
    const before = await snapshot(git, place.root, `${place.path}.index`, exclude);
    await gitText(git, place.root, ["update-ref", `${place.refs}/before`, before]);
    await gitText(git, place.root, ["worktree", "prune"]);
    await gitText(git, place.root, ["worktree", "add", "--force", "--detach", place.path, before]);
  });
}

export interface FinishRequest {
  readonly place: WorktreePlace;
  /** Absolute path of the patch. */
  readonly patchFile: string;
  readonly merge: "apply" | "none";
  /** Paths in the worktree that are no part of the work, such as copied inputs. */
  readonly exclude: readonly string[];
}

/**
 * Snapshot, patch, merge, removal. May be called again after an interruption. Throws `AC_WORKFLOW_GIT` where the patch does
 * not apply; everything is kept then.
 */
export function finishWorktree(git: Git, request: FinishRequest): Promise<void> {
  const { place, patchFile, merge, exclude } = request;
  return inTurn(place.root, async () => {
    if ((await stat(join(place.path, ".git")).catch(() => null)) === null) return;
    const after = await snapshot(
      git,
      place.path,
      `${place.path}.index`,
      ...exclude.map((path) => join(place.path, path)),
    );
    await gitText(git, place.root, ["update-ref", `${place.refs}/after`, after]);
    const patch = await gitText(git, place.root, [
      "diff",
      "--binary",
      "--full-index",
      `${place.refs}/before`,
      after,
    ]);
    await writeByRename(patchFile, patch);
    if (merge === "apply" && patch !== "") await applyOnce(git, place, patchFile);
    await gitText(git, place.root, ["worktree", "remove", "--force", place.path]);
  });
}

async function applyOnce(git: Git, { root, path }: WorktreePlace, patchFile: string): Promise<void> {
  const reversed = await git(root, ["apply", "--reverse", "--check", patchFile]);
  if (reversed.exitCode === 0) return;
  const { exitCode, stderr } = await git(root, ["apply", "--whitespace=nowarn", patchFile]);
  if (exitCode === 0) return;
  throw new AgentCoreError(
    "AC_WORKFLOW_GIT",
    `the step's changes do not apply to the workspace: ${stderr.trim()}; they are kept in ${patchFile} and ${path}`,
    { evidence: { patch: patchFile, worktree: path } },
  );
}

/** A commit of all that is there, tracked or not, without touching the index that people use. */
async function snapshot(
  git: Git,
  cwd: string,
  index: string,
  ...exclude: readonly string[]
): Promise<string> {
  const env = { GIT_INDEX_FILE: index };
  const left = exclude
    .filter((path) => isWithin(cwd, path))
    .map((path) => `:(exclude,literal)${relative(cwd, path)}`);
  try {
    await gitText(git, cwd, ["read-tree", "HEAD"], env);
    await gitText(git, cwd, ["add", "--all", "--", ".", ...left], env);
    const tree = (await gitText(git, cwd, ["write-tree"], env)).trim();
    const commit = [...identity, "commit-tree", tree, "-p", "HEAD", "-m", "snapshot of a workflow step"];
    return (await gitText(git, cwd, commit)).trim();
  } finally {
    await rm(index, { force: true });
  }
}

async function writeByRename(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}
