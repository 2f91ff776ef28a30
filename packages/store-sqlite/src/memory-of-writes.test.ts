/** What a store remembers in memory is what was committed: nothing of a transaction that was rolled back, and no query writes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attemptRef, type JobStore } from "@agentcore/scheduler";
import {
  byJobDedup,
  claimRequest,
  testJob,
  testOwner,
  testPermit,
  testSubmission,
} from "@agentcore/scheduler/testing";
import { expect, it, onTestFinished } from "vitest";
import { nodeSqliteDriver, type SqliteDriver } from "./driver.ts";
import { createSqliteJobStore } from "./sqlite-job-store.ts";
import { openStateDatabase, type StateDatabase } from "./state-database.ts";
import { faultyDriver, sqliteFailure } from "./testing/faulty-driver.ts";
import { stateFlaws } from "./testing/state-flaws.ts";

interface Opened {
  readonly store: JobStore;
  readonly database: StateDatabase;
}

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-memory-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

async function open(directory: string, driver: SqliteDriver = nodeSqliteDriver): Promise<Opened> {
  const database = await openStateDatabase({ directory, driver });
  onTestFinished(() => database.close());
  return { store: createSqliteJobStore(database), database };
}

const now = 2e12;
const nothing = { ready: 0, delayed: 0, running: 0, succeeded: 0, dead: 0, cancelled: 0, oldestWaitMs: 0 };

it("the figures are those of what is stored, after a submit that the full disk refused and after one whose policy threw", async () => {
  let inserts: number | null = null;
  const driver = faultyDriver(nodeSqliteDriver, {
    before({ sql }) {
      if (inserts === null || !/^\s*INSERT INTO jobs/.test(sql)) return;
      inserts += 1;
      if (inserts === 2) throw sqliteFailure("SQLITE_FULL");
    },
  });
  const directory = newDirectory();
  const { store, database } = await open(directory, driver);
  inserts = 0;
  const two = [testSubmission(testJob()), testSubmission(testJob())];
  await expect(store.submit(two, byJobDedup)).rejects.toMatchObject({ code: "AC_STORE_UNAVAILABLE" });
  inserts = null;
  expect(await store.stats(now)).toEqual(nothing);
  expect(await stateFlaws(database)).toEqual([]);

  await store.submit([testSubmission(testJob({ key: "k" }))], byJobDedup);
  const held = [testSubmission(testJob()), testSubmission(testJob({ key: "k" }))];
  const refusing = () => {
    throw new RangeError("thrown by a policy");
  };
  await expect(store.submit(held, refusing)).rejects.toThrow("thrown by a policy");
  expect(await store.stats(now)).toMatchObject({ ...nothing, ready: 1, oldestWaitMs: expect.any(Number) });
  expect(await stateFlaws(database)).toEqual([]);
  const again = await open(directory);
  expect((await again.store.stats(now)).ready).toBe(1);
});

it("a cancel by another process outlives the repetition of a note that was rolled back", async () => {
  let failing = false;
  const driver = faultyDriver(nodeSqliteDriver, {
    before({ sql }) {
      if (!failing || !sql.startsWith("COMMIT")) return;
      failing = false;
      throw sqliteFailure("SQLITE_FULL");
    },
  });
  const directory = newDirectory();
  const { store } = await open(directory, driver);
  const { store: other } = await open(directory);
  await store.registerOwner(testOwner("a"));
  await store.submit([testSubmission(testJob({ id: "j" }))], byJobDedup);
  const [record] = await store.claim(claimRequest("a", 1));
  const started = { at: 1, identity: null, permit: testPermit(record!) };
  failing = true;
  await expect(store.recordStarted(attemptRef(record!), started)).rejects.toMatchObject({
    code: "AC_STORE_UNAVAILABLE",
  });
  await other.requestCancel("j", { code: "AC_CANCELLED", message: "stop", evidence: {} }, 2);
  expect(await store.recordStarted(attemptRef(record!), started)).toBe("applied");
  expect(await store.cancelRequests("a")).toHaveLength(1);
});

it("no query of the store writes: each is answered by a connection that cannot", async () => {
  const directory = newDirectory();
  const { store } = await open(directory);
  await store.registerOwner(testOwner("a"));
  const jobs = [testJob(), testJob({ key: "k" }), testJob(), testJob()];
  await store.submit(
    jobs.map((job) => testSubmission(job)),
    byJobDedup,
  );
  await store.claim(claimRequest("a", 1));
  const readOnly: SqliteDriver = {
    open: (path) => {
      const connection = nodeSqliteDriver.open(path, { readOnly: true });
      return {
        ...connection,
        exec: (sql) => (sql.includes("journal_mode") ? undefined : connection.exec(sql)),
      };
    },
  };
  const { store: queries } = await open(directory, readOnly);
  await expect(queries.heartbeat("a")).rejects.toMatchObject({ code: "AC_STORE_UNAVAILABLE" });
  const { id } = jobs[1]!;
  const answers = await Promise.all([
    queries.get(id),
    queries.ended([id]),
    queries.attempts(id),
    queries.list({}),
    queries.decisions(id),
    queries.lateResults(id),
    queries.stats(now),
    queries.aheadOf(id, 5),
    queries.cancelRequests("a"),
    queries.owners(),
    queries.runningOf("a"),
    queries.externalVersion(),
  ]);
  expect(answers[0]).toMatchObject({ job: { id } });
  expect(answers[6]).toMatchObject({ ready: 3, running: 1 });
});

it("a query that was asked for behind a write that fails is answered", async () => {
  let failing = false;
  const driver = faultyDriver(nodeSqliteDriver, {
    before({ sql }) {
      if (failing && sql.startsWith("BEGIN IMMEDIATE")) throw sqliteFailure("SQLITE_IOERR");
    },
  });
  const { store } = await open(newDirectory(), driver);
  await store.registerOwner(testOwner("a"));
  failing = true;
  const write = store.heartbeat("a");
  const query = store.owners();
  await expect(write).rejects.toMatchObject({ code: "AC_STORE_UNAVAILABLE" });
  expect(await query).toMatchObject([{ owner: "a", beat: 0 }]);
});
