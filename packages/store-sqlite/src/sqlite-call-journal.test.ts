import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  callJournalConformanceCases,
  endedCall,
  openCall,
  type OpenCallJournal,
} from "@agentcore/core/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { createSqliteCallJournal } from "./sqlite-call-journal.ts";
import { createSqliteJobStore } from "./sqlite-job-store.ts";
import { createSqliteLedger } from "./sqlite-ledger.ts";
import { openStateDatabase, type StateDatabase } from "./state-database.ts";
import { nodeSqliteDriver } from "./driver.ts";
import { faultyDriver, sqliteFailure } from "./testing/faulty-driver.ts";
import { stateFlaws } from "./testing/state-flaws.ts";
import { finishJobs, runTenJobs } from "./testing/ten-jobs.ts";

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-calls-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

async function open(options: Partial<Parameters<typeof openStateDatabase>[0]> = {}): Promise<StateDatabase> {
  const database = await openStateDatabase({ directory: newDirectory(), ...options });
  onTestFinished(() => database.close());
  return database;
}

describe("the SQLite journal of calls meets the port's conformance suite", () => {
  const openIn = async (directory: string): Promise<OpenCallJournal> => {
    const database = await openStateDatabase({ directory });
    return {
      journal: createSqliteCallJournal(database),
      reopen: () => openIn(directory),
      close: () => database.close(),
    };
  };
  it.each(callJournalConformanceCases(() => openIn(newDirectory()), { durable: true }))(
    "$name",
    async (check) => {
      await expect(check.run()).resolves.toBeUndefined();
    },
  );
});

it("the calls of a job are deleted with it, and those of other jobs are kept", async () => {
  const database = await open();
  const jobs = createSqliteJobStore(database);
  const journal = createSqliteCallJournal(database);
  const stores = { jobs, ledger: createSqliteLedger(database) };
  await runTenJobs(stores, () => {});
  const ids = (await jobs.list({})).jobs.map(({ job }) => job.id);
  for (const jobId of [...ids, "elsewhere"]) await journal.begin(openCall({ permitId: jobId, jobId }));
  await finishJobs(stores);
  await jobs.deleteEnded({ endedBefore: 1.8e12 });
  const left = new Set((await jobs.list({})).jobs.map(({ job }) => job.id));
  expect(left.size).toBeLessThan(ids.length);
  for (const id of ids) expect(await journal.callsOfJob(id)).toHaveLength(left.has(id) ? 1 : 0);
  expect(await journal.calls("elsewhere")).toHaveLength(1);
  expect(await stateFlaws(database)).toEqual([]);
});

it("jobs with very many calls are deleted in several steps, each job with all of its calls", async () => {
  const database = await open();
  const stores = { jobs: createSqliteJobStore(database), ledger: createSqliteLedger(database) };
  await runTenJobs(stores, () => {});
  await finishJobs(stores);
  const perJob = 15_000;
  await database.write((sql) =>
    sql.run(
      `WITH RECURSIVE n (value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM n WHERE value < ?)
       INSERT INTO provider_calls (permit_id, id, job_id, attempt, provider, protocol, started_at, outcome, cost, tokens, estimated)
       SELECT j.id, n.value, j.id, 1, 'p', 'openai-chat', 1, 'open', 1, 1, 1
       FROM n, (SELECT id FROM jobs WHERE state = 'succeeded' LIMIT 3) j`,
      perJob,
    ),
  );
  const counts = () =>
    database.read((sql) => sql.all("SELECT job_id, count(*) AS calls FROM provider_calls GROUP BY job_id"));
  const steps: number[] = [];
  for (let deleted = 1; deleted > 0;) {
    deleted = await stores.jobs.deleteEnded({ endedBefore: 1.8e12 });
    const left = await counts();
    steps.push(left.length);
    for (const row of left) {
      expect(row.calls).toBe(perJob);
      expect(await stores.jobs.get(String(row.job_id))).toBeDefined();
    }
  }
  expect(steps).toEqual([1, 0, 0]);
});

it("many calls begun and ended at once share their commits", async () => {
  const database = await open();
  const journal = createSqliteCallJournal(database);
  let commits = 0;
  database.onCommit(() => (commits += 1));
  const calls = Array.from({ length: 200 }, (_, index) =>
    openCall({ id: `c${index}`, permitId: `p${index % 9}` }),
  );
  await Promise.all(calls.map((call) => journal.begin(call)));
  await Promise.all(calls.map((call) => journal.end(endedCall(call))));
  expect(commits).toBeLessThan(10);
  expect(await journal.callsOfJob("j1")).toEqual(calls.map((call) => endedCall(call)));
});

it("a commit that failed after it took effect counts as done", async () => {
  let isLosing = false;
  const driver = faultyDriver(nodeSqliteDriver, {
    after({ sql }) {
      if (isLosing && sql.startsWith("COMMIT")) throw sqliteFailure("SQLITE_IOERR");
    },
  });
  const database = await open({ driver });
  const journal = createSqliteCallJournal(database);
  isLosing = true;
  await journal.begin(openCall());
  await journal.end(endedCall(openCall()));
  isLosing = false;
  expect(await journal.calls("p1")).toEqual([endedCall(openCall())]);
});

it("a start or an end that the disk does not take is refused, and the call stays as it was", async () => {
  let isFull = false;
  const driver = faultyDriver(nodeSqliteDriver, {
    before() {
      if (isFull) throw sqliteFailure("SQLITE_FULL");
    },
  });
  const database = await open({ driver });
  const journal = createSqliteCallJournal(database);
  await journal.begin(openCall());
  isFull = true;
  const unavailable = { code: "AC_STORE_UNAVAILABLE" };
  await expect(journal.begin(openCall({ id: "c2" }))).rejects.toMatchObject(unavailable);
  await expect(journal.end(endedCall(openCall()))).rejects.toMatchObject(unavailable);
  isFull = false;
  expect(await journal.calls("p1")).toEqual([openCall()]);
});

it("a call whose usage cannot be read keeps what it was charged", async () => {
  const database = await open();
  const journal = createSqliteCallJournal(database);
  await journal.end(endedCall(openCall()));
  await database.write((sql) => sql.run("UPDATE provider_calls SET usage_json = '{\"inputTokens\": -'"));
  expect(await journal.calls("p1")).toEqual([{ ...endedCall(openCall()), usage: null }]);
});
