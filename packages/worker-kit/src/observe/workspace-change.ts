/** What a run changed in its workspace, and how certain that is. Two observers report it: git, and file times. */
export interface WorkspaceChange {
  /** Relative to the workspace, sorted. Null: nothing is known. */
  readonly files: readonly string[] | null;
  /** False: more may have changed than the list says. */
  readonly complete: boolean;
  /** Unified diff of the files, where the workspace is in a git repository and something changed. */
  readonly patch: { readonly path: string; readonly bytes: number } | null;
  /** Why it is not complete, or has no patch, for people. */
  readonly note: string | null;
}

/** For a look that failed, or was not worth taking. */
export function notCompared(reason: string): WorkspaceChange {
  return { files: null, complete: false, patch: null, note: `the workspace was not compared: ${reason}` };
}

/** Two looks at one workspace. Neither rejects: what cannot be found out is `complete: false` with a note. */
export interface WorkspaceObserver {
  /** Must have resolved before the worker is let go. Not null: why this observer cannot serve; use another. */
  before(): Promise<string | null>;
  after(): Promise<WorkspaceChange>;
}

/**
 * Observed files, and what the worker itself said it changed where the look could not see everything. A claim that the
 * look refutes is not believed: a worker also announces edits that its permissions then refuse.
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
