/** How many jobs there are of each kind, kept with every change so that nobody has to count a long queue. */
import type { QueueStats } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import type { JobRow } from "./job-row.ts";

/** The kinds of `QueueStats`, and those that it leaves out. */
export type CountedKind = Exclude<keyof QueueStats, "oldestWaitMs"> | "replayed";

export function countedAs(row: Pick<JobRow, "state" | "ready" | "replayed_as">): CountedKind {
  switch (row.state) {
    case "queued":
      return row.ready === 1 ? "ready" : "delayed";
    case "dead":
      return row.replayed_as === null ? "dead" : "replayed";
    case "running":
    case "succeeded":
    case "cancelled":
      return row.state;
  }
}

export function addToCount(sql: Sql, kind: CountedKind, difference: number): void {
  sql.run("UPDATE job_counts SET count = count + ? WHERE kind = ?", difference, kind);
}

export function moveCount(sql: Sql, from: CountedKind, to: CountedKind, jobs = 1): void {
  if (from === to || jobs === 0) return;
  sql.run(
    "UPDATE job_counts SET count = count + iif(kind = ?1, -?3, ?3) WHERE kind IN (?1, ?2)",
    from,
    to,
    jobs,
  );
}

export function readCounts(sql: Sql): ReadonlyMap<string, number> {
  return new Map(
    sql.all("SELECT kind, count FROM job_counts").map((row) => [String(row.kind), Number(row.count)]),
  );
}
