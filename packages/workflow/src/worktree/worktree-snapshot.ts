/**
 * Commits everything in a work tree, tracked or not, without changing the user's index. Ignored files and the content of
 * other repositories (submodules, nested ones) are not part of a snapshot.
 */
import { openPlacedFile, type Git } from "@agentcore/contract";
import { lstat, mkdtemp, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { commitOf, gitFailed, gitText, wholeTreeMsMax } from "./git.ts";
import { absolutePath, quotePath, shownPath, unquotePath, type GitPath } from "./git-path.ts";
import { isThere, isWithin, unlessMissing, throwAsGitProblem } from "../places.ts";
import { submoduleMode } from "./tree-changes.ts";
import { workTreeEnv, type WorkTree } from "./worktree-place.ts";

export interface SnapshotRequest {
  readonly tree: WorkTree;
  /** The index of the snapshot is beside this path, under a unique name: a killed git may leave its lock behind. */
  readonly indexBeside: string;
  /** Absolute paths that do not belong to the work. */
  readonly exclude: readonly string[];
  /** Receives the repositories in it that have no commit, which are then left out; without it they are an error. */
  readonly onLeftOut?: (repositories: readonly GitPath[]) => void;
  /** Others may write to it meanwhile. Default: no. */
  readonly isShared?: boolean;
  /** Where to keep its index for {@link isUnchanged}. */
  readonly keepIndexAs?: string;
}

export interface Snapshot {
  /** Id of the commit, or of the tree. */
  readonly id: string;
  /** Repositories inside the work tree: the snapshot names their commits, and not their content. */
  readonly repositories: readonly GitPath[];
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

/** Overrides the repository's settings that overlook changes: the work of a step is all that it changed. */
const faithful = [
  "core.fileMode=true",
  "core.symlinks=true",
  "core.ignoreCase=false",
  "core.trustctime=true",
  "core.checkStat=default",
  "core.untrackedCache=false",
  "core.safecrlf=false",
].flatMap((setting) => ["-c", setting]);

/**
 * Other steps may write and remove files during `git add`. Otherwise it is repeated only with other arguments: each try reads all
 * files, and a failed one leaves behind those that it has packed.
 */
const addTriesMax = 5;

/** A commit on top of HEAD. */
export async function snapshot(git: Git, request: SnapshotRequest): Promise<Snapshot> {
  const { id, repositories } = await snapshotTree(git, request);
  const { path } = request.tree;
  const commit = [...identity, "commit-tree", id, "-p", "HEAD", "-m", "snapshot of a workflow step"];
  const made = await gitText(git, path, commit, { env: workTreeEnv(request.tree) });
  return { id: made.trim(), repositories };
}

/** Only the tree, for an immediate comparison. */
export async function snapshotTree(git: Git, request: SnapshotRequest): Promise<Snapshot> {
  const { tree, indexBeside, keepIndexAs } = request;
  return withIndex(tree, indexBeside, async (env) => {
    await beginIndex(git, tree, env);
    const { repositories, isWhole } = await addAll(git, request, env);
    const id = (await gitText(git, tree.path, ["write-tree"], { env })).trim();
    if (keepIndexAs !== undefined && isWhole) await rename(env.GIT_INDEX_FILE, keepIndexAs);
    return { id, repositories };
  });
}

/**
 * Whether a snapshot now would equal the one whose index was kept. Also false if no index was kept, because files are left out of
 * the work tree.
 */
export async function isUnchanged(
  git: Git,
  tree: WorkTree,
  keptIndex: string,
  exclude: readonly string[],
): Promise<boolean> {
  if (!(await isThere(keptIndex))) return false;
  const env = { ...workTreeEnv(tree), GIT_INDEX_FILE: keptIndex };
  const excluded = exclude
    .filter((one) => isWithin(tree.path, one))
    .map((one) => `:(top,exclude,literal)${relative(tree.path, one)}`);
  const list = ["ls-files", "--modified", "--others", "--exclude-standard", "--", ".", ...excluded];
  const { exitCode, stdout } = await git(tree.path, [...faithful, ...list], {
    env,
    timeoutMs: wholeTreeMsMax,
  });
  return exitCode === 0 && stdout === "";
}

/** The environment of a temporary index, with what git needs to work on the tree. */
export type IndexEnv = ReturnType<typeof workTreeEnv> & Readonly<{ GIT_INDEX_FILE: string }>;

export async function withIndex<T>(
  tree: WorkTree,
  beside: string,
  work: (env: IndexEnv) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(`${beside}.${indexPrefix}`);
  try {
    return await work({ ...workTreeEnv(tree), GIT_INDEX_FILE: join(directory, "index") });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Begins as a copy of the current index. It knows which files did not change, so that git need not read them, and which a sparse
 * checkout leaves out, so that they do not look removed.
 */
async function beginIndex(git: Git, tree: WorkTree, env: IndexEnv): Promise<void> {
  const path = join(tree.gitDir, "index");
  const found = await unlessMissing(stat(path));
  if (found === null) {
    await gitText(git, tree.path, ["read-tree", "HEAD"], { env });
    return;
  }
  const writtenAtS = Math.floor(found.mtimeMs / 1000);
  await copyPlaced(path, env.GIT_INDEX_FILE);
  // Git reads a file again if it is as new as the index, because it may have changed within that tick; this is the time it uses.
  await utimes(env.GIT_INDEX_FILE, writtenAtS, writtenAtS);
}

/** A worker may have put a pipe in its place, and copying that would wait without end. */
async function copyPlaced(from: string, to: string): Promise<void> {
  const file = await openPlacedFile(from).catch(throwAsGitProblem);
  try {
    await writeFile(to, file.createReadStream({ autoClose: false }));
  } finally {
    await file.close();
  }
}

interface Added {
  readonly repositories: readonly GitPath[];
  /** False if a sparse checkout leaves files out of the work tree. */
  readonly isWhole: boolean;
}

/**
 * An index may mark files as unchanging, or as left out, which would hide changes and files that exist. Those that a sparse
 * checkout leaves out really do not exist.
 */
async function addAll(git: Git, request: SnapshotRequest, env: IndexEnv): Promise<Added> {
  const { path } = request.tree;
  await addSeen(git, request, env);
  const first = await listIndex(git, path, env);
  if (first.overlooked.length === 0) return first;
  // Entered again, without times: git compares whole seconds, and did not read the overlooked files when it wrote the index.
  const input = first.overlooked.map((entry) => `${entry}\n`).join("");
  await gitText(git, path, ["update-index", "--index-info"], { env, input });
  await addSeen(git, request, env);
  return listIndex(git, path, env);
}

/** `overlooked`: entries of files that exist and that git does not check, in the format of `git update-index --index-info`. */
async function listIndex(git: Git, path: string, env: IndexEnv) {
  const list = ["-c", "core.quotePath=true", "ls-files", "-v", "--stage"];
  const lines = await gitText(git, path, list, { env });
  const overlooked: string[] = [];
  const repositories: GitPath[] = [];
  let isWhole = true;
  for (const [, tag = "", entry = "", mode = "", name = ""] of lines.matchAll(
    /^(\S) ((\d+) \S+ \d\t(.*))$/gm,
  )) {
    if (mode === submoduleMode) repositories.push(unquotePath(name));
    if (!/[a-zS]/.test(tag)) continue;
    const isHere = tag.toUpperCase() !== "S" || (await isFound(absolutePath(path, unquotePath(name))));
    if (isHere) overlooked.push(entry);
    else isWhole = false;
  }
  return { overlooked, repositories, isWhole };
}

async function isFound(path: Buffer): Promise<boolean> {
  return (await unlessMissing(lstat(path))) !== null;
}

/** Adds everything that the index does not tell git to overlook. */
async function addSeen(git: Git, request: SnapshotRequest, env: IndexEnv): Promise<void> {
  const { tree, exclude, onLeftOut, isShared = false } = request;
  let sparse: readonly string[] = [];
  const excluded = exclude
    .filter((path) => isWithin(tree.path, path))
    .flatMap((path) => pathspecsWithout(Buffer.from(relative(tree.path, path)).toString("latin1")));
  let repositories: readonly GitPath[] = [];
  for (let tries = 1; ; tries++) {
    const options = {
      env,
      timeoutMs: wholeTreeMsMax,
      input: [".", ...excluded, ...repositories.map((name) => excluding(name))]
        .map((one) => `${quotePath(one)}\n`)
        .join(""),
    };
    const add = [...faithful, "add", "--all", ...sparse, "--pathspec-from-file=-"];
    const answer = await git(tree.path, add, options);
    if (answer.exitCode === 0) {
      if (repositories.length > 0) onLeftOut?.(repositories);
      return;
    }
    const asked = [...sparse, ...repositories].join();
    // Files that a sparse checkout leaves out are added only on request, which older versions of git do not know.
    if (answer.stderr.includes("sparse")) sparse = ["--sparse"];
    if (onLeftOut !== undefined) repositories = await repositoriesWithout(git, tree, env);
    const isAnotherThing = [...sparse, ...repositories].join() !== asked;
    if (tries === addTriesMax || !(isShared || isAnotherThing)) throw gitFailed(tree.path, add, answer);
  }
}

const excluding = (name: GitPath): GitPath => `:(top,exclude,literal)${name}`;

/** Git refuses a pathspec that names an ignored path, even to exclude it. A pattern that begins with a wildcard names none. */
function pathspecsWithout(path: GitPath): readonly GitPath[] {
  if (path === "") return [excluding(path)];
  const rest = path.slice(1).replaceAll(/[\\*?[\]]/g, String.raw`\$&`);
  const pattern = `:(top,exclude,glob)[\\${path.slice(0, 1)}]${rest}`;
  return [pattern, `${pattern}/**`];
}

/** Repositories without a commit, which no snapshot can name. Git lists those that are not submodules with a slash at the end. */
async function repositoriesWithout(git: Git, { path }: WorkTree, env: IndexEnv): Promise<readonly GitPath[]> {
  const args = ["-c", "core.quotePath=true", "ls-files", "--others", "--exclude-standard"];
  const names = namesIn(await gitText(git, path, args, { env })).filter((name) => name.endsWith("/"));
  const without: GitPath[] = [];
  for (const name of names.map((one) => one.slice(0, -1))) {
    const place = absolutePath(path, name).toString();
    if ((await commitOf(git, place, "HEAD")) === null) without.push(name);
  }
  return without;
}

const namesIn = (text: string): GitPath[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => unquotePath(line));

/** Repositories inside the snapshotted one: it names their commits, and not their content. None without a snapshot. */
export async function repositoriesIn(git: Git, root: string, commit: string): Promise<readonly GitPath[]> {
  const args = ["-c", "core.quotePath=true", "ls-tree", "-r", "--full-tree", commit];
  const { exitCode, stdout } = await git(root, args);
  const lines = exitCode === 0 ? stdout.split("\n") : [];
  return lines
    .filter((line) => line.startsWith(`${submoduleMode} `))
    .map((line) => unquotePath(line.slice(line.indexOf("\t") + 1)));
}

/** Those of them whose content is in the work tree, but in no commit of this repository. */
export async function ownRepositories(
  workTree: string,
  repositories: readonly GitPath[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of repositories.map((one) => shownPath(one))) {
    if (await isThere(join(workTree, name, ".git"))) found.push(name);
  }
  return found;
}
