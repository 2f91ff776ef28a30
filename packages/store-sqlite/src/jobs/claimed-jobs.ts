/**
 * The running jobs that this store claimed lately, as it knows them, so that their next change need not read and parse them
 * again. What is remembered was committed, and may be outdated: another process may have changed the row since. So a change
 * that is decided on it must be guarded by the row's attempt, epoch, owner and revision together.
 */
import type { StoredJob } from "./job-row.ts";

export interface ClaimedJobs {
  /** Anything but a running job is forgotten. */
  remember(stored: StoredJob): void;
  find(id: string): StoredJob | undefined;
  forget(id: string): void;
}

/** Far more than run at once; the oldest is forgotten first. */
const rememberedMax = 4096;

export function createClaimedJobs(): ClaimedJobs {
  const jobs = new Map<string, StoredJob>();
  /** A row number is used again once its job was deleted: only the latest job with it is remembered. */
  const idOfRow = new Map<number, string>();
  const forget = (id: string): void => {
    const known = jobs.get(id);
    if (known === undefined) return;
    jobs.delete(id);
    idOfRow.delete(known.row.seq);
  };
  return {
    remember(stored) {
      const { id, seq } = stored.row;
      forget(id);
      forget(idOfRow.get(seq) ?? "");
      if (stored.record.state.kind !== "running") return;
      jobs.set(id, stored);
      idOfRow.set(seq, id);
      if (jobs.size > rememberedMax) forget(jobs.keys().next().value ?? "");
    },
    find: (id) => jobs.get(id),
    forget,
  };
}
