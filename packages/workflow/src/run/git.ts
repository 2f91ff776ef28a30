/** The few git commands that a run needs. Programs are started through a port, with an argument list and no shell. */
import { AgentCoreError } from "@agentcore/contract";
import { rm } from "node:fs/promises";
import { join } from "node:path";

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

/** What git printed; throws `AC_WORKFLOW_GIT` where it failed. */
export async function gitText(
  git: Git,
  cwd: string,
  args: readonly string[],
  options?: GitOptions,
): Promise<string> {
  const { exitCode, stdout, stderr } = await git(cwd, args, options);
  if (exitCode === 0) return stdout;
  throw new AgentCoreError(
    "AC_WORKFLOW_GIT",
    `git ${args.join(" ")} failed in ${cwd} with exit code ${exitCode}: ${stderr.trim()}`,
    { evidence: { cwd, args: [...args], exitCode } },
  );
}

/** Top level of the repository that holds the directory; null outside of one. */
export async function repositoryRoot(git: Git, cwd: string): Promise<string | null> {
  const { exitCode, stdout } = await git(cwd, ["rev-parse", "--show-toplevel"]);
  return exitCode === 0 ? stdout.replace(/\n$/, "") : null;
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
  const { exitCode, stdout } = await git(cwd, ["symbolic-ref", "--quiet", "--short", "HEAD"]);
  return exitCode === 0 ? stdout.trim() : null;
}

/** Files that differ from the commit, and untracked ones; relative to `cwd`. */
export async function changedSince(git: Git, cwd: string, ref: string): Promise<readonly string[]> {
  const differing = await gitText(git, cwd, ["diff", "--name-only", "--relative", "-z", ref, "--"]);
  const untracked = await gitText(git, cwd, ["ls-files", "--others", "--exclude-standard", "-z"]);
  return [...new Set([...differing.split("\0"), ...untracked.split("\0")])]
    .filter((path) => path !== "")
    .sort();
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
