/** How many jobs there are of each kind, kept with every change so that nobody has to count a long queue. */
import type { QueueStats } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import type { JobRow } from "./job-row.ts";

/** The kinds of `QueueStats`, and one that it leaves out. */
export type CountedKind = Exclude<keyof QueueStats, "oldestWaitMs"> | "replayed";

export function countedAs(row: Pick<JobRow, "place" | "state" | "replayed_as">): CountedKind {
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
  sql.run("UPDATE job_counts SET count = count + ? WHERE kind = ?", difference, kind);
}

export function readCounts(sql: Sql): ReadonlyMap<string, number> {
  return new Map(
    sql.all("SELECT kind, count FROM job_counts").map((row) => [String(row.kind), Number(row.count)]),
  );
}
