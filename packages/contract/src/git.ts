/** The port through which git runs. The implementation contains and limits git. */

export interface GitOptions {
  /** Variables in addition to git's environment, such as `GIT_INDEX_FILE`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text for git's stdin. Default: none. */
  readonly input?: string;
  /** Time limit in milliseconds. Default 60,000. */
  readonly timeoutMs?: number;
  /** Kills git at once; the call then rejects with `AC_CANCELLED`. */
  readonly signal?: AbortSignal;
}

export interface GitAnswer {
  readonly exitCode: number;
  readonly stdout: string;
  /** Git's error output, up to 1 MiB. */
  readonly stderr: string;
}

/**
 * Runs `git ARGS` in a directory, with hooks, monitors and external diffs off. Resolves when git has exited, with any exit
 * code. Rejects with `AC_WORKSPACE_MISSING` (no such directory), `AC_GIT_MISSING`, `AC_GIT_TIMEOUT`, `AC_CANCELLED`, or
 * `AC_GIT_FAILED` if git could not be started or was interrupted. These errors say nothing about the repository.
 */
export type Git = (cwd: string, args: readonly string[], options?: GitOptions) => Promise<GitAnswer>;
