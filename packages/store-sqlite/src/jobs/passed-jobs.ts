/**
 * What one reading of a line, from its beginning, finds of its lanes: whose jobs may be claimed, and which are passed over
 * because the workspace is busy or excluded. Those passed over join their lane's followers at the end, so that no later claim
 * meets them again; the first of a lane stays in `ready` whatever happens (see `queue.ts`).
 */
import type { ClaimRequest } from "@agentcore/scheduler";
import type { ReadyRow } from "./job-row.ts";
import type { JobSql } from "./job-sql.ts";
import { letFreeFollowerIn, moveToFollowers } from "./queue.ts";

/** How many jobs one claim passed over, in all of its lines. */
export interface Crowd {
  /** Whether jobs of busy workspaces are read, to be moved out of the way; where not, SQLite passes over them, which is quicker. */
  readonly isLookedAt: boolean;
  passed: number;
  /** The claim must end, because a line was not read to its next head; another claim, after its commit, reads on. */
  cutOff: boolean;
}

/** Jobs passed over in one transaction at most, so that moving them holds up the event loop for some ms only. */
export const passedMax = 2000;

/** A job as a claim reads it. */
export interface ReadJob extends ReadyRow {
  /** 1 while another job with its idempotency key runs. */
  readonly held: number;
  /** Jobs with its concurrency key that run. */
  readonly running: number;
}

export type Seen =
  | "claimable"
  | "not_now"
  /** Another job took its place in line behind this one: what comes after this one must be read anew. */
  | "changed";

export interface PassedJobs {
  /** Looks at the next job of the line. */
  see(job: ReadJob): Seen;
  /** Follows the claim of a job that was claimable. */
  claimed(concurrencyKey: string): void;
  /** Moves what was passed over out of the way, and forgets all: the line is read from its beginning next. */
  clear(): void;
}

interface Lane {
  /** More of its jobs that may be claimed. */
  room: number;
  /** Jobs that stay in line, claimable ones and held ones: they go before all that were passed over. */
  ahead: number;
  readonly passed: ReadyRow[];
}

export function createPassedJobs(
  sql: JobSql,
  line: string,
  { perKey, exclude }: ClaimRequest,
  crowd: Crowd,
): PassedJobs {
  const lanes = new Map<string, Lane>();

  const laneOf = (name: string, running: number): Lane => {
    const known = lanes.get(name);
    if (known !== undefined) return known;
    const room = exclude.concurrencyKeys.includes(name) ? 0 : Math.max(0, perKey - running);
    const lane = { room, ahead: 0, passed: [] };
    lanes.set(name, lane);
    return lane;
  };

  return {
    see(job) {
      const { concurrency_key: name, held } = job;
      if (name === null) return held === 0 ? "claimable" : "not_now";
      const lane = laneOf(name, job.running);
      const isFirst = lane.ahead === 0 && lane.passed.length === 0;
      if (isFirst || held === 1 || lane.room > 0) {
        lane.ahead += 1;
      } else {
        lane.passed.push(job);
        crowd.passed += 1;
      }
      if (lane.room === 0) return "not_now";
      if (held === 0) {
        lane.room -= 1;
        return "claimable";
      }
      // The job waits for the one that it replaced, which still runs; the rest of its lane does not.
      return isFirst && letFreeFollowerIn(sql, line, name) ? "changed" : "not_now";
    },
    claimed(name) {
      const lane = lanes.get(name);
      if (lane !== undefined) lane.ahead -= 1;
    },
    clear() {
      for (const { ahead, passed } of lanes.values()) {
        for (const job of ahead > 0 ? passed : passed.slice(1)) moveToFollowers(sql, job);
      }
      lanes.clear();
    },
  };
}
