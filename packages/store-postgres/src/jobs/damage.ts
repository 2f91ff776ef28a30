/** Ends jobs that cannot be read as dead letters that say so, so that people see them. They affect no other job. */
import type { Sql } from "../store/sql.ts";
import { Draft } from "./draft.ts";
import { storedJobOf } from "./job-row.ts";
import { writeDraft } from "./write-draft.ts";

/** `numbers`: jobs that run or are queued. */
export async function endUnreadable(sql: Sql, numbers: readonly number[], at: number): Promise<void> {
  const rows = await sql.all(
    `SELECT r.*, (SELECT count(*) FROM attempts a WHERE a.job = r.number) AS ended_attempts
     FROM job_rows r WHERE r.number = ANY ($1)`,
    numbers,
  );
  const draft = new Draft();
  for (const row of rows) draft.isolate(storedJobOf(row), { at, attempt: Number(row["ended_attempts"]) });
  await writeDraft(sql, draft);
}
