/**
 * Commits of everything that is in a directory, tracked or not, made without touching the index that people use; and what
 * can be told from two of them. Ignored files are no part of a snapshot.
 */
import { copyFile, mkdtemp, rm, stat, utimes } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { gitText, type Git } from "./git.ts";
import { isThere, isWithin } from "./places.ts";
import type { WorktreePlace } from "./worktree.ts";

export interface SnapshotRequest {
  readonly cwd: string;
  /** The index of the snapshot lies beside this path, under a name of its own: a killed git may leave its lock behind. */
  readonly indexBeside: string;
  /** Absolute paths that are no part of the work. */
  readonly exclude: readonly string[];
}

export const indexPrefix = "index-";

const identity = [
  "-c",
  "user.name=AgentCore",
  "-c",
  "user.email=agentcore@localhost",
  "-c",
  "commit.gpgSign=false",
];

/** Other steps may write and remove files while they are added. */
const addTriesMax = 5;

/** Answers the commit. */
export async function snapshot(git: Git, { cwd, indexBeside, exclude }: SnapshotRequest): Promise<string> {
  return withIndex(indexBeside, async (env) => {
    await beginIndex(git, cwd, env);
    const add = ["add", "--all", "--", ".", ...(await pathspecsWithout(git, cwd, env, exclude))];
    for (let tries = 1; ; tries++) {
      if (tries === addTriesMax) await gitText(git, cwd, add, { env });
      else if ((await git(cwd, add, { env })).exitCode !== 0) continue;
      break;
    }
    const tree = (await gitText(git, cwd, ["write-tree"], { env })).trim();
    const commit = [...identity, "commit-tree", tree, "-p", "HEAD", "-m", "snapshot of a workflow step"];
    return (await gitText(git, cwd, commit)).trim();
  });
}

type IndexEnv = Readonly<{ GIT_INDEX_FILE: string }>;

async function withIndex<T>(beside: string, work: (env: IndexEnv) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(`${beside}.${indexPrefix}`);
  try {
    return await work({ GIT_INDEX_FILE: join(directory, "index") });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * As the index that is there: it knows which files did not change, so that they need not be read, and which are left out of a
 * sparse checkout, so that they do not look removed.
 */
async function beginIndex(git: Git, cwd: string, env: IndexEnv): Promise<void> {
  const path = resolve(cwd, (await gitText(git, cwd, ["rev-parse", "--git-path", "index"])).trim());
  try {
    const writtenAtS = Math.floor((await stat(path)).mtimeMs / 1000);
    await copyFile(path, env.GIT_INDEX_FILE);
    // Git reads a file again that is as new as the index, since it may have changed within that tick; it goes by this time.
    await utimes(env.GIT_INDEX_FILE, writtenAtS, writtenAtS);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await gitText(git, cwd, ["read-tree", "HEAD"], { env });
  }
}

/** An ignored path is left out by git itself, which refuses a pathspec that names one. */
async function pathspecsWithout(
  git: Git,
  cwd: string,
  env: IndexEnv,
  exclude: readonly string[],
): Promise<readonly string[]> {
  const pathspecs: string[] = [];
  for (const path of exclude.filter((one) => isWithin(cwd, one))) {
    const name = relative(cwd, path);
    const { exitCode } = await git(cwd, ["check-ignore", "--quiet", "--", name], { env });
    if (exitCode !== 0) pathspecs.push(`:(exclude,literal)${name}`);
  }
  return pathspecs;
}

/** Files between `before` and `after` that the workspace does not have as they are in `after`; `isPart`: it has the others. */
export async function unfinishedPaths(
  git: Git,
  { root, path, refs }: WorktreePlace,
): Promise<{ readonly paths: readonly string[]; readonly isPart: boolean }> {
  const between = ["diff-tree", "-r", "-z", "--no-renames"];
  const names = async (...args: string[]) =>
    splitNames(
      await gitText(git, root, [...between, "--name-only", ...args, `${refs}/before`, `${refs}/after`]),
    );
  const changed = await names();
  const removed = new Set(await names("--diff-filter=D"));
  const differing = await withIndex(path, async (env) => {
    await gitText(git, root, ["read-tree", `${refs}/after`], { env });
    // Answers 1 where a file differs, which is what is asked for.
    await git(root, ["update-index", "-q", "--refresh"], { env });
    return new Set(splitNames(await gitText(git, root, ["diff-files", "--name-only", "-z"], { env })));
  });
  const paths: string[] = [];
  for (const name of changed) {
    if (differing.has(name) || (removed.has(name) && (await isThere(join(root, name))))) paths.push(name);
  }
  return { paths, isPart: paths.length > 0 && paths.length < changed.length };
}

const splitNames = (text: string): string[] => text.split("\0").filter((name) => name !== "");

/** Directories in the worktree that are repositories themselves: a snapshot only names their commits. */
export async function ownRepositoriesIn(
  git: Git,
  { root, path, refs }: WorktreePlace,
): Promise<readonly string[]> {
  const { exitCode, stdout } = await git(root, ["ls-tree", "-r", "-z", `${refs}/after`]);
  if (exitCode !== 0) return [];
  const links = splitNames(stdout).filter((line) => line.startsWith("160000 "));
  const found: string[] = [];
  for (const line of links) {
    const name = line.slice(line.indexOf("\t") + 1);
    if (await isThere(join(path, name, ".git"))) found.push(name);
  }
  return found;
}
