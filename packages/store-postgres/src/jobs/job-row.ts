/** Rows of `jobs` and of the view `job_rows`, and how they are found. */
import { type JobColumns, type JobRecord, type JobTexts, recordOf } from "@agentcore/scheduler";
import { fromColumn, toColumn } from "../store/plain-text.ts";
import { Reading, type Rows } from "../store/reading.ts";
import type { Sql } from "../store/sql.ts";

export interface JobRow extends JobColumns {
  readonly number: number;
  readonly claim_group: number;
  /** The workflow run that it is a piece of. */
  readonly piece_of: string | null;
}

/** A row and its record. The row says where the job is stored; the record says what that means. */
export interface StoredJob {
  readonly row: JobRow;
  readonly record: JobRecord;
}

export function rowOf(row: Rows[number]): JobRow {
  const { workspace, key, replayed_as, ...others } = row as unknown as JobRow;
  return {
    ...others,
    workspace: fromColumn(workspace),
    key: fromColumn(key),
    replayed_as: fromColumn(replayed_as),
  };
}

/** Of a row of the view `job_rows`. */
export function storedJobOf(values: Rows[number]): StoredJob {
  const { job_json, result_json } = values as unknown as JobTexts;
  const row = rowOf(values);
  return { row, record: recordOf({ ...row, job_json, result_json }) };
}

export function recordsOf(rows: Rows): readonly JobRecord[] {
  return rows.map((row) => storedJobOf(row).record);
}

/** Adds the jobs that have one of the ids, or an alias of these. `asked` is the id by which each was found. */
export function addJobsById<Name extends string>(
  reading: Reading<Name>,
  name: Name,
  ids: readonly string[],
): void {
  const asked = reading.value(
    ids.map((id) => toColumn(id)),
    "text[]",
  );
  reading.add(
    name,
    `SELECT r.id AS asked, r.* FROM job_rows r WHERE r.id = ANY (${asked})
     UNION ALL
     SELECT x.alias, r.* FROM aliases x JOIN job_rows r ON r.number = x.job WHERE x.alias = ANY (${asked})`,
  );
}

/** By id or by the id of a submission that was coalesced into it. */
export async function findByAnyId(sql: Sql, id: string): Promise<StoredJob | undefined> {
  const reading = new Reading<"found">();
  addJobsById(reading, "found", [id]);
  const { found } = await reading.read(sql);
  // An id comes before an alias.
  const [first] = found;
  return first === undefined ? undefined : storedJobOf(first);
}
