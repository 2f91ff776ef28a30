/** How many jobs there are of each kind, kept with every change so that nobody has to count a long queue. */
import type { QueueStats } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import type { PlacedRow } from "./job-row.ts";

/** The kinds of `QueueStats`, and two that it leaves out; the followers are among the ready ones. */
export type CountedKind = Exclude<keyof QueueStats, "oldestWaitMs"> | "replayed" | "followers";

export function countedAs(row: Pick<PlacedRow, "place" | "state" | "replayed_as">): CountedKind {
  switch (row.state) {
    case "queued":
      return row.place === "delayed" ? "delayed" : "ready";
    case "dead":
      return row.replayed_as === null ? "dead" : "replayed";
    case "running":
    case "succeeded":
    case "cancelled":
      return row.state;
  }
}

export function addToCount(sql: Sql, kind: CountedKind, difference: number): void {
  if (difference === 0) return;
  sql.run("UPDATE job_counts SET count = count + ? WHERE kind = ? AND since = 0", difference, kind);
}

/** Ready jobs are also counted by the moment they became due: the first such moment is the longest wait. */
export function addToReadySince(sql: Sql, runAt: number, difference: number): void {
  if (difference > 0) {
    sql.run(
      `INSERT INTO job_counts VALUES ('ready_since', ?, ?)
       ON CONFLICT (kind, since) DO UPDATE SET count = count + excluded.count`,
      runAt,
      difference,
    );
  } else if (difference < 0) {
    const isLast = sql.run(`DELETE FROM job_counts ${isSince} AND count = ?`, runAt, -difference) === 1;
    if (!isLast) sql.run(`UPDATE job_counts SET count = count + ? ${isSince}`, difference, runAt);
  }
}

const isSince = "WHERE kind = 'ready_since' AND since = ?";

/** A query of one column, `first`; null where no job is ready. */
export const firstReadySince = "SELECT min(since) AS first FROM job_counts WHERE kind = 'ready_since'";

export function readCount(sql: Sql, kind: CountedKind): number {
  return Number(sql.values("SELECT count FROM job_counts WHERE kind = ? AND since = 0", kind)?.[0]);
}
