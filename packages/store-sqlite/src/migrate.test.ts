/** State directories of earlier versions open under this one. */
import { readFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { processOwner } from "@agentcore/core";
import { openCall } from "@agentcore/core/testing";
import { claimRequest, idsOf, startAt, testOwner } from "@agentcore/scheduler/testing";
import { acceptEvents, firingOf, running } from "@agentcore/triggers/testing";
import { afterEach, expect, it } from "vitest";
import { applicationId } from "./schema.ts";
import { createSqliteCallJournal } from "./sqlite-call-journal.ts";
import { createSqliteJobStore } from "./sqlite-job-store.ts";
import { createSqliteJournal } from "./sqlite-journal.ts";
import { createSqliteLedger } from "./sqlite-ledger.ts";
import { createSqliteTokenStore } from "./sqlite-token-store.ts";
import { createSqliteTriggerStore } from "./sqlite-trigger-store.ts";
import { openStateDatabase } from "./state-database.ts";
import { stateFlaws } from "./testing/state-flaws.ts";
import { finishJobs } from "./testing/ten-jobs.ts";

/** A database with jobs in every state, as the release with this version wrote it: `sqlite3 state.db .dump`. */
function writeDatabase(version = 3): void {
  directory = mkdtempSync(join(tmpdir(), "agentcore-migrate-"));
  const database = new DatabaseSync(join(directory, "state.db"));
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA journal_mode = WAL`);
  database.exec(readFileSync(new URL(`testing/version-${version}.sql`, import.meta.url), "utf8"));
  database.close();
}
let directory = "";
afterEach(() => {
  rmSync(directory, { recursive: true });
});

it("a database of version 3 opens with every job where it was", async () => {
  writeDatabase();
  const database = await openStateDatabase({ directory });
  expect(await stateFlaws(database)).toEqual([]);
  const store = createSqliteJobStore(database);
  const { jobs } = await store.list({});
  const found = jobs.map(({ job, state, attempt, epoch }) => `${job.id} ${state.kind} ${attempt} ${epoch}`);
  expect(found).toEqual([
    "more-9 queued 0 0",
    "more-7 queued 0 0",
    "more-6 queued 0 0",
    "more-5 running 1 1",
    "more-4 queued 0 0",
    "more-3 queued 0 0",
    "more-2 cancelled 0 0",
    "more-12 queued 0 0",
    "more-11 queued 0 1",
    "more-10 queued 1 1",
    "more-1 running 1 1",
    "job-0011 queued 0 0",
    "job-0010 queued 0 0",
    "job-0009 queued 0 0",
    "job-0008 queued 0 0",
    "job-0007 queued 0 0",
    "job-0006 dead 1 1",
    "job-0003 queued 1 2",
    "job-0002 cancelled 1 1",
    "job-0001 succeeded 1 1",
  ]);
  expect(await store.stats(startAt)).toMatchObject({
    ready: 10,
    delayed: 4,
    running: 2,
    succeeded: 1,
    cancelled: 2,
  });
  expect((await store.get("more-8"))?.job.id).toBe("more-7");
  expect((await store.get("job-0006"))?.state).toMatchObject({ kind: "dead", replayedAs: "job-0011" });
  expect((await store.get("job-0001"))?.result?.outcome).toBe("succeeded");
  expect((await store.attempts("more-10")).map(({ decision }) => decision)).toEqual(["retry"]);
  expect((await store.attempts("job-0001"))[0]?.started).not.toBeNull();
  expect((await store.decisions("job-0003")).length).toBeGreaterThan(0);
  expect(await store.lateResults("more-1")).toHaveLength(1);
  await database.close();
});

it.each([3, 5, 6])("a database of version %i becomes what a new one is", async (version) => {
  writeDatabase(version);
  const fresh = mkdtempSync(join(tmpdir(), "agentcore-fresh-"));
  const tablesOf = async (where: string) => {
    const database = await openStateDatabase({ directory: where });
    const rows = await database.read((sql) =>
      sql.all("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name"),
    );
    await database.close();
    return rows.map((row) => ({ ...row, sql: String(row.sql).replaceAll(/\s+|"/g, " ") }));
  };
  expect(await tablesOf(directory)).toEqual(await tablesOf(fresh));
  rmSync(fresh, { recursive: true });
});

it("a database of version 5 keeps its jobs, holds and journal, and takes events", async () => {
  writeDatabase(5);
  const database = await openStateDatabase({ directory });
  expect(await stateFlaws(database)).toEqual([]);
  const stores = { jobs: createSqliteJobStore(database), ledger: createSqliteLedger(database) };
  expect(await stores.jobs.stats(startAt)).toMatchObject({ succeeded: 1, cancelled: 1, dead: 0 });
  expect((await stores.ledger.openHolds()).length).toBeGreaterThan(0);
  const journal = createSqliteJournal(database);
  expect((await journal.read("run:1"))?.entries).toEqual([{ type: "begun" }, { type: "ended" }]);
  expect(await journal.endMark()).toBe(1);
  await finishJobs(stores);
  const triggers = createSqliteTriggerStore(database);
  const [event] = await acceptEvents(triggers, { key: "k" });
  await triggers.commit({ routed: [event!.id], firings: [firingOf(event!, { state: running("run") })] });
  expect((await triggers.load()).open).toHaveLength(1);
  expect(await createSqliteTokenStore(database).list()).toEqual([]);
  expect(await stateFlaws(database)).toEqual([]);
  await database.close();
});

it("a database of version 6 keeps its jobs, holds, journal, events and tokens, and takes calls", async () => {
  writeDatabase(6);
  const database = await openStateDatabase({ directory });
  expect(await stateFlaws(database)).toEqual([]);
  const stores = { jobs: createSqliteJobStore(database), ledger: createSqliteLedger(database) };
  expect(await stores.jobs.stats(startAt)).toMatchObject({ succeeded: 1, cancelled: 1, dead: 0 });
  expect((await stores.ledger.openHolds()).length).toBeGreaterThan(0);
  expect((await createSqliteJournal(database).read("run:1"))?.entries).toHaveLength(2);
  expect((await createSqliteTriggerStore(database).load()).open).toHaveLength(1);
  expect(await createSqliteTokenStore(database).list()).toHaveLength(1);
  const calls = createSqliteCallJournal(database);
  await calls.begin(openCall({ jobId: "job-0001" }));
  expect(await calls.callsOfJob("job-0001")).toEqual([openCall({ jobId: "job-0001" })]);
  await finishJobs(stores);
  expect(await stateFlaws(database)).toEqual([]);
  await database.close();
});

it("a database on which a scheduler of the earlier version works is left as it is", async () => {
  writeDatabase();
  const old = new DatabaseSync(join(directory, "state.db"));
  old.prepare("UPDATE owners SET process_json = ? WHERE owner = 'later'").run(JSON.stringify(processOwner()));
  await expect(openStateDatabase({ directory })).rejects.toMatchObject({
    code: "AC_STORE_UNAVAILABLE",
    message: expect.stringContaining(`process ${process.pid}`) as string,
  });
  expect(old.prepare("SELECT max(version) AS version FROM schema_version").get()).toEqual({ version: 3 });
  old.exec("DELETE FROM owners");
  old.close();
  await (await openStateDatabase({ directory })).close();
});

it("pieces of workflow runs are told from other jobs, and their deaths are no dead letters", async () => {
  writeDatabase();
  const label = '{"labels":{"workflow.run":"run-1"}}';
  const old = new DatabaseSync(join(directory, "state.db"));
  for (const id of ["job-0007", "more-9", "job-0006"])
    old
      .prepare("UPDATE jobs SET job_json = json_set(job_json, '$.context', json(?)) WHERE id = ?")
      .run(label, id);
  old.exec("UPDATE endings SET replayed_as = NULL");
  old.close();
  const database = await openStateDatabase({ directory });
  expect(await stateFlaws(database)).toEqual([]);
  const store = createSqliteJobStore(database);
  expect(await store.stats(startAt)).toMatchObject({ ready: 9, delayed: 3, dead: 0 });
  expect((await store.get("job-0006"))?.state).toMatchObject({ kind: "dead", replayedAs: "run-1" });
  await database.close();
});

it("the jobs of a database of version 3 run to their end by the rules", async () => {
  writeDatabase();
  const database = await openStateDatabase({ directory });
  const jobs = createSqliteJobStore(database);
  await jobs.registerOwner(testOwner("new"));
  // Another job of /p/shared runs; the holder of the key "held" still runs.
  const claimed = idsOf(await jobs.claim(claimRequest("new", 50)));
  expect(claimed).not.toContain("more-6");
  expect(claimed.filter((id) => ["more-3", "more-4", "more-12"].includes(id))).toEqual([]);
  await finishJobs({ jobs, ledger: createSqliteLedger(database) });
  expect(await stateFlaws(database)).toEqual([]);
  const left = (await jobs.list({ states: ["queued", "running"] })).jobs;
  // They are not due yet.
  expect(idsOf(left)).toEqual(["more-9", "more-11"]);
  await database.close();
});
