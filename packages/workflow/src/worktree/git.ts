/** The few git commands that a run needs. Programs are started through a port, with an argument list and no shell. */
import {
  AgentCoreError,
  ignore,
  isAgentCoreError,
  type Git,
  type GitAnswer,
  type GitOptions,
} from "@agentcore/contract";
import { lstat, readdir, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { isThere, realOf, unlessMissing } from "../places.ts";

/** Time limit of commands that read or write a whole work tree. */
export const wholeTreeMsMax = 30 * 60_000;

/** A git whose commands all end with the signal. */
export function gitUntil(git: Git, signal: AbortSignal): Git {
  return (cwd, args, options) => git(cwd, args, { signal, ...options });
}

/** The output of git; throws `AC_WORKFLOW_GIT` if it failed. */
export async function gitText(
  git: Git,
  cwd: string,
  args: readonly string[],
  options?: GitOptions,
): Promise<string> {
  const answer = await git(cwd, args, options);
  if (answer.exitCode === 0) return answer.stdout;
  throw gitFailed(cwd, args, answer);
}

/** `AC_WORKFLOW_GIT` with git's whole message. */
export function gitFailed(cwd: string, args: readonly string[], answer: GitAnswer): AgentCoreError {
  return new AgentCoreError(
    "AC_WORKFLOW_GIT",
    `git ${shownArgs(args)} failed in ${cwd} with exit code ${answer.exitCode}: ${wordsOf(answer)}`,
    { evidence: { cwd, args: [...args], exitCode: answer.exitCode } },
  );
}

/** Without the settings before the command, which this program adds. */
function shownArgs(args: readonly string[]): string {
  let at = 0;
  while (args[at] === "-c") at += 2;
  return args.slice(at).join(" ");
}

/**
 * Top level of the repository that contains the directory; null outside a repository. Throws `AC_WORKFLOW_GIT` with git's message
 * if git cannot read the repository: the caller would otherwise treat it as a place without rules.
 */
async function repositoryRoot(git: Git, cwd: string): Promise<string | null> {
  const asked = await git(cwd, ["rev-parse", "--show-toplevel"]).catch(notRun);
  if (!isAgentCoreError(asked) && asked.exitCode === 0) return withoutNewline(asked.stdout);
  const repository = await findRepository(cwd);
  if (repository === null) return null;
  const [code, reason] = isAgentCoreError(asked)
    ? ([asked.code, asked.message] as const)
    : (["AC_WORKFLOW_GIT", wordsOf(asked)] as const);
  throw new AgentCoreError(code, `the repository at ${repository} cannot be read: ${reason}`, {
    evidence: { repository },
  });
}

/** Codes that say nothing about the repository. */
const notRunCodes: ReadonlySet<string> = new Set(["AC_GIT_MISSING", "AC_GIT_TIMEOUT", "AC_GIT_FAILED"]);

function notRun(error: unknown): AgentCoreError {
  if (isAgentCoreError(error) && notRunCodes.has(error.code)) return error;
  throw error;
}

/** Git's whole message in one line: often only the first line names the error, and the last one the cure. */
const wordsOf = ({ stderr }: GitAnswer): string => stderr.trim().replaceAll(/\s*\n\s*/g, "; ");

/** Path of the entry that makes the directory, or one above it on the same file system, a repository, as git does. */
export async function findRepository(cwd: string): Promise<string | null> {
  const start = await stat(cwd);
  for (let at = resolve(cwd); ; at = dirname(at)) {
    const device = await stat(at).catch(() => null);
    if (device !== null && device.dev !== start.dev) return null;
    const sign = join(at, ".git");
    if (await mayBeThere(sign)) return sign;
    const parts = await Promise.all(["HEAD", "objects", "refs"].map((name) => isThere(join(at, name))));
    if (parts.every(Boolean)) return at;
    if (at === dirname(at)) return null;
  }
}

/** A path that cannot be checked may exist. An empty directory is no repository; git agrees. */
async function mayBeThere(path: string): Promise<boolean> {
  try {
    const found = await unlessMissing(lstat(path));
    return found?.isDirectory() === true ? (await readdir(path)).length > 0 : found !== null;
  } catch (error) {
    ignore(error, "it is there, or what is there is hidden from us");
    return true;
  }
}

/** Git's answers about a work tree. */
export interface Checkout {
  /** Top level. */
  readonly root: string;
  /** Real path of the directory that all worktrees of the repository share: `.git` may be a link. */
  readonly gitDir: string;
  /** Absolute path of the git directory of this work tree alone. It differs from `gitDir` only in a linked worktree. */
  readonly ownGitDir: string;
  /** Null for a detached HEAD. */
  readonly branch: string | null;
  /** Null if HEAD names no commit. */
  readonly head: string | null;
}

/** Null outside a repository, without a call. Throws as {@link repositoryRoot} does. One call, except in unusual repositories. */
export async function checkoutOf(git: Git, cwd: string): Promise<Checkout | null> {
  if ((await findRepository(cwd)) === null) return null;
  const questions = ["--show-toplevel", "--git-common-dir", "--absolute-git-dir", "HEAD^{commit}"];
  const asked = [...questions, "--symbolic-full-name", "HEAD"];
  const answers = await linesOf(git, cwd, asked, 5).catch(notRun);
  if (answers !== null && !isAgentCoreError(answers)) {
    const [root = "", gitDir = "", ownGitDir = "", head = "", ref = ""] = answers;
    const branch = ref === "HEAD" ? null : ref.replace(/^refs\/(heads\/)?/, "");
    return { root, gitDir: await realOf(resolve(cwd, gitDir)), ownGitDir, branch, head };
  }
  const root = await repositoryRoot(git, cwd);
  if (root === null) return null;
  return {
    root,
    gitDir: await realOf(
      resolve(root, withoutNewline(await gitText(git, root, ["rev-parse", "--git-common-dir"]))),
    ),
    ownGitDir: await gitDirOf(git, root),
    branch: await currentBranch(git, cwd),
    head: await commitOf(git, cwd, "HEAD"),
  };
}

/** Absolute path of the git directory; a linked worktree has its own. */
export async function gitDirOf(git: Git, cwd: string): Promise<string> {
  return withoutNewline(await gitText(git, cwd, ["rev-parse", "--absolute-git-dir"]));
}

/** Top level and git directory of a work tree, as git finds them there. */
export async function workTreeAt(git: Git, cwd: string): Promise<{ root: string; ownGitDir: string }> {
  const [root, ownGitDir] = (await linesOf(git, cwd, ["--show-toplevel", "--absolute-git-dir"], 2)) ?? [];
  if (root !== undefined && ownGitDir !== undefined) return { root, ownGitDir };
  return {
    root: withoutNewline(await gitText(git, cwd, ["rev-parse", "--show-toplevel"])),
    ownGitDir: await gitDirOf(git, cwd),
  };
}

/**
 * Answers to several questions of `rev-parse`, one line each. Null if git cannot answer one of them, or prints more lines than
 * answers (a path may contain a newline): then ask each question alone.
 */
async function linesOf(
  git: Git,
  cwd: string,
  questions: readonly string[],
  count: number,
): Promise<readonly string[] | null> {
  const { exitCode, stdout } = await git(cwd, ["rev-parse", ...questions]);
  const lines = withoutNewline(stdout).split("\n");
  return exitCode === 0 && lines.length === count ? lines : null;
}

const withoutNewline = (text: string): string => text.replace(/\n$/, "");

/** Id of the commit that a text names; null if it names none. The text need not be trusted. */
export async function commitOf(git: Git, cwd: string, ref: string): Promise<string | null> {
  const ask = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`];
  const { exitCode, stdout } = await git(cwd, ask);
  return exitCode === 0 ? stdout.trim() : null;
}

/** Null for a detached HEAD. */
async function currentBranch(git: Git, cwd: string): Promise<string | null> {
  const args = ["symbolic-ref", "--quiet", "--short", "HEAD"];
  const { exitCode, stdout, stderr } = await git(cwd, args);
  if (exitCode === 0) return stdout.trim();
  if (exitCode === 1) return null;
  throw gitFailed(cwd, args, { exitCode, stdout, stderr });
}

/** Whether HEAD names a branch that has no commit yet. */
export async function isUnborn(git: Git, cwd: string): Promise<boolean> {
  const args = ["log", "-1", "--format=%H"];
  const answer = await git(cwd, args);
  if (answer.exitCode === 0) return false;
  if (answer.stderr.includes("does not have any commits yet")) return true;
  throw gitFailed(cwd, args, answer);
}

interface Repository {
  readonly root: string;
  readonly gitDir: string;
}

/** For refs that only the holder of the repository's lock writes. Null removes a ref, which may be missing already. */
export async function setRefs(
  git: Git,
  repository: Repository,
  refs: Readonly<Record<string, string | null>>,
): Promise<void> {
  for (const ref of Object.keys(refs)) await dropRefLock(repository, ref);
  const lines = Object.entries(refs).map(([ref, commit]) =>
    commit === null ? `delete ${ref}\n` : `update ${ref} ${commit}\n`,
  );
  await gitText(git, repository.root, ["update-ref", "--stdin"], { input: lines.join("") });
}

/** Removes the lock that a killed git leaves on the ref. */
async function dropRefLock({ gitDir }: Repository, ref: string): Promise<void> {
  await rm(join(gitDir, `${ref}.lock`), { force: true });
}
