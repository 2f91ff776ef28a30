/** The few git commands that a run needs. Programs are started through a port, with an argument list and no shell. */
import { AgentCoreError, ignore, isAgentCoreError } from "@agentcore/contract";
import { lstat, readdir, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { isThere, unlessMissing } from "./places.ts";

export interface GitOptions {
  /** Besides the environment of git, such as `GIT_INDEX_FILE`. */
  readonly env?: Readonly<Record<string, string>>;
  /** What git reads from its stdin. Default: nothing. */
  readonly input?: string;
  /** Default 60,000. */
  readonly timeoutMs?: number;
  /** Ends git at once; the call then rejects with `AC_CANCELLED`. */
  readonly signal?: AbortSignal;
}

export interface GitAnswer {
  readonly exitCode: number;
  readonly stdout: string;
  /** All that git said. */
  readonly stderr: string;
}

/**
 * Runs `git ARGS` in a directory, with hooks, monitors and external diffs off. Resolves where git ran to its end, whatever
 * its exit code. Rejects with `AC_GIT_MISSING`, `AC_GIT_TIMEOUT`, `AC_GIT_FAILED`, `AC_CANCELLED`, or
 * `AC_WORKSPACE_MISSING` where there is no such directory; none of these says anything about the repository.
 */
export type Git = (cwd: string, args: readonly string[], options?: GitOptions) => Promise<GitAnswer>;

/** Limit of commands that read or write a whole work tree. */
export const wholeTreeMsMax = 30 * 60_000;

/** Ends every command with the signal. */
export function gitUntil(git: Git, signal: AbortSignal): Git {
  return (cwd, args, options) => git(cwd, args, { signal, ...options });
}

/** What git printed; throws `AC_WORKFLOW_GIT` where it failed. */
export async function gitText(
  git: Git,
  cwd: string,
  args: readonly string[],
  options?: GitOptions,
): Promise<string> {
  const answer = await git(cwd, args, options);
  if (answer.exitCode === 0) return answer.stdout;
  throw failed(cwd, args, answer);
}

function failed(cwd: string, args: readonly string[], answer: GitAnswer): AgentCoreError {
  return new AgentCoreError(
    "AC_WORKFLOW_GIT",
    `git ${shownArgs(args)} failed in ${cwd} with exit code ${answer.exitCode}: ${wordsOf(answer)}`,
    { evidence: { cwd, args: [...args], exitCode: answer.exitCode } },
  );
}

/** Without the settings before the command, which are ours. */
function shownArgs(args: readonly string[]): string {
  let at = 0;
  while (args[at] === "-c") at += 2;
  return args.slice(at).join(" ");
}

/**
 * Top level of the repository that holds the directory; null outside of one. Throws `AC_WORKFLOW_GIT` with git's words where
 * a repository is there and git does not read it: the caller would take it for a place without rules.
 */
export async function repositoryRoot(git: Git, cwd: string): Promise<string | null> {
  const asked = await git(cwd, ["rev-parse", "--show-toplevel"]).catch(notRun);
  if (!isAgentCoreError(asked) && asked.exitCode === 0) return asked.stdout.replace(/\n$/, "");
  const repository = await findRepository(cwd);
  if (repository === null) return null;
  const [code, reason] = isAgentCoreError(asked)
    ? ([asked.code, asked.message] as const)
    : (["AC_WORKFLOW_GIT", wordsOf(asked)] as const);
  throw new AgentCoreError(code, `the repository at ${repository} cannot be read: ${reason}`, {
    evidence: { repository },
  });
}

/** What says nothing about the repository. */
const notRunCodes: ReadonlySet<string> = new Set(["AC_GIT_MISSING", "AC_GIT_TIMEOUT", "AC_GIT_FAILED"]);

function notRun(error: unknown): AgentCoreError {
  if (isAgentCoreError(error) && notRunCodes.has(error.code)) return error;
  throw error;
}

/** All that git said, in one line: often only the first line names the error, and the last one the cure. */
const wordsOf = ({ stderr }: GitAnswer): string => stderr.trim().replaceAll(/\s*\n\s*/g, "; ");

/** Path of what makes the directory, or one above it on the same file system, a repository; git looks no further either. */
async function findRepository(cwd: string): Promise<string | null> {
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

/** A path that cannot be looked at may be there. An empty directory is no repository, for git neither. */
async function mayBeThere(path: string): Promise<boolean> {
  try {
    const found = await unlessMissing(lstat(path));
    return found?.isDirectory() === true ? (await readdir(path)).length > 0 : found !== null;
  } catch (error) {
    ignore(error, "it is there, or what is there is hidden from us");
    return true;
  }
}

/** Absolute path of the repository's directory; that of a linked worktree is its own. */
export async function gitDirOf(git: Git, cwd: string): Promise<string> {
  return (await gitText(git, cwd, ["rev-parse", "--absolute-git-dir"])).replace(/\n$/, "");
}

/** Id of the commit that a text names; null where it names none. The text may come from anywhere. */
export async function commitOf(git: Git, cwd: string, ref: string): Promise<string | null> {
  const ask = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`];
  const { exitCode, stdout } = await git(cwd, ask);
  return exitCode === 0 ? stdout.trim() : null;
}

/** Null for a detached HEAD. */
export async function currentBranch(git: Git, cwd: string): Promise<string | null> {
  const args = ["symbolic-ref", "--quiet", "--short", "HEAD"];
  const { exitCode, stdout, stderr } = await git(cwd, args);
  if (exitCode === 0) return stdout.trim();
  if (exitCode === 1) return null;
  throw failed(cwd, args, { exitCode, stdout, stderr });
}

/** Whether HEAD names a branch that has no commit yet. */
export async function isUnborn(git: Git, cwd: string): Promise<boolean> {
  const args = ["log", "-1", "--format=%H"];
  const answer = await git(cwd, args);
  if (answer.exitCode === 0) return false;
  if (answer.stderr.includes("does not have any commits yet")) return true;
  throw failed(cwd, args, answer);
}

interface Repository {
  readonly root: string;
  readonly gitDir: string;
}

/** For refs that only the holder of the repository's lock writes. Null removes one; one that is not there is fine. */
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

/** A git that was killed leaves its own lock on the ref. */
async function dropRefLock({ gitDir }: Repository, ref: string): Promise<void> {
  await rm(join(gitDir, `${ref}.lock`), { force: true });
}
