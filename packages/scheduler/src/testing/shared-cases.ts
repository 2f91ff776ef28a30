/** What holds besides where several connections, and so several processes, share one store. */
import assert from "node:assert/strict";
import type { JobStore } from "../job-store.ts";
import { decisionsPerJobMax } from "../stored/stored-history.ts";
import {
  byJobDedup,
  claimAs,
  claimRequest,
  die,
  idsOf,
  runningJob,
  settleOne,
  sharedCase,
  startAt,
  submitJobs,
  succeed,
  testJob,
  testOwner,
  testSubmission,
  testTask,
  type ConformanceCase,
  type SharedStoreHarness,
} from "./fixtures.ts";

/** Claims until the store has no more, from several claimers on one connection. */
async function drain(store: JobStore, claimers: number, name: string): Promise<string[]> {
  const seen: string[] = [];
  await Promise.all(
    Array.from({ length: claimers }, async (_, claimer) => {
      const owner = `${name}-${claimer}`;
      await store.registerOwner(testOwner(owner));
      for (;;) {
        const claimed = await store.claim(claimRequest(owner, 5));
        if (claimed.length === 0) return;
        seen.push(...idsOf(claimed));
      }
    }),
  );
  return seen;
}

export const sharedCases: readonly ConformanceCase<SharedStoreHarness>[] = [
  sharedCase("shows each connection what the other did", async (one, other) => {
    const record = await runningJob(one, "o");
    assert.deepEqual(await other.get(record.job.id), record);
    await settleOne(other, succeed(record));
    assert.equal((await one.get(record.job.id))?.state.kind, "succeeded");
  }),
  ...[1, 2].map((calls) =>
    sharedCase(`keeps the latest decisions of a job, up to a bound, from ${calls} calls`, async (one) => {
      const job = testJob();
      await submitJobs(one, job);
      const decisions = Array.from({ length: decisionsPerJobMax + 50 }, (_, index) => ({
        jobId: job.id,
        at: index,
        attempt: 1,
        type: "deferred" as const,
        code: index % 2 === 0 ? "AC_CONCURRENCY" : "AC_START_RATE",
        message: "",
        evidence: {},
      }));
      const size = decisions.length / calls;
      for (let from = 0; from < decisions.length; from += size)
        await one.recordDecisions(decisions.slice(from, from + size));
      const kept = (await one.decisions(job.id)).map(({ at }) => at);
      assert.deepEqual(
        kept,
        decisions.slice(50).map(({ at }) => at),
      );
    }),
  ),
  sharedCase("tells a connection by its version that another one changed something", async (one, other) => {
    await one.externalVersion();
    const before = await one.externalVersion();
    assert.equal(await one.externalVersion(), before);
    await submitJobs(other, testJob());
    assert.notEqual(await one.externalVersion(), before);
  }),
  sharedCase("gives each of 1,000 jobs out once to 16 claimers on two connections", async (one, other) => {
    await submitJobs(one, ...Array.from({ length: 1000 }, () => testJob()));
    const seen = (await Promise.all([drain(one, 8, "one"), drain(other, 8, "other")])).flat();
    assert.equal(seen.length, 1000);
    assert.equal(new Set(seen).size, 1000);
  }),
  sharedCase("accepts one of 100 submits with a key from two connections", async (one, other) => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        (index % 2 === 0 ? one : other).submit([testSubmission(testJob({ key: "k" }))], byJobDedup),
      ),
    );
    const results = answers.flat();
    assert.equal(results.filter(({ kind }) => kind === "accepted").length, 1);
    assert.equal(
      new Set(results.map((result) => (result.kind === "rejected" ? "" : result.record.job.id))).size,
      1,
    );
  }),
  sharedCase("submits for one of two connections that append the same", async (one, other, journal) => {
    await journal.append("s", { after: 0, entries: ["begun"], header: { name: "a" } });
    const jobs = [testJob(), testJob()] as const;
    const answers = await Promise.all(
      jobs.map((job, index) =>
        [one, other][index]!.appendAndSubmit(
          { stream: "s", after: 1, entries: [job.id] },
          [testSubmission(job)],
          byJobDedup,
        ),
      ),
    );
    const loser = answers.indexOf("conflict");
    assert.deepEqual(answers.indexOf("conflict", loser + 1), -1);
    const winner = jobs[1 - loser]!;
    assert.deepEqual((await journal.read("s"))?.entries, ["begun", winner.id]);
    assert.deepEqual(idsOf((await one.list({})).jobs), [winner.id]);
  }),
  sharedCase("runs one job of a concurrency key over both connections", async (one, other) => {
    const shared = { task: testTask("/projects/shared") };
    await submitJobs(one, testJob(shared), testJob(shared));
    const claimed = [...(await claimAs(one, "o", 9)), ...(await claimAs(other, "p", 9))];
    assert.equal(claimed.length, 1);
    const { claimed: next } = await one.settleAndClaim([succeed(claimed[0]!)]);
    assert.deepEqual(next, []);
    assert.equal((await claimAs(other, "p", 9)).length, 1);
  }),
  sharedCase("fences an owner on one connection by a takeover on the other", async (one, other) => {
    const record = await runningJob(one, "old");
    await other.registerOwner(testOwner("new"));
    const moved = await other.takeOver({ from: "old", to: "new", beat: 0, at: startAt });
    assert.equal(moved.length, 1);
    const { settled } = await one.settleAndClaim([die(record)]);
    assert.equal(settled[0]?.applied, "stale");
    assert.equal((await other.lateResults(record.job.id)).length, 1);
  }),
];
