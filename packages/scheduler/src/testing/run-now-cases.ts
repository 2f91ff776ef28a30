/** Delayed jobs that somebody wants to run now. */
import assert from "node:assert/strict";
import {
  byJobDedup,
  claimAs,
  idsOf,
  retry,
  runningJob,
  settleOne,
  startAt,
  storeCase,
  submitJobs,
  testJob,
  testSubmission,
  type ConformanceCase,
} from "./fixtures.ts";

const hourMs = 3_600_000;
const due = { at: startAt, rank: 0 };

export const runNowCases: readonly ConformanceCase[] = [
  storeCase("runs a delayed job now, before those that it would have come after", async (store) => {
    const [delayed, ready] = [testJob(), testJob()];
    const times = { runAt: startAt + hourMs, readyFrom: startAt + hourMs, delayMs: null };
    await store.submit([testSubmission(delayed, times), testSubmission(ready)], byJobDedup);
    const after = await store.runNow(delayed.id, due);
    assert.deepEqual(after?.state, { kind: "queued", runAt: startAt, delayMs: null, waitingFor: null });
    assert.deepEqual([after?.rank, after?.readyFrom], [0, startAt]);
    assert.deepEqual(await store.get(delayed.id), after);
    assert.deepEqual(idsOf(await claimAs(store, "o", 2)), [delayed.id, ready.id]);
  }),
  storeCase("runs a job now that waits for its next attempt", async (store) => {
    const record = await runningJob(store, "o");
    await settleOne(store, retry(record, startAt + hourMs));
    assert.deepEqual(await claimAs(store, "o", 1), []);
    await store.runNow(record.job.id, due);
    const [claimed] = await claimAs(store, "o", 1);
    assert.equal(claimed?.attempt, 2);
  }),
  storeCase("leaves a job that is due, runs or has ended as it is, and knows no other", async (store) => {
    const running = await runningJob(store, "o");
    assert.deepEqual(await store.runNow(running.job.id, due), running);
    const [ready] = await submitJobs(store, testJob());
    assert.deepEqual(await store.runNow(ready!.job.id, due), ready);
    assert.equal(await store.runNow("nobody", due), undefined);
  }),
  storeCase("leaves a delayed job that was cancelled as it is", async (store) => {
    const job = testJob();
    await store.submit([testSubmission(job, { runAt: startAt + hourMs, delayMs: null })], byJobDedup);
    await store.requestCancel(job.id, { code: "AC_CANCELLED", message: "no", evidence: {} }, startAt);
    assert.equal((await store.runNow(job.id, due))?.state.kind, "cancelled");
    assert.deepEqual(await claimAs(store, "o", 1), []);
  }),
];
