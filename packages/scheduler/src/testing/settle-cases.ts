/** How attempts end, and that a write about an attempt that is over changes nothing. */
import assert from "node:assert/strict";
import { attemptRef, type AttemptRef, type JobRecord } from "../job-record.ts";
import type { Settlement } from "../job-store.ts";
import {
  cancelReason,
  claimAs,
  claimRequest,
  defer,
  die,
  endCancelled,
  idsOf,
  retry,
  runningJob,
  settleOne,
  startAt,
  storeCase,
  submitJobs,
  succeed,
  testFailure,
  testIdentity,
  testJob,
  testPermit,
  testReason,
  testResult,
  type ConformanceCase,
} from "./fixtures.ts";

const settlements = { succeeded: succeed, retry, dead: die, cancelled: endCancelled, defer };
const kinds = ["succeeded", "retry", "dead", "cancelled", "defer"] as const;

/** References that name the job but not its current attempt. */
function staleRefs(record: JobRecord): AttemptRef[] {
  const ref = attemptRef(record);
  return [
    { ...ref, attempt: ref.attempt + 1 },
    { ...ref, attempt: ref.attempt - 1 },
    { ...ref, epoch: ref.epoch + 1 },
    { ...ref, epoch: ref.epoch - 1 },
    { ...ref, jobId: "nobody" },
  ];
}

export const settleCases: readonly ConformanceCase[] = [
  storeCase("ends a job that succeeded, with its result", async (store) => {
    const record = await runningJob(store, "o");
    const result = testResult({ costUsd: 0.25, costBasis: "reported", summary: "fixed — ✓" });
    const charge = { costUsd: 0.25, tokens: 1200 };
    const after = await settleOne(store, { ...succeed(record), kind: "succeeded", result, charge });
    assert.deepEqual(after?.state, { kind: "succeeded", endedAt: startAt + 1 });
    assert.deepEqual(after?.result, result);
    assert.deepEqual(after?.spent, charge);
    assert.deepEqual(await store.get(record.job.id), after);
    assert.deepEqual(await store.attempts(record.job.id), [
      {
        jobId: record.job.id,
        attempt: 1,
        owner: "o",
        claimedAt: startAt,
        started: null,
        endedAt: startAt + 1,
        result,
        decision: "succeeded",
      },
    ]);
  }),
  storeCase(
    "puts a failed job back for another attempt and keeps the evidence of the first",
    async (store) => {
      const record = await runningJob(store, "o");
      const after = await settleOne(store, retry(record, startAt + 500));
      assert.deepEqual(after?.state, {
        kind: "queued",
        runAt: startAt + 500,
        delayMs: 499,
        waitingFor: testReason,
      });
      assert.equal(after?.result, null);
      assert.deepEqual(await claimAs(store, "o", 1, { now: startAt + 499 }), []);
      const [second] = await claimAs(store, "o", 1, { now: startAt + 500 });
      assert.equal(second?.attempt, 2);
      const attempts = await store.attempts(record.job.id);
      assert.deepEqual(
        attempts.map(({ attempt, decision }) => [attempt, decision]),
        [
          [1, "retry"],
          [2, null],
        ],
      );
      assert.deepEqual(attempts[0]?.result, testFailure);
    },
  ),
  storeCase("adds up what the attempts cost", async (store) => {
    const first = await runningJob(store, "o");
    await settleOne(store, { ...retry(first), charge: { costUsd: 0.5, tokens: 10 } } as Settlement);
    const [second] = await claimAs(store, "o", 1, { now: startAt + 1 });
    const after = await settleOne(store, {
      ...die(second!),
      charge: { costUsd: 0.25, tokens: 5 },
    } as Settlement);
    assert.deepEqual(after?.spent, { costUsd: 0.75, tokens: 15 });
  }),
  storeCase("keeps a dead job with its reason and its last result", async (store) => {
    const record = await runningJob(store, "o");
    const after = await settleOne(store, die(record));
    assert.deepEqual(after?.state, {
      kind: "dead",
      endedAt: startAt + 1,
      reason: testReason,
      replayedAs: null,
    });
    assert.deepEqual(after?.result, testFailure);
  }),
  storeCase("gives the number of a deferred attempt back and says what the job waits for", async (store) => {
    const record = await runningJob(store, "o");
    const after = await settleOne(store, defer(record, startAt + 200));
    assert.equal(after?.attempt, 0);
    assert.equal(after?.state.kind === "queued" && after.state.waitingFor?.code, "AC_CONCURRENCY");
    assert.deepEqual(await store.attempts(record.job.id), []);
  }),
  storeCase("notes the permit of an attempt, then who its processes are", async (store) => {
    const record = await runningJob(store, "o");
    const started = { at: startAt + 1, identity: testIdentity, permit: testPermit(record) };
    const permitOnly = { ...started, at: startAt, identity: null };
    assert.equal(await store.recordStarted(attemptRef(record), permitOnly), "applied");
    assert.deepEqual((await store.attempts(record.job.id))[0]?.started, permitOnly);
    assert.equal(await store.recordStarted(attemptRef(record), started), "applied");
    const after = await store.get(record.job.id);
    assert.deepEqual(after?.state.kind === "running" && after.state.started, started);
    assert.deepEqual((await store.attempts(record.job.id))[0]?.started, started);
    for (const ref of staleRefs(record)) assert.equal(await store.recordStarted(ref, started), "stale");
  }),
  ...kinds.map((kind) =>
    storeCase(`does not apply ${kind} to an attempt that is not the current one`, async (store) => {
      const record = await runningJob(store, "o");
      const stale = staleRefs(record)
        // A success of the same attempt under an earlier epoch is a late one: see the cases of takeovers.
        .filter(
          ({ attempt, epoch }) =>
            !(kind === "succeeded" && attempt === record.attempt && epoch < record.epoch),
        )
        .map((ref) => ({ ...settlements[kind](record), ref }));
      const { settled } = await store.settleAndClaim(stale);
      assert.deepEqual(
        settled.map(({ applied }) => applied),
        stale.map(() => "stale"),
      );
      assert.deepEqual(await store.get(record.job.id), record);
    }),
  ),
  ...kinds.flatMap((first) =>
    kinds.map((second) =>
      storeCase(`applies only the first of ${first} and ${second} about one attempt`, async (store) => {
        const record = await runningJob(store, "o");
        const after = await settleOne(store, settlements[first](record));
        const { settled } = await store.settleAndClaim([settlements[second](record)]);
        assert.equal(settled[0]?.applied, "stale");
        assert.deepEqual(await store.get(record.job.id), after);
        assert.deepEqual(settled[0]?.record, after);
      }),
    ),
  ),
  storeCase("keeps a late result without applying it", async (store) => {
    const record = await runningJob(store, "o");
    await settleOne(store, retry(record));
    const late = succeed(record);
    await store.settleAndClaim([late]);
    assert.deepEqual(await store.lateResults(record.job.id), [
      { ref: attemptRef(record), at: startAt + 1, kind: "succeeded", result: testResult() },
    ]);
    assert.equal((await store.get(record.job.id))?.state.kind, "queued");
  }),
  storeCase(
    "ends a job cancelled instead of retrying or deferring it when its cancel was asked for",
    async (store) => {
      for (const settle of [retry, defer]) {
        const record = await runningJob(store, "o");
        await store.requestCancel(record.job.id, cancelReason, startAt);
        const after = await settleOne(store, settle(record));
        assert.deepEqual(after?.state, { kind: "cancelled", endedAt: startAt + 1, reason: cancelReason });
      }
    },
  ),
  storeCase("lets success win over a cancel that came too late to stop it", async (store) => {
    const record = await runningJob(store, "o");
    await store.requestCancel(record.job.id, cancelReason, startAt);
    assert.equal((await settleOne(store, succeed(record)))?.state.kind, "succeeded");
  }),
  storeCase(
    "settles and claims in one step, answering in order, stale ones among the others",
    async (store) => {
      const jobs = [testJob(), testJob(), testJob(), testJob()];
      await submitJobs(store, ...jobs);
      const [one, two] = await claimAs(store, "o", 2);
      const ghost = { ...succeed(two!), ref: { ...attemptRef(two!), epoch: 99 } };
      const step = await store.settleAndClaim([succeed(one!), ghost, die(two!)], claimRequest("o", 1));
      assert.deepEqual(
        step.settled.map(({ applied }) => applied),
        ["applied", "stale", "applied"],
      );
      assert.deepEqual(idsOf(step.claimed), [jobs[2]!.id]);
    },
  ),
  storeCase("answers a settlement about nobody", async (store) => {
    const record = await runningJob(store, "o");
    const ref = { jobId: "nobody", attempt: 1, epoch: 1 };
    const { settled } = await store.settleAndClaim([{ ...succeed(record), ref }]);
    assert.deepEqual(settled, [{ applied: "stale", record: undefined }]);
  }),
  storeCase("cancels a queued job at once and never gives it out", async (store) => {
    const job = testJob();
    await submitJobs(store, job);
    const answer = await store.requestCancel(job.id, cancelReason, startAt + 3);
    assert.equal(answer.kind, "cancelled");
    assert.deepEqual(await claimAs(store, "o", 1), []);
    assert.deepEqual((await store.get(job.id))?.state, {
      kind: "cancelled",
      endedAt: startAt + 3,
      reason: cancelReason,
    });
  }),
  storeCase("passes a cancel of a running job to its owner, with the first reason", async (store) => {
    const record = await runningJob(store, "o");
    await runningJob(store, "other");
    assert.deepEqual(await store.cancelRequests("o"), []);
    assert.equal((await store.requestCancel(record.job.id, cancelReason, startAt)).kind, "requested");
    await store.requestCancel(record.job.id, { ...cancelReason, message: "again" }, startAt);
    const [asked] = await store.cancelRequests("o");
    assert.deepEqual(asked?.state.kind === "running" && asked.state.cancelRequested, cancelReason);
    assert.deepEqual(await store.cancelRequests("other"), []);
  }),
  storeCase("answers a cancel of a job that ended, and of one that never was", async (store) => {
    const record = await runningJob(store, "o");
    await settleOne(store, succeed(record));
    assert.equal((await store.requestCancel(record.job.id, cancelReason, startAt)).kind, "ended");
    assert.equal((await store.requestCancel("nobody", cancelReason, startAt)).kind, "not_found");
  }),
  storeCase("answers those of many jobs that have ended", async (store) => {
    const jobs = [testJob(), testJob(), testJob()];
    await submitJobs(store, ...jobs);
    await settleOne(store, succeed((await claimAs(store, "o", 1))[0]!));
    assert.deepEqual(idsOf(await store.ended([...jobs.map((job) => job.id), "nobody"])), [jobs[0]!.id]);
  }),
];
