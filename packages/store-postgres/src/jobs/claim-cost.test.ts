/** What a claim reads, in pages of the database: unlike time, that does not depend on the machine. */
import { testJob, claimRequest, submitJobs, testOwner } from "@agentcore/scheduler/testing";
import { expect, it, onTestFinished } from "vitest";
import { openPostgresStore } from "../store/postgres-store.ts";
import type { Sql } from "../store/sql.ts";
import { testDatabase } from "../testing/index.ts";
import { claim } from "./claim.ts";
import { createPostgresJobStore } from "./postgres-job-store.ts";

const startAt = 1_700_000_000_000;

/** Due jobs of one group, the first of each workspace ready, quicker than they could be submitted. */
const fill = (jobs: number, workspaces: number, prefix: string) => (sql: Sql) =>
  sql.run(
    `WITH made AS (
       INSERT INTO jobs (number, id, state, claim_group, workspace, submitted_at, ready_from, rank, run_at, delay_ms, attempt, epoch,
         cost_usd, tokens)
       SELECT nextval('job_numbers'), '${prefix}' || i, CASE WHEN i <= ${workspaces} THEN 'ready' ELSE 'behind' END,
         (SELECT min(number) FROM claim_groups), '/${prefix}/' || (i % ${workspaces}), at, at, at, at, 0, 0, 0, 0, 0
       FROM generate_series(1, ${jobs}) i CROSS JOIN LATERAL (SELECT ${startAt} + i AS at) m RETURNING number, id)
     INSERT INTO job_texts SELECT number, replace('${JSON.stringify(testJob({ id: "ID" }))}', '"ID"', '"' || id || '"'), '', '{}' FROM made`,
  );

const endedJobs = `
  INSERT INTO jobs (number, id, state, claim_group, workspace, submitted_at, ready_from, rank, run_at, delay_ms, attempt, epoch,
    cost_usd, tokens, ended_at, end_number)
  SELECT nextval('job_numbers'), 'ended' || i, 'succeeded', 1, '/ended', 1, 1, 1, 1, 0, 1, 1, 0, 0, 1, nextval('end_numbers')
  FROM generate_series(1, 20000) i`;

/** Adds up the pages that its queries read, each of which runs twice. */
function countingPages(sql: Sql) {
  let pages = 0;
  const counted: Sql = {
    ...sql,
    async get(text, ...values) {
      const [row] = await sql.all(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, ...values);
      const [{ Plan: plan }] = row!["QUERY PLAN"] as [{ Plan: Record<string, number> }];
      pages += plan["Shared Hit Blocks"]! + plan["Shared Read Blocks"]!;
      return sql.get(text, ...values);
    },
  };
  return { counted, pages: () => pages };
}

it("a claim reads the same however many jobs wait, in one workspace or in many, and however many have ended", async () => {
  const database = await testDatabase();
  const store = await openPostgresStore({ url: database.url });
  onTestFinished(async () => {
    await store.close();
    await database.remove();
  });
  const jobs = createPostgresJobStore(store);
  await jobs.registerOwner(testOwner("o"));
  await submitJobs(jobs, testJob());
  const pagesOfClaim = () =>
    store.write(async (sql) => {
      const { counted, pages } = countingPages(sql);
      const { claimed } = await claim(
        // The write is not a query: it runs once.
        { ...sql, get: (text, ...values) => (/UPDATE jobs/.test(text) ? sql : counted).get(text, ...values) },
        claimRequest("o", 3, { now: startAt + 10_000_000 }),
      );
      expect(claimed).toHaveLength(3);
      return pages();
    });
  await store.write(fill(1000, 100, "few"));
  const few = await pagesOfClaim();
  await store.write(fill(20_000, 1, "busy"));
  await store.write(fill(20_000, 1000, "many"));
  await store.write((sql) => sql.run(endedJobs));
  expect(await pagesOfClaim()).toBeLessThan(2 * few);
  expect(few).toBeLessThan(100);
});
