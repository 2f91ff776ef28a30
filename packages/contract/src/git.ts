/** The port through which git is run: its implementation contains and limits it, its users need not know how. */

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
  /** All that git said, up to 1 MiB. */
  readonly stderr: string;
}

/**
 * Runs `git ARGS` in a directory, with hooks, monitors and external diffs off. Resolves where git ran to its end, whatever
 * its exit code. Rejects with `AC_WORKSPACE_MISSING` (there is no such directory), `AC_GIT_MISSING`, `AC_GIT_TIMEOUT`,
 * `AC_CANCELLED`, or `AC_GIT_FAILED` where git could not be started or did not run to its end; none of these says anything
 * about the repository.
 */
export type Git = (cwd: string, args: readonly string[], options?: GitOptions) => Promise<GitAnswer>;
