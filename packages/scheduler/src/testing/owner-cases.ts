/** Leases: beats, takeovers, and what becomes of an owner that was given up and comes back. */
import assert from "node:assert/strict";
import { attemptRef } from "../job-record.ts";
import {
  claimRequest,
  endCancelled,
  idsOf,
  retry,
  runningJob,
  settleOne,
  startAt,
  storeCase,
  succeed,
  testIdentity,
  testOwner,
  testPermit,
  testResult,
  type ConformanceCase,
} from "./fixtures.ts";

const takeOver = (beat = 0) => ({ from: "old", to: "new", beat, at: startAt + 1 });

export const ownerCases: readonly ConformanceCase[] = [
  storeCase("remembers owners and counts their beats", async (store) => {
    await store.registerOwner(testOwner("old"));
    assert.deepEqual(await store.owners(), [{ ...testOwner("old"), beat: 0 }]);
    assert.equal(await store.heartbeat("old"), "ok");
    assert.equal(await store.heartbeat("old"), "ok");
    assert.equal((await store.owners())[0]?.beat, 2);
  }),
  storeCase("moves the running jobs of an owner that stopped beating, under a new epoch", async (store) => {
    const record = await runningJob(store, "old");
    await store.registerOwner(testOwner("new"));
    const started = { at: startAt, identity: testIdentity, permit: testPermit(record) };
    await store.recordStarted(attemptRef(record), started);
    const [moved] = await store.takeOver(takeOver());
    assert.deepEqual([moved?.attempt, moved?.epoch], [1, record.epoch + 1]);
    assert.equal(moved?.state.kind === "running" && moved.state.owner, "new");
    assert.deepEqual(moved?.state.kind === "running" && moved.state.started, started);
    assert.deepEqual(await store.runningOf("new"), [moved]);
    assert.deepEqual(await store.runningOf("old"), []);
    assert.deepEqual(
      (await store.owners()).map(({ owner }) => owner),
      ["new"],
    );
    assert.equal((await store.attempts(record.job.id))[0]?.owner, "new");
  }),
  storeCase("leaves an owner alone that has beaten since", async (store) => {
    const record = await runningJob(store, "old");
    await store.registerOwner(testOwner("new"));
    await store.heartbeat("old");
    assert.deepEqual(await store.takeOver(takeOver(0)), []);
    assert.deepEqual(await store.runningOf("old"), [record]);
    assert.equal(await store.heartbeat("old"), "ok");
  }),
  storeCase("does not move jobs to an owner it does not know", async (store) => {
    const record = await runningJob(store, "old");
    assert.deepEqual(await store.takeOver(takeOver()), []);
    assert.deepEqual(await store.runningOf("old"), [record]);
  }),
  storeCase("lets an owner be taken over once", async (store) => {
    await runningJob(store, "old");
    await store.registerOwner(testOwner("new"));
    await store.registerOwner(testOwner("third"));
    const answers = await Promise.all([
      store.takeOver(takeOver()),
      store.takeOver({ ...takeOver(), to: "third" }),
    ]);
    assert.equal(answers.flat().length, 1);
  }),
  storeCase(
    "fences an owner that wakes after its takeover: its writes touch nothing, its result is kept",
    async (store) => {
      const record = await runningJob(store, "old");
      await store.registerOwner(testOwner("new"));
      const [moved] = await store.takeOver(takeOver());
      assert.equal(await store.heartbeat("old"), "fenced");
      assert.deepEqual(await store.claim(claimRequest("old", 9)), []);
      const { settled } = await store.settleAndClaim([succeed(record)], claimRequest("old", 9));
      assert.equal(settled[0]?.applied, "stale");
      assert.deepEqual(await store.get(record.job.id), moved);
      assert.deepEqual(
        (await store.lateResults(record.job.id)).map(({ result }) => result),
        [testResult()],
      );
      assert.equal((await settleOne(store, retry(moved!)))?.state.kind, "queued");
    },
  ),
  storeCase("lets exactly one of a completion and a takeover win", async (store) => {
    for (let round = 0; round < 20; round += 1) {
      const [from, to] = [`old-${round}`, `new-${round}`];
      const record = await runningJob(store, from);
      await store.registerOwner(testOwner(to));
      const [step, moved] = await Promise.all([
        store.settleAndClaim([succeed(record)]),
        store.takeOver({ from, to, beat: 0, at: startAt }),
      ]);
      const completed = step.settled[0]?.applied === "applied";
      assert.equal(moved.length, completed ? 0 : 1);
      const after = await store.get(record.job.id);
      assert.equal(after?.state.kind, completed ? "succeeded" : "running");
      assert.equal((await store.lateResults(record.job.id)).length, completed ? 0 : 1);
      if (!completed) await settleOne(store, succeed(moved[0]!));
    }
  }),
  storeCase("keeps a requested cancel through a takeover", async (store) => {
    const record = await runningJob(store, "old");
    await store.registerOwner(testOwner("new"));
    await store.requestCancel(
      record.job.id,
      { code: "AC_CANCELLED", message: "stop", evidence: {} },
      startAt,
    );
    const [moved] = await store.takeOver(takeOver());
    assert.deepEqual(idsOf(await store.cancelRequests("new")), [record.job.id]);
    assert.equal((await settleOne(store, endCancelled(moved!)))?.state.kind, "cancelled");
  }),
  storeCase("forgets an owner that ended properly; one that has running jobs is left to anybody", async (store) => {
    const record = await runningJob(store, "old");
    assert.equal(await store.removeOwner("old"), false);
    assert.deepEqual(await store.owners(), [{ ...testOwner("old"), process: null, beat: 0 }]);
    await settleOne(store, succeed(record));
    assert.equal(await store.removeOwner("old"), true);
    assert.deepEqual(await store.owners(), []);
  }),
];
