import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runLabel } from "@agentcore/scheduler";
import {
  byJobDedup,
  claimAs,
  die,
  idsOf,
  retry,
  settleOne,
  startAt,
  submitJobs,
  testJob,
  testSubmission,
} from "@agentcore/scheduler/testing";
import { afterAll, expect, test } from "vitest";
import { createSqliteJobStore } from "./sqlite-job-store.ts";
import { openStateDatabase } from "./state-database.ts";
import { stateFlaws } from "./testing/state-flaws.ts";

const root = await mkdtemp(join(tmpdir(), "agentcore-pieces-"));
afterAll(() => rm(root, { recursive: true }));

/** What version 3 wrote for the same jobs: pieces stood and were counted like any job. */
const asVersion3 = `
UPDATE jobs SET line = json_remove(line, '$[4]');
UPDATE ready SET line = (SELECT line FROM jobs WHERE seq = ready.job);
UPDATE endings SET replayed_as = NULL;
UPDATE job_counts SET count = 2 WHERE kind = 'dead';
UPDATE job_counts SET count = 0 WHERE kind = 'replayed';
UPDATE job_counts SET count = 3 WHERE kind = 'ready';
UPDATE job_counts SET count = 1 WHERE kind = 'delayed';
UPDATE job_counts SET count = 3 WHERE kind = 'ready_since';
DELETE FROM schema_version WHERE version = 4;
`;

test("a database of version 3 learns which of its jobs are pieces of workflow runs", async () => {
  const directory = join(root, "state");
  const labels = { [runLabel]: "run-1" };
  const piece = () => testJob({ context: { labels } });
  const [deadPiece, lostPiece, readyPiece, laterPiece] = [piece(), piece(), piece(), piece()];
  const [deadJob, readyJob] = [testJob(), testJob()];
  {
    const database = await openStateDatabase({ directory });
    const store = createSqliteJobStore(database);
    await submitJobs(store, deadPiece, lostPiece, deadJob);
    const only = [deadPiece.id, lostPiece.id, deadJob.id];
    const [one, two, three] = await claimAs(store, "o", 9, { only });
    await settleOne(store, die(one!));
    await settleOne(store, retry(two!, startAt));
    await settleOne(store, die(three!));
    await submitJobs(store, readyPiece, readyJob);
    await store.submit([testSubmission(laterPiece, { runAt: startAt + 5000, delayMs: 5000 })], byJobDedup);
    await claimAs(store, "o", 1, { only: [], now: startAt + 1 });
    await store.close();
    const old = await openStateDatabase({ directory });
    await old.write((sql) => {
      for (const text of asVersion3.split(";").filter((part) => part.trim() !== "")) sql.run(text);
    });
    await old.close();
  }

  const database = await openStateDatabase({ directory });
  const store = createSqliteJobStore(database);
  expect(await stateFlaws(database)).toEqual([]);
  expect(await store.stats(startAt + 9000)).toMatchObject({ ready: 1, delayed: 0, dead: 1 });
  expect(idsOf((await store.list({ notReplayed: true, states: ["dead"] })).jobs)).toEqual([deadJob.id]);
  expect(idsOf(await claimAs(store, "p", 9, { now: startAt + 9000 }))).toEqual([readyJob.id]);
  const only = [lostPiece.id, readyPiece.id, laterPiece.id];
  expect(idsOf(await claimAs(store, "p", 9, { now: startAt + 9000, only }))).toEqual(only);
  await store.close();
});
