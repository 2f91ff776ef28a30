/** Chooses how a workspace is compared: with git if it is in a repository that git can read, else by file times. */
import { createGitObserver, findRepository, type GitObserverOptions } from "./git-observer.ts";
import { createSnapshotObserver } from "./tree-snapshot.ts";
import type { WorkspaceChange, WorkspaceObserver } from "./workspace-change.ts";

export interface ObserverOptions extends Omit<GitObserverOptions, "repository"> {
  readonly gitAvailable: boolean;
}

export interface ChosenObserver {
  before(): Promise<void>;
  after(): Promise<WorkspaceChange>;
}

export function observeWorkspace(options: ObserverOptions): ChosenObserver {
  const repository = options.gitAvailable ? findRepository(options.workspace) : null;
  let observer: WorkspaceObserver =
    repository === null ? snapshotOf(options) : createGitObserver({ ...options, repository });
  let refusal: string | null = null;
  return {
    async before() {
      refusal = await observer.before();
      if (refusal === null) return;
      observer = snapshotOf(options);
      await observer.before();
    },
    async after() {
      const change = await observer.after();
      if (refusal === null) return change;
      const note = `git could not be used, so there is no patch: ${refusal}`;
      return { ...change, note: change.note === null ? note : `${note}; ${change.note}` };
    },
  };
}

function snapshotOf(options: ObserverOptions): WorkspaceObserver {
  return createSnapshotObserver(options.workspace, options.snapshotEntriesMax, options.unobserved);
}
