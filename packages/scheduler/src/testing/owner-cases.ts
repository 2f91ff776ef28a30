/** Leases: beats, takeovers, and what becomes of an owner that was given up and comes back. */
import assert from "node:assert/strict";
import { unknownUsage, type Usage } from "@agentcore/contract";
import { attemptRef, type JobRecord } from "../job-record.ts";
import type { Hosting, OwnerRegistration, Settlement } from "../job-store.ts";
import {
  claimRequest,
  die,
  endCancelled,
  idsOf,
  retry,
  runningJob,
  settleOne,
  startAt,
  storeCase,
  succeed,
  testFailure,
  testIdentity,
  testJob,
  testOwner,
  testPermit,
  testResult,
  testSubmission,
  type ConformanceCase,
} from "./fixtures.ts";

const hosting: Hosting = { name: "h", workers: ["shell"], capacity: 4, version: "1.0.0", isDraining: false };

function testHost(owner: string): OwnerRegistration {
  const registration = testOwner(owner);
  return { ...registration, process: { ...registration.process, hosting } };
}

const takeOver = (beat = 0) => ({ from: "old", to: "new", beat, at: startAt + 1 });

const usageOf = (outputTokens: number): Usage => ({ ...unknownUsage, outputTokens });

export const ownerCases: readonly ConformanceCase[] = [
  storeCase("remembers owners and counts their beats", async (store) => {
    await store.registerOwner(testOwner("old"));
    assert.deepEqual(await store.owners(), [{ ...testOwner("old"), beat: 0 }]);
    assert.equal(await store.heartbeat("old"), "ok");
    assert.equal(await store.heartbeat("old"), "ok");
    assert.equal((await store.owners())[0]?.beat, 2);
  }),
  storeCase("keeps what a host says of itself, and whether it is draining", async (store) => {
    await store.registerOwner(testHost("old"));
    await store.registerOwner(testOwner("new"));
    const old = async () => (await store.owners()).find(({ owner }) => owner === "old");
    assert.deepEqual(await old(), { ...testHost("old"), beat: 0 });
    assert.equal(await store.setDraining("old", true), true);
    assert.equal(await store.heartbeat("old"), "ok");
    const draining = { ...hosting, isDraining: true };
    assert.deepEqual((await old())?.process?.hosting, draining);
    assert.equal((await old())?.beat, 1);
    assert.equal(await store.setDraining("new", true), false);
    assert.equal(await store.setDraining("nobody", true), false);
  }),
  storeCase("gives a draining host nothing from the queue, but what it names", async (store) => {
    await store.registerOwner(testHost("old"));
    const ids = ["a", "b", "c"];
    for (const id of ids) await store.submit([testSubmission(testJob({ id }))], () => "coalesce");
    await store.setDraining("old", true);
    assert.deepEqual(await store.claim(claimRequest("old", 9)), []);
    assert.deepEqual(idsOf(await store.claim({ ...claimRequest("old", 9), pieces: ["b"] })), ["b"]);
    assert.deepEqual(idsOf(await store.claim({ ...claimRequest("old", 9), only: ["c"] })), ["c"]);
    const { claimed } = await store.settleAndClaim([], claimRequest("old", 9));
    assert.deepEqual(claimed, []);
    await store.setDraining("old", false);
    assert.deepEqual(idsOf(await store.claim(claimRequest("old", 9))), ["a"]);
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
    "fences an owner that wakes after its takeover: its writes touch nothing, a failure that it brings is kept",
    async (store) => {
      const record = await runningJob(store, "old");
      await store.registerOwner(testOwner("new"));
      const [moved] = await store.takeOver(takeOver());
      assert.equal(await store.heartbeat("old"), "fenced");
      assert.deepEqual(await store.claim(claimRequest("old", 9)), []);
      const { settled } = await store.settleAndClaim([retry(record)], claimRequest("old", 9));
      assert.equal(settled[0]?.applied, "stale");
      assert.deepEqual(await store.get(record.job.id), moved);
      assert.deepEqual(
        (await store.lateResults(record.job.id)).map(({ result }) => result),
        [testFailure],
      );
      assert.equal((await settleOne(store, retry(moved!)))?.state.kind, "queued");
    },
  ),
  storeCase("applies a late success where no other attempt has begun", async (store) => {
    const charge = { costUsd: 0.5, tokens: 7 };
    const result = testResult({ outcome: "lost", errorClass: "lost", costUsd: 0.5, usage: usageOf(7) });
    const late = (record: JobRecord) => ({ ...succeed(record), charge: { costUsd: 0.25, tokens: 3 } });
    const ends: readonly ((moved: JobRecord) => Settlement | null)[] = [
      () => null,
      (moved) => ({ ...retry(moved), result, charge }) as Settlement,
      (moved) => ({ ...retry(moved, startAt + 500), result, charge }) as Settlement,
    ];
    for (const [round, end] of ends.entries()) {
      const [from, to] = [`old-${round}`, `new-${round}`];
      const record = await runningJob(store, from, testJob({ key: `k-${round}` }));
      await store.registerOwner(testOwner(to));
      const [moved] = await store.takeOver({ from, to, beat: 0, at: startAt });
      const settlement = end(moved!);
      if (settlement !== null) await settleOne(store, settlement);
      const { settled } = await store.settleAndClaim([late(record)]);
      assert.equal(settled[0]?.applied, "applied");
      const after = await store.get(record.job.id);
      assert.deepEqual(after, settled[0].record);
      assert.deepEqual([after?.state.kind, after?.attempt, after?.result], ["succeeded", 1, testResult()]);
      assert.deepEqual(after?.spent, { costUsd: 0.25, tokens: 3 });
      const attempts = await store.attempts(record.job.id);
      assert.deepEqual(
        attempts.map(({ attempt, decision, result }) => [attempt, decision, result?.outcome]),
        [[1, "succeeded", "succeeded"]],
      );
      assert.deepEqual(await store.lateResults(record.job.id), []);
    }
    const { ready, delayed, running, dead, succeeded } = await store.stats(startAt);
    assert.deepEqual(
      { ready, delayed, running, dead, succeeded },
      { ready: 0, delayed: 0, running: 0, dead: 0, succeeded: 3 },
    );
  }),
  storeCase(
    "does not apply a late success once another attempt has begun, or the job has ended",
    async (store) => {
      const ends: readonly ((moved: JobRecord) => Promise<unknown>)[] = [
        async (moved) => {
          await settleOne(store, {
            ...retry(moved),
            kind: "retry",
            result: testResult({ outcome: "lost", errorClass: "lost" }),
          } as Settlement);
          return store.claim(claimRequest("new-0", 1));
        },
        (moved) => settleOne(store, die(moved)),
        (moved) => settleOne(store, endCancelled(moved)),
      ];
      for (const [round, end] of ends.entries()) {
        const [from, to] = [`old-${round}`, `new-${round}`];
        const record = await runningJob(store, from);
        await store.registerOwner(testOwner(to));
        const [moved] = await store.takeOver({ from, to, beat: 0, at: startAt });
        await end(moved!);
        const before = await store.get(record.job.id);
        const { settled } = await store.settleAndClaim([succeed(record)]);
        assert.equal(settled[0]?.applied, "stale");
        assert.deepEqual(await store.get(record.job.id), before);
        assert.equal((await store.lateResults(record.job.id)).length, 1);
      }
    },
  ),
  storeCase("lets exactly one of a failure and a takeover win", async (store) => {
    for (let round = 0; round < 20; round += 1) {
      const [from, to] = [`old-${round}`, `new-${round}`];
      const record = await runningJob(store, from);
      await store.registerOwner(testOwner(to));
      const [step, moved] = await Promise.all([
        store.settleAndClaim([die(record)]),
        store.takeOver({ from, to, beat: 0, at: startAt }),
      ]);
      const completed = step.settled[0]?.applied === "applied";
      assert.equal(moved.length, completed ? 0 : 1);
      const after = await store.get(record.job.id);
      assert.equal(after?.state.kind, completed ? "dead" : "running");
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
  storeCase(
    "forgets an owner that ended properly; one that has running jobs is left to anybody",
    async (store) => {
      const record = await runningJob(store, "old");
      assert.equal(await store.removeOwner("old"), false);
      assert.deepEqual(await store.owners(), [{ ...testOwner("old"), process: null, beat: 0 }]);
      await settleOne(store, succeed(record));
      assert.equal(await store.removeOwner("old"), true);
      assert.deepEqual(await store.owners(), []);
    },
  ),
];
