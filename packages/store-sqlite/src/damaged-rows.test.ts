/**
 * One row that cannot be read stops no start, no claim and no list: its job is told of as a dead letter, and the rest goes
 * on.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { attemptRef, type JobRecord } from "@agentcore/scheduler";
import {
  byJobDedup,
  claimRequest,
  submitJobs,
  testJob,
  testOwner,
  testPermit,
  testResult,
  testSubmission,
} from "@agentcore/scheduler/testing";
import { expect, it, onTestFinished } from "vitest";
import { createSqliteJobStore } from "./sqlite-job-store.ts";
import { createSqliteJournal } from "./sqlite-journal.ts";
import { createSqliteLedger } from "./sqlite-ledger.ts";
import { openStateDatabase } from "./state-database.ts";
import { stateFlaws } from "./testing/state-flaws.ts";

const startAt = 1_700_000_000_000;

async function open(directory = mkdtempSync(join(tmpdir(), "agentcore-damage-"))) {
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const database = await openStateDatabase({ directory });
  onTestFinished(() => database.close());
  const store = createSqliteJobStore(database);
  /** As another program would, without the store's knowledge. */
  const damage = (sql: string): void => {
    const other = new DatabaseSync(database.path);
    other.exec(sql);
    other.close();
  };
  return { database, store, damage, directory };
}

const succeed = (record: JobRecord) =>
  ({
    ref: attemptRef(record),
    at: startAt,
    kind: "succeeded",
    result: testResult(),
    charge: { costUsd: 0, tokens: 0 },
  }) as const;

const bad = "id = 'bad'";
const ofBad = `job = (SELECT number FROM jobs WHERE ${bad})`;

const queued = {
  "a job that is no JSON": `UPDATE job_texts SET job_json = '{"id": "bad", "task"' WHERE ${ofBad}`,
  "a job of another shape": `UPDATE job_texts SET job_json = '[1, 2]' WHERE ${ofBad}`,
  "a job without limits": `UPDATE job_texts SET job_json = json_remove(job_json, '$.limits') WHERE ${ofBad}`,
  "a job of another id": `UPDATE job_texts SET job_json = json_set(job_json, '$.id', 'other') WHERE ${ofBad}`,
  "a job without its text": `DELETE FROM job_texts WHERE ${ofBad}`,
  "a number that is out of range": `UPDATE jobs SET attempt = 9223372036854775807, epoch = 1 WHERE ${bad}`,
};

it.each(Object.entries(queued))("%s waits: it is ended as dead, and the others run", async (_name, sql) => {
  const { database, store, damage } = await open();
  await store.registerOwner(testOwner("a"));
  const workspace = { task: { worker: "shell", workspace: "/shared", instructions: "true" } };
  const jobs = [
    testJob({ id: "a-first" }),
    testJob({ id: "bad", ...workspace, key: "k" }),
    testJob({ id: "z-same", ...workspace }),
  ];
  await submitJobs(store, ...jobs);
  damage(sql);
  const before = (await store.list({})).jobs.map(({ job }) => job.id);
  expect(before).toEqual(expect.arrayContaining(["a-first", "z-same"]));
  const claimed = await store.claim(claimRequest("a", 10));
  expect(claimed.map(({ job }) => job.id).toSorted()).toEqual(["a-first", "z-same"]);
  await store.settleAndClaim(claimed.map(succeed));
  expect((await store.list({ states: ["dead"] })).jobs).toMatchObject([
    { job: { id: "bad" }, state: { kind: "dead", reason: { code: "AC_STORE_CORRUPT" } } },
  ]);
  expect(await store.stats(startAt)).toMatchObject({
    ready: 0,
    delayed: 0,
    running: 0,
    succeeded: 2,
    dead: 1,
  });
  expect((await store.submit([testSubmission(testJob({ key: "k" }))], byJobDedup))[0]?.kind).toBe("accepted");
  expect(await stateFlaws(database)).toEqual([]);
});

const running = {
  "a job that is no JSON": `UPDATE job_texts SET job_json = 'x' WHERE ${ofBad}`,
  "a start that is no JSON": `UPDATE jobs SET started_json = '{' WHERE ${bad}`,
  "a cancel that is no JSON": `UPDATE jobs SET reason_json = '{' WHERE ${bad}`,
  "an attempt that is out of range": `UPDATE jobs SET attempt = 9223372036854775807 WHERE ${bad}`,
  "no row of the job": `DELETE FROM jobs WHERE ${bad}`,
};

it.each(Object.entries(running))(
  "%s runs: the next owner takes over, and the rest is its own",
  async (_name, sql) => {
    const { store, damage } = await open();
    await store.registerOwner(testOwner("a"));
    await submitJobs(store, testJob({ id: "bad" }), testJob({ id: "good" }));
    for (const record of await store.claim(claimRequest("a", 10)))
      await store.recordStarted(attemptRef(record), { at: 1, identity: null, permit: testPermit(record) });
    damage(sql);
    await store.registerOwner(testOwner("b"));
    expect((await store.runningOf("a")).map(({ job }) => job.id)).toContain("good");
    expect(await store.cancelRequests("a")).toBeInstanceOf(Array);
    const moved = await store.takeOver({ from: "a", to: "b", beat: 0, at: startAt });
    expect(moved.map(({ job }) => job.id)).toContain("good");
    await store.settleAndClaim(moved.map(succeed));
    // Nothing is left that would keep a workspace locked.
    expect((await store.stats(startAt)).running).toBe(0);
    expect(await store.removeOwner("b")).toBe(true);
    expect((await store.list({})).jobs.map(({ job }) => job.id)).toContain("good");
  },
);

it("an owner, a decision, an attempt or a late result that cannot be read hides nothing else", async () => {
  const { store, damage } = await open();
  await store.registerOwner(testOwner("a"));
  await store.registerOwner(testOwner("b"));
  await submitJobs(store, testJob({ id: "j" }));
  const [record] = await store.claim(claimRequest("a", 1));
  const decision = {
    jobId: "j",
    attempt: 1,
    at: 1,
    type: "deferred",
    code: "AC_CONCURRENCY",
    message: "m",
    evidence: {},
  };
  await store.recordDecisions([decision as never]);
  await store.settleAndClaim([succeed(record!)]);
  await store.settleAndClaim([succeed(record!)]);
  damage(`
    UPDATE owners SET process_json = '{', beat = 9223372036854775807 WHERE owner = 'a';
    UPDATE decisions SET evidence_json = 'x';
    UPDATE attempts SET result_json = 'x', started_json = 'x';
    UPDATE late_results SET result_json = 'x'`);
  expect((await store.owners()).map(({ owner, process }) => [owner, process?.pid])).toEqual([
    ["a", 0],
    ["b", 1],
  ]);
  expect(await store.decisions("j")).toMatchObject([{ message: "m", evidence: {} }]);
  expect(await store.attempts("j")).toMatchObject([{ attempt: 1, result: null, started: null }]);
  expect(await store.lateResults("j")).toEqual([]);
  expect(await store.get("j")).toMatchObject({ state: { kind: "succeeded" }, result: null });
  expect((await store.list({ errorClass: "task_failed" })).jobs).toEqual([]);
});

it("a hold or an entry of a journal that cannot be read stops no other", async () => {
  const { database, damage } = await open();
  const ledger = createSqliteLedger(database);
  const hold = (holdId: string) => ({
    holdId,
    jobId: "j",
    attempt: 1,
    worker: "shell",
    owner: { pid: 1, startTicks: null, bootId: null },
    heldAt: 1,
    costMicroUsd: 1,
    tokens: 0,
    counters: [],
  });
  await ledger.hold(hold("bad"));
  await ledger.hold(hold("good"));
  const journal = createSqliteJournal(database);
  for (const stream of ["bad", "good", "odd"])
    await journal.append(stream, { after: 0, entries: [{ n: 1 }], header: { endedAt: null } });
  damage(`
    UPDATE ledger_holds SET entry_json = '{' WHERE hold_id = 'bad';
    UPDATE journal_entries SET entry_json = '{' WHERE stream = 'bad';
    UPDATE journal_streams SET header_json = '7' WHERE stream = 'odd'`);
  expect((await ledger.openHolds()).map(({ holdId }) => holdId)).toEqual(["good"]);
  expect((await journal.list({ prefix: "" })).map(({ stream }) => stream)).toEqual(["good", "bad"]);
  await expect(journal.read("bad")).rejects.toMatchObject({
    code: "AC_STORE_CORRUPT",
    message: expect.stringContaining("entry 0 of bad") as string,
  });
  expect(await journal.read("good")).toMatchObject({ entries: [{ n: 1 }] });
});
