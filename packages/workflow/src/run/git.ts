/** The few git commands that a run needs. Programs are started through a port, with an argument list and no shell. */
import { AgentCoreError } from "@agentcore/contract";
import { rm } from "node:fs/promises";
import { join } from "node:path";

export interface GitAnswer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `git ARGS` in a directory, `env` besides the environment. Rejects only where git cannot be started. */
export type Git = (
  cwd: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
) => Promise<GitAnswer>;

/** What git printed; throws `AC_WORKFLOW_GIT` where it failed. */
export async function gitText(
  git: Git,
  cwd: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<string> {
  const { exitCode, stdout, stderr } = await git(cwd, args, env);
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

/** For refs that only the holder of the repository's lock writes. */
export async function setRef(git: Git, repository: Repository, ref: string, commit: string): Promise<void> {
  await dropRefLock(repository, ref);
  await gitText(git, repository.root, ["update-ref", ref, commit]);
}

/** One that is not there is fine. */
export async function removeRef(git: Git, repository: Repository, ref: string): Promise<void> {
  await dropRefLock(repository, ref);
  await gitText(git, repository.root, ["update-ref", "-d", ref]);
}

/** A git that was killed leaves its own lock on the ref, for ever. */
async function dropRefLock({ gitDir }: Repository, ref: string): Promise<void> {
  await rm(join(gitDir, `${ref}.lock`), { force: true });
}
