/**
 * The lock of a repository: only one run at a time changes its worktrees and merges into its workspace, within this process
 * and between processes. Between processes it is a kernel lock, which SQLite takes on a file in the repository's git
 * directory. It ends with the process that holds it, so a dead owner never leaves it locked.
 */
import { AgentCoreError, sleep, type Clock } from "@agentcore/contract";
import type { Stats } from "node:fs";
import { lstat, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { unlessMissing } from "../places.ts";

/** Not a static import: an old Node would refuse that before anything could say which Node is needed. */
const sqlite = process.getBuiltinModule("node:sqlite");

export interface RepositoryLockOptions {
  readonly clock: Clock;
  /** Absolute path of the directory that all worktrees of the repository share. */
  readonly gitDir: string;
  /** Longest wait for another process. Default: 10 minutes, since it may be making a large worktree. */
  readonly waitMsMax?: number;
  /** Ends the wait; the call then rejects with `AC_CANCELLED`. */
  readonly signal?: AbortSignal | undefined;
}

const waitMsDefault = 600_000;
const pollMs = 20;
/** SQLite's code: another connection holds the file. */
const busy = 5;

const turns = new Map<string, Promise<unknown>>();

/** Rejects as `work` does, and with `AC_WORKFLOW_GIT` if another process holds the lock for longer than the wait. */
export function withRepositoryLock<T>(options: RepositoryLockOptions, work: () => Promise<T>): Promise<T> {
  const { gitDir } = options;
  const next = (turns.get(gitDir) ?? Promise.resolve()).then(() => locked(options, work));
  const settled = next.then(
    () => {},
    () => {},
  );
  turns.set(gitDir, settled);
  void settled.then(() => turns.get(gitDir) === settled && turns.delete(gitDir));
  return next;
}

const repositoryLockFile = (gitDir: string): string => join(gitDir, "agentcore", "lock");

async function locked<T>(options: RepositoryLockOptions, work: () => Promise<T>): Promise<T> {
  const path = repositoryLockFile(options.gitDir);
  await requirePlain(dirname(path), (found) => found.isDirectory());
  await mkdir(dirname(path), { recursive: true });
  await requirePlain(path, (found) => found.isFile());
  const file = new sqlite.DatabaseSync(path);
  try {
    await take(file, path, options);
    return await work();
  } finally {
    file.close();
  }
}

/** A worker can write in the repository: a link would make this process lock, and create files, somewhere else. */
async function requirePlain(path: string, isPlain: (found: Stats) => boolean): Promise<void> {
  const found = await unlessMissing(lstat(path));
  if (found === null || isPlain(found)) return;
  const message = `${path} was replaced with something that no run makes; remove it`;
  throw new AgentCoreError("AC_WORKFLOW_GIT", message, { evidence: { path } });
}

async function take(file: DatabaseSync, path: string, options: RepositoryLockOptions): Promise<void> {
  const { clock, waitMsMax = waitMsDefault, signal } = options;
  const deadlineMs = clock.monotonicMs() + waitMsMax;
  for (;;) {
    if (signal?.aborted === true) throw new AgentCoreError("AC_CANCELLED", `${path} is no longer waited for`);
    if (tryToTake(file)) return;
    if (clock.monotonicMs() >= deadlineMs) {
      const message = `another process has worked on the repository for longer than ${waitMsMax} ms; it holds ${path}`;
      throw new AgentCoreError("AC_WORKFLOW_GIT", message, { evidence: { lock: path } });
    }
    await sleep(clock, pollMs);
  }
}

function tryToTake(file: DatabaseSync): boolean {
  try {
    file.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (((error as { readonly errcode?: number }).errcode ?? 0) % 256 === busy) return false;
    throw error;
  }
}
