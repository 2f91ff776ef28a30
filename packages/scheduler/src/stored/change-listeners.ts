/** For stores: tells listeners of changed jobs after each commit, once for all that were committed together. */
import type { JobStore } from "../job-store.ts";

export interface ChangeListeners extends Pick<JobStore, "onChange"> {
  /** Call for each write that changed jobs, once it is committed and before the commit is reported. */
  readonly note: (by: string | undefined) => void;
}

/** `onCommit`: calls its listener after each commit. */
export function createChangeListeners(onCommit: (listener: () => void) => void): ChangeListeners {
  const listeners = new Set<(by: string | null) => void>();
  const changedBy = new Set<string | null>();
  onCommit(() => {
    if (changedBy.size === 0) return;
    const [by = null, other] = changedBy;
    changedBy.clear();
    for (const listener of listeners) listener(other === undefined ? by : null);
  });
  return {
    note: (by) => void changedBy.add(by ?? null),
    onChange: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
