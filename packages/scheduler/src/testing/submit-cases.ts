/** What every store does at submit: durable jobs, and one holder of a key. */
import assert from "node:assert/strict";
import { attemptRef } from "../job-record.ts";
import type { DecideDedup, SubmitResult } from "../job-store.ts";
import {
  byJobDedup,
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
  testJob,
  testOwner,
  testPermit,
  testSubmission,
  testTask,
  type ConformanceCase,
} from "./fixtures.ts";

const keyed = (dedup: "coalesce" | "latest-wins" | "reject" = "coalesce", key = "k") =>
  testJob({ key, dedup });

function acceptedOf(results: readonly SubmitResult[]): SubmitResult[] {
  return results.filter((result) => result.kind === "accepted");
}

export const submitCases: readonly ConformanceCase[] = [
  storeCase("gives back a job exactly as it was submitted", async (store) => {
    const job = testJob({
      priority: { class: "interactive", value: -7 },
      key: "ключ",
      dedup: "reject",
      task: {
        worker: "codex",
        workspace: "/projects/ü",
        instructions: "line\n\u0001“quoted” 🎈",
        model: "m",
        capabilities: ["read", "edit"],
        env: { A: "", B: "=" },
        outputs: [{ name: "report", path: "report.md" }],
      },
      limits: { timeoutMs: 1, maxAttempts: 100, maxCostUsd: 0.1, maxTokens: 1 },
      retry: { retryOn: ["lost"] },
      notBefore: startAt + 5,
      requireContainment: "sealed",
      context: { tenant: "t", labels: { a: "b" } },
    });
    const submission = testSubmission(job, {
      runAt: startAt + 5,
      delayMs: null,
      readyFrom: startAt + 5,
      rank: -1.5,
    });
    await store.submit([submission], byJobDedup);
    assert.deepEqual(await store.get(job.id), {
      job,
      state: { kind: "queued", runAt: startAt + 5, delayMs: null, waitingFor: null },
      submittedAt: startAt,
      attempt: 0,
      epoch: 0,
      spent: { costUsd: 0, tokens: 0 },
      rank: -1.5,
      readyFrom: startAt + 5,
      concurrencyKey: "/projects/ü",
      result: null,
    });
  }),
  storeCase("keeps a job of a mebibyte", async (store) => {
    const job = testJob({ task: { ...testTask("/w"), instructions: "é".repeat(512 * 1024) } });
    await submitJobs(store, job);
    assert.equal((await store.get(job.id))?.job.task.instructions, job.task.instructions);
  }),
  storeCase("answers bulk submits in their order", async (store) => {
    const jobs = Array.from({ length: 50 }, () => testJob());
    assert.deepEqual(
      idsOf(await submitJobs(store, ...jobs)),
      jobs.map((job) => job.id),
    );
    assert.equal((await store.stats(startAt)).ready, 50);
  }),
  storeCase("takes nothing from an empty submit", async (store) => {
    assert.deepEqual(await store.submit([], byJobDedup), []);
  }),
  storeCase("does not know a job that was never submitted", async (store) => {
    assert.equal(await store.get("nobody"), undefined);
  }),
  storeCase("answers a repeated id with the job that has it, also after its end", async (store) => {
    const job = testJob();
    await submitJobs(store, job);
    const edited = { ...job, task: { ...job.task, instructions: "false" } };
    const again = await store.submit([testSubmission(edited)], byJobDedup);
    assert.equal(again[0]?.kind, "deduplicated");
    const [claimed] = await claimAs(store, "o", 1);
    assert.equal(claimed?.job.task.instructions, "true");
    await settleOne(store, succeed(claimed));
    const afterEnd = await store.submit([testSubmission(job)], byJobDedup);
    assert.equal(afterEnd[0]?.kind === "deduplicated" && afterEnd[0].record.state.kind, "succeeded");
  }),
  storeCase("coalesces a key and remembers the submission's id as another name of the job", async (store) => {
    const [first, second] = [keyed(), keyed()];
    await submitJobs(store, first);
    const [result] = await store.submit([testSubmission(second)], byJobDedup);
    assert.equal(result?.kind === "deduplicated" && result.record.job.id, first.id);
    assert.equal((await store.get(second.id))?.job.id, first.id);
    await settleOne(store, succeed((await claimAs(store, "o", 1))[0]!));
    const [repeated] = await store.submit([testSubmission(second)], byJobDedup);
    assert.equal(repeated?.kind === "deduplicated" && repeated.record.job.id, first.id);
  }),
  storeCase("forgets the id of a coalesced submission that will not be repeated", async (store) => {
    const [first, second] = [keyed(), keyed()];
    await submitJobs(store, first);
    await store.submit([testSubmission(second, { rememberAlias: false })], byJobDedup);
    assert.equal(await store.get(second.id), undefined);
  }),
  storeCase("coalesces two submissions of one call", async (store) => {
    const results = await store.submit([testSubmission(keyed()), testSubmission(keyed())], byJobDedup);
    assert.deepEqual(
      results.map((result) => result.kind),
      ["accepted", "deduplicated"],
    );
  }),
  storeCase("accepts one of 100 concurrent submits with a key and tells all about it", async (store) => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => store.submit([testSubmission(keyed())], byJobDedup)),
    );
    const results = answers.flat();
    assert.equal(acceptedOf(results).length, 1);
    const ids = new Set(results.map((result) => (result.kind === "rejected" ? "" : result.record.job.id)));
    assert.equal(ids.size, 1);
  }),
  storeCase("stores nothing of a submission that is rejected for its key", async (store) => {
    const [first, second] = [keyed(), keyed("reject")];
    await submitJobs(store, first);
    const [result] = await store.submit([testSubmission(second)], byJobDedup);
    assert.equal(result?.kind === "rejected" && result.holder.job.id, first.id);
    assert.equal(await store.get(second.id), undefined);
  }),
  storeCase("cancels a queued job whose key a newer one takes", async (store) => {
    const [first, second] = [keyed(), keyed("latest-wins")];
    await submitJobs(store, first);
    const [result] = await store.submit([testSubmission(second)], byJobDedup);
    assert.equal(result?.kind === "accepted" && result.replaced, first.id);
    const old = await store.get(first.id);
    assert.equal(old?.state.kind === "cancelled" && old.state.reason.code, "AC_SUPERSEDED");
    assert.deepEqual(idsOf(await claimAs(store, "o", 5)), [second.id]);
  }),
  storeCase(
    "asks a running job to stop whose key a newer one takes, and lets the newer wait for its end",
    async (store) => {
      const old = await runningJob(store, "o", keyed());
      const newer = keyed("latest-wins");
      await submitJobs(store, newer);
      assert.deepEqual(idsOf(await store.cancelRequests("o")), [old.job.id]);
      assert.deepEqual(await claimAs(store, "o", 5), []);
      const { claimed } = await store.settleAndClaim([endCancelled(old)], claimRequest("o", 5));
      assert.deepEqual(idsOf(claimed), [newer.id]);
    },
  ),
  storeCase(
    "holds the newer job back whatever else happens to the older one while it runs",
    async (store) => {
      const old = await runningJob(store, "o", keyed());
      await submitJobs(store, keyed("latest-wins"));
      await store.requestCancel(old.job.id, cancelReason, startAt);
      await store.recordStarted(attemptRef(old), { at: startAt, identity: null, permit: testPermit(old) });
      assert.deepEqual(await claimAs(store, "o", 5), []);
      await store.registerOwner(testOwner("p"));
      await store.takeOver({ from: "o", to: "p", beat: 0, at: startAt });
      assert.deepEqual(await claimAs(store, "p", 5), []);
    },
  ),
  storeCase("leaves the key with the newer job when the older one ends", async (store) => {
    const old = await runningJob(store, "o", keyed());
    const newer = keyed("latest-wins");
    await submitJobs(store, newer);
    await settleOne(store, endCancelled(old));
    const [result] = await store.submit([testSubmission(keyed())], byJobDedup);
    assert.equal(result?.kind === "deduplicated" && result.record.job.id, newer.id);
  }),
  storeCase("never brings back a job that was replaced while it ran", async (store) => {
    const old = await runningJob(store, "o", keyed());
    await submitJobs(store, keyed("latest-wins"));
    assert.equal((await settleOne(store, retry(old)))?.state.kind, "cancelled");
  }),
  storeCase("holds a key through claim, retry and deferral", async (store) => {
    const job = keyed();
    const decide: DecideDedup = () => "reject";
    const probe = async () => (await store.submit([testSubmission(keyed())], decide))[0]?.kind;
    const first = await runningJob(store, "o", job);
    assert.equal(await probe(), "rejected");
    await settleOne(store, retry(first));
    assert.equal(await probe(), "rejected");
    const [second] = await claimAs(store, "o", 1, { now: startAt + 10 });
    await settleOne(store, defer(second!));
    assert.equal(await probe(), "rejected");
  }),
  ...(["succeeded", "dead", "cancelled"] as const).map((end) =>
    storeCase(`frees the key of a job that ends ${end}`, async (store) => {
      const job = await runningJob(store, "o", keyed());
      const settle = { succeeded: succeed, dead: die, cancelled: endCancelled }[end];
      await settleOne(store, settle(job));
      const [result] = await store.submit([testSubmission(keyed("reject"))], byJobDedup);
      assert.equal(result?.kind, "accepted");
    }),
  ),
  storeCase("frees the key of a queued job that is cancelled", async (store) => {
    const job = keyed();
    await submitJobs(store, job);
    await store.requestCancel(job.id, cancelReason, startAt);
    const [result] = await store.submit([testSubmission(keyed("reject"))], byJobDedup);
    assert.equal(result?.kind, "accepted");
  }),
  storeCase("stores nothing of a bulk submit whose dedup decision throws", async (store) => {
    const [holder, fresh, clash] = [keyed(), testJob(), keyed()];
    await submitJobs(store, holder);
    const submissions = [testSubmission(fresh), testSubmission(clash)];
    await assert.rejects(
      store.submit(submissions, () => {
        throw new RangeError("thrown by a policy");
      }),
    );
    assert.equal(await store.get(fresh.id), undefined);
    assert.deepEqual(idsOf(await claimAs(store, "o", 5)), [holder.id]);
  }),
];
