/** Pieces of workflow runs: who may claim them, and where they do not show. */
import assert from "node:assert/strict";
import { runLabel } from "../piece.ts";
import {
  claimAs,
  die,
  idsOf,
  settleOne,
  startAt,
  storeCase,
  submitJobs,
  testJob,
  testSubmission,
  byJobDedup,
  retry,
  type ConformanceCase,
} from "./fixtures.ts";

const pieceOf = (run: string) => testJob({ context: { labels: { [runLabel]: run } } });

export const pieceCases: readonly ConformanceCase[] = [
  storeCase("gives a piece of a run only to a claim that names it", async (store) => {
    const [piece, other] = [pieceOf("run-1"), testJob()];
    await submitJobs(store, piece, other);
    assert.deepEqual(idsOf(await claimAs(store, "o", 9)), [other.id]);
    const [claimed] = await claimAs(store, "p", 9, { only: [piece.id] });
    assert.equal(claimed?.job.id, piece.id);
    await settleOne(store, retry(claimed));
    assert.deepEqual(idsOf(await claimAs(store, "o", 9, { now: startAt + 60_000 })), []);
    const again = await claimAs(store, "p", 9, { now: startAt + 60_000, only: [piece.id] });
    assert.deepEqual(idsOf(again), [piece.id]);
  }),
  storeCase("counts no waiting piece, due or not, and puts none in line before others", async (store) => {
    const later = pieceOf("run-1");
    const runAt = startAt + 5000;
    await submitJobs(store, pieceOf("run-1"));
    await store.submit([testSubmission(later, { runAt, delayMs: 5000 })], byJobDedup);
    const none = { ready: 0, delayed: 0, running: 0, oldestWaitMs: 0 };
    for (const now of [startAt + 1000, startAt + 9000]) {
      const { ready, delayed, running, oldestWaitMs } = await store.stats(now);
      assert.deepEqual({ ready, delayed, running, oldestWaitMs }, none);
      await claimAs(store, "o", 9, { now });
    }
    const job = testJob();
    await submitJobs(store, job);
    assert.deepEqual(await store.aheadOf(job.id, 9), []);
    assert.equal((await claimAs(store, "p", 9, { now: startAt + 9000, only: [later.id] })).length, 1);
    assert.equal((await store.stats(startAt + 9000)).running, 1);
    await store.requestCancel(later.id, { code: "AC_CANCELLED", message: "", evidence: {} }, startAt);
  }),
  storeCase("makes no dead letter of a piece: its run deals with its death", async (store) => {
    const piece = pieceOf("run-1");
    await submitJobs(store, piece);
    const [claimed] = await claimAs(store, "o", 1, { only: [piece.id] });
    const dead = await settleOne(store, die(claimed!));
    assert.equal(dead?.state.kind === "dead" && dead.state.replayedAs, "run-1");
    assert.deepEqual(await store.get(piece.id), dead);
    assert.equal((await store.stats(startAt + 1)).dead, 0);
    assert.deepEqual((await store.list({ states: ["dead"], notReplayed: true })).jobs, []);
    assert.equal(await store.deleteEnded({ endedBefore: startAt + 10 }), 1);
    assert.equal((await store.stats(startAt + 1)).dead, 0);
  }),
  storeCase("lists jobs without the pieces of runs where that is asked for", async (store) => {
    const [piece, job] = [pieceOf("run-1"), testJob()];
    await submitJobs(store, piece, job);
    assert.deepEqual(idsOf((await store.list({ notPieces: true })).jobs), [job.id]);
    assert.deepEqual(idsOf((await store.list({})).jobs), [job.id, piece.id]);
  }),
];
