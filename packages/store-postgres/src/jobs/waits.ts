/** What queued jobs wait for. Figures come from the counts of claim groups and from indexes; few rows are read. */
import {
  type QueueWaits,
  type Reason,
  type WaitingJob,
  type WaitingLine,
  type WaitsRequest,
  parsed,
  waitsMax,
} from "@agentcore/scheduler";
import { isDueInWorkspace, isWaiting } from "../schema/schema-queue.ts";
import { fromColumn, toColumn } from "../store/plain-text.ts";
import { Reading, type Rows } from "../store/reading.ts";
import type { Sql } from "../store/sql.ts";

/** In the order in which they are read, for a limited number. */
const kinds = { piece: "piece", key: "key", moment: "delayed" } as const;

const group = "g.tenant, g.worker, g.model, g.class";

/** The first in line of each group. */
const lines = `
  SELECT ${group}, g.due AS jobs, f.id, f.ready_from
  FROM (SELECT * FROM claim_groups WHERE due > 0 ORDER BY due DESC, number LIMIT ${waitsMax}) g
  CROSS JOIN LATERAL (
    SELECT id, ready_from FROM jobs WHERE state = 'ready' AND claim_group = g.number ORDER BY rank, number LIMIT 1) f
  ORDER BY g.due DESC, g.number`;

const linesOfKeys = (keys: string): string => `
  SELECT k.key, ${group}, d.jobs, f.id, f.ready_from
  FROM unnest(${keys}) WITH ORDINALITY AS k (key, place)
  CROSS JOIN LATERAL (
    SELECT claim_group, count(*) AS jobs FROM jobs WHERE ${isDueInWorkspace} AND workspace = k.key GROUP BY claim_group) d
  CROSS JOIN LATERAL (
    SELECT id, ready_from FROM jobs WHERE ${isDueInWorkspace} AND workspace = k.key AND claim_group = d.claim_group
    ORDER BY rank, number LIMIT 1) f
  JOIN claim_groups g ON g.number = d.claim_group
  ORDER BY k.place`;

const others = `
  SELECT ${group}, j.id, j.state, j.workspace, j.run_at, j.ready_from, j.reason_json
  FROM (${Object.keys(kinds)
    .map(
      (state, place) =>
        `(SELECT ${place} AS place, number FROM jobs WHERE ${isWaiting} AND state = '${state}' ORDER BY run_at LIMIT ${waitsMax})`,
    )
    .join(" UNION ALL ")}) w
  JOIN jobs j ON j.number = w.number JOIN claim_groups g ON g.number = j.claim_group
  ORDER BY w.place, j.run_at LIMIT ${waitsMax}`;

export async function waits(sql: Sql, { keys }: WaitsRequest): Promise<QueueWaits> {
  const reading = new Reading<"lines" | "ofKeys" | "others" | "counts">();
  reading.add("lines", lines);
  if (keys.length > 0)
    reading.add(
      "ofKeys",
      linesOfKeys(
        reading.value(
          keys.map((key) => toColumn(key)),
          "text[]",
        ),
      ),
    );
  reading.add("others", others);
  reading.add("counts", `SELECT count(*) AS jobs FROM jobs WHERE ${isWaiting}`);
  const rows = await reading.read(sql);
  return {
    lines: rows.lines.map(lineOf),
    ofKeys: rows.ofKeys.map((row) => ({ ...lineOf(row), concurrencyKey: fromColumn(String(row["key"])) })),
    others: rows.others.map(jobOf),
    othersInAll: Number(rows.counts[0]?.["jobs"]),
  };
}

type Row = Rows[number];

const groupOf = (row: Row) => ({
  tenant: nameOf(row["tenant"]),
  worker: fromColumn(String(row["worker"])),
  model: nameOf(row["model"]),
  class: row["class"] as WaitingLine["class"],
});

/** `''`: none. */
const nameOf = (column: unknown): string | null => (column === "" ? null : fromColumn(String(column)));

const lineOf = (row: Row): WaitingLine => ({
  ...groupOf(row),
  jobs: Number(row["jobs"]),
  first: { jobId: String(row["id"]), readyFrom: Number(row["ready_from"]) },
});

const jobOf = (row: Row): WaitingJob => ({
  ...groupOf(row),
  jobId: String(row["id"]),
  kind: kinds[row["state"] as keyof typeof kinds],
  concurrencyKey: fromColumn(row["workspace"] as string | null),
  runAt: Number(row["run_at"]),
  readyFrom: Number(row["ready_from"]),
  waitingFor: parsed(row["reason_json"]) as Reason | null,
});
