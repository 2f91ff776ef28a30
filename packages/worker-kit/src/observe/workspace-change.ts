/** The changes of a run in its workspace, and whether they are complete. Two observers report them: git, and file times. */
export interface WorkspaceChange {
  /** Relative to the workspace, sorted. Null: unknown. */
  readonly files: readonly string[] | null;
  /** False: more may have changed than is listed. */
  readonly complete: boolean;
  /** Unified diff of the files, if the workspace is in a git repository and something changed. */
  readonly patch: { readonly path: string; readonly bytes: number } | null;
  /** Why the list is incomplete, or there is no patch, for people. */
  readonly note: string | null;
}

/** For a comparison that failed or was skipped. */
export function notCompared(reason: string): WorkspaceChange {
  return { files: null, complete: false, patch: null, note: `the workspace was not compared: ${reason}` };
}

/** Compares a workspace before and after a run. Neither method rejects: an unknown result is `complete: false` with a note. */
export interface WorkspaceObserver {
  /** Must resolve before the worker is released. Not null: the reason why this observer cannot be used; use another one. */
  before(): Promise<string | null>;
  after(): Promise<WorkspaceChange>;
}

/**
 * Observed files, plus the files that the worker reported if the observation is incomplete. A report that the observation
 * contradicts is dropped: a worker also announces edits that its permissions then refuse.
 */
export function mergeClaims(
  change: WorkspaceChange,
  claims: readonly string[],
  unseen: (path: string) => boolean,
): readonly string[] | null {
  const added = change.complete ? claims.filter(unseen) : claims;
  if (added.length === 0) return change.files;
  return [...new Set([...(change.files ?? []), ...added])].sort();
}
