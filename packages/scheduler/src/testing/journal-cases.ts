/** What is kept for people: decisions, dead letters, lists, figures; and what retention removes. */
import assert from "node:assert/strict";
import type { JobRecord } from "../job-record.ts";
import { attemptRef } from "../job-record.ts";
import type { NewDecision } from "../decision.ts";
import type { JobQuery } from "../job-query.ts";
import type { JobStore } from "../job-store.ts";
import {
  byJobDedup,
  cancelReason,
  claimAs,
  claimRequest,
  die,
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
  testReason,
  testSubmission,
  testTask,
  type ConformanceCase,
} from "./fixtures.ts";

const deferral = (jobId: string, at: number, attempt = 1): NewDecision => ({
  jobId,
  at,
  attempt,
  type: "deferred",
  code: "AC_CONCURRENCY",
  message: `at ${at}`,
  evidence: { at },
});

async function deadJob(store: JobStore, job = testJob()): Promise<JobRecord> {
  const record = await settleOne(store, die(await runningJob(store, "o", job)));
  assert.equal(record?.state.kind, "dead");
  return record;
}

const replayOf = (dead: JobRecord) => testSubmission({ ...dead.job, id: testJob().id });

export const journalCases: readonly ConformanceCase[] = [
  storeCase("keeps decisions in order and counts repetitions of the latest", async (store) => {
    const job = testJob();
    await submitJobs(store, job);
    await store.recordDecisions([deferral(job.id, 1), deferral(job.id, 2), deferral("nobody", 2)]);
    await store.recordDecisions([deferral(job.id, 3)]);
    await store.recordDecisions([deferral(job.id, 4, 2), deferral(job.id, 5, 1)]);
    const decisions = await store.decisions(job.id);
    assert.deepEqual(decisions, [
      { ...deferral(job.id, 3), at: 1, lastAt: 3, count: 3 },
      { ...deferral(job.id, 4, 2), lastAt: 4, count: 1 },
      { ...deferral(job.id, 5, 1), lastAt: 5, count: 1 },
    ]);
    assert.deepEqual(await store.decisions("nobody"), []);
  }),
  storeCase("notes the decisions of a settlement that was applied, and of no other", async (store) => {
    const record = await runningJob(store, "o");
    const decisions: NewDecision[] = [
      { ...testReason, jobId: record.job.id, at: startAt, attempt: 1, type: "retry" },
    ];
    const stale = { ...attemptRef(record), epoch: 7 };
    await store.settleAndClaim([{ ...retry(record), ref: stale, decisions }]);
    assert.deepEqual(await store.decisions(record.job.id), []);
    await store.settleAndClaim([{ ...retry(record), decisions }]);
    assert.deepEqual(
      (await store.decisions(record.job.id)).map(({ type }) => type),
      ["retry"],
    );
  }),
  storeCase("replays a dead job as a new one, edited, and keeps the evidence of the old", async (store) => {
    const dead = await deadJob(store);
    const submission = replayOf(dead);
    const edited = {
      ...submission,
      job: { ...submission.job, task: { ...dead.job.task, instructions: "true # 2" } },
    };
    const answer = await store.replay(dead.job.id, edited);
    assert.equal(answer.kind, "accepted");
    const old = await store.get(dead.job.id);
    assert.equal(old?.state.kind === "dead" && old.state.replayedAs, edited.job.id);
    assert.equal((await store.attempts(dead.job.id)).length, 1);
    const [claimed] = await claimAs(store, "o", 9);
    assert.equal(claimed?.job.task.instructions, "true # 2");
    assert.equal(claimed?.attempt, 1);
  }),
  storeCase("replays a dead job once, however often it is asked to", async (store) => {
    const dead = await deadJob(store);
    const answers = await Promise.all([
      store.replay(dead.job.id, replayOf(dead)),
      store.replay(dead.job.id, replayOf(dead)),
      store.replay(dead.job.id, replayOf(dead)),
    ]);
    assert.deepEqual(answers.map(({ kind }) => kind).sort(), ["accepted", "already", "already"]);
    assert.equal((await claimAs(store, "o", 9)).length, 1);
  }),
  storeCase("refuses to replay what is not dead, or whose key an unfinished job holds", async (store) => {
    const running = await runningJob(store, "o");
    assert.equal((await store.replay(running.job.id, replayOf(running))).kind, "not_dead");
    assert.equal((await store.replay("nobody", replayOf(running))).kind, "not_dead");
    const dead = await deadJob(store, testJob({ key: "k" }));
    const holder = testJob({ key: "k" });
    await submitJobs(store, holder);
    const answer = await store.replay(dead.job.id, replayOf(dead));
    assert.equal(answer.kind === "held" && answer.holder.job.id, holder.id);
  }),
  storeCase("holds the key of a replayed job", async (store) => {
    const dead = await deadJob(store, testJob({ key: "k" }));
    await store.replay(dead.job.id, replayOf(dead));
    const [result] = await store.submit([testSubmission(testJob({ key: "k" }))], byJobDedup);
    assert.equal(result?.kind, "deduplicated");
  }),
  storeCase("drops no dead letter by itself, and purges exactly those asked for", async (store) => {
    const codex = await deadJob(store, testJob({ task: testTask("/w/1", "codex") }));
    const shell = await deadJob(store);
    assert.equal(await store.deleteEnded({ endedBefore: startAt + 1_000_000 }), 0);
    assert.equal((await store.purgeDead({ worker: "codex" })).length, 1);
    assert.equal(await store.get(codex.job.id), undefined);
    assert.deepEqual(await store.attempts(codex.job.id), []);
    assert.equal((await store.get(shell.job.id))?.state.kind, "dead");
    assert.equal((await store.purgeDead({})).length, 1);
  }),
  storeCase("never purges a job that is not dead", async (store) => {
    await runningJob(store, "o");
    await submitJobs(store, testJob());
    assert.deepEqual(await store.purgeDead({}), []);
  }),
  storeCase(
    "deletes ended jobs of before the moment, in portions, with all that belongs to them",
    async (store) => {
      const key = { key: "k" };
      const succeeded = await runningJob(store, "o", testJob(key));
      const alias = testJob(key);
      await submitJobs(store, alias);
      await store.recordDecisions([deferral(succeeded.job.id, 1)]);
      await settleOne(store, succeed(succeeded));
      const cancelled = testJob();
      await submitJobs(store, cancelled);
      await store.requestCancel(cancelled.id, cancelReason, startAt);
      const dead = await deadJob(store);
      await store.replay(dead.job.id, replayOf(dead));
      assert.equal(await store.deleteEnded({ endedBefore: startAt }), 0);
      assert.equal(await store.deleteEnded({ endedBefore: startAt + 2, limit: 2 }), 2);
      assert.equal(await store.deleteEnded({ endedBefore: startAt + 2 }), 1);
      for (const id of [succeeded.job.id, alias.id, cancelled.id, dead.job.id]) {
        assert.equal(await store.get(id), undefined);
        assert.deepEqual(await store.decisions(id), []);
      }
      assert.equal((await store.list({})).jobs.length, 1);
    },
  ),
  storeCase("lists the newest first, page by page", async (store) => {
    const jobs = Array.from({ length: 7 }, () => testJob());
    await submitJobs(store, ...jobs);
    const seen: string[] = [];
    let before: string | undefined;
    for (;;) {
      const page = await store.list({ limit: 3, before });
      seen.push(...idsOf(page.jobs));
      if (page.next === null) break;
      before = page.next;
    }
    assert.deepEqual(seen, jobs.map((job) => job.id).reverse());
  }),
  storeCase("lists by state, worker, workspace, text, tenant, key, labels, code and ids", async (store) => {
    const dead = await deadJob(store, testJob({ task: testTask("/w/1", "codex") }));
    const replayed = await deadJob(store);
    await store.replay(replayed.job.id, replayOf(replayed));
    const labelled = testJob({ key: "k", context: { tenant: "t", labels: { a: "1", b: "2" } } });
    await store.submit([testSubmission(labelled, { submittedAt: startAt + 50 })], byJobDedup);
    const worded = testJob({ task: { ...testTask("/w/2"), instructions: "Greet the süd 100% _" } });
    await submitJobs(store, worded);
    const listed = async (query: JobQuery) => idsOf((await store.list(query)).jobs);
    assert.deepEqual(await listed({ worker: "codex" }), [dead.job.id]);
    assert.deepEqual(await listed({ workspace: "/w/1" }), [dead.job.id]);
    assert.deepEqual(await listed({ workspace: "/w" }), []);
    assert.deepEqual(await listed({ text: "SÜD" }), []);
    assert.deepEqual(await listed({ text: "süd 100%" }), [worded.id]);
    assert.deepEqual(await listed({ text: "GREET the süd" }), [worded.id]);
    assert.deepEqual(await listed({ states: ["dead"] }), [replayed.job.id, dead.job.id]);
    assert.deepEqual(await listed({ states: ["dead"], notReplayed: true }), [dead.job.id]);
    assert.deepEqual(await listed({ code: testReason.code, worker: "shell" }), [replayed.job.id]);
    assert.deepEqual(await listed({ tenant: "t" }), [labelled.id]);
    assert.deepEqual(await listed({ key: "k" }), [labelled.id]);
    assert.deepEqual(await listed({ labels: { a: "1", b: "2" } }), [labelled.id]);
    assert.deepEqual(await listed({ labels: { a: "2" } }), []);
    assert.deepEqual(await listed({ ids: [dead.job.id, "nobody"] }), [dead.job.id]);
    assert.deepEqual(await listed({ idEndings: [dead.job.id.slice(-8), "x".repeat(8)] }), [dead.job.id]);
    assert.deepEqual(await listed({ states: [] }), []);
    const all = await listed({});
    assert.equal(all.length, 5);
    assert.equal(await store.count({ limit: 1 }), 5);
    assert.equal(await store.count({ states: ["dead"], notReplayed: true }), 1);
    assert.equal(await store.count({ before: all[1] }), 3);
  }),
  storeCase("lists by the moments of submit and end, from the first to before the last", async (store) => {
    const dead = await deadJob(store);
    const endedAt = dead.state.kind === "dead" ? dead.state.endedAt : NaN;
    const later = testJob();
    await store.submit([testSubmission(later, { submittedAt: startAt + 50 })], byJobDedup);
    const listed = async (query: JobQuery) => idsOf((await store.list(query)).jobs);
    assert.deepEqual(await listed({ submittedBefore: startAt + 50 }), [dead.job.id]);
    assert.deepEqual(await listed({ submittedBefore: startAt + 51 }), [later.id, dead.job.id]);
    assert.deepEqual(await listed({ submittedAfter: startAt + 50 }), [later.id]);
    assert.deepEqual(await listed({ submittedAfter: startAt + 51 }), []);
    assert.deepEqual(await listed({ endedBefore: endedAt }), []);
    assert.deepEqual(await listed({ endedBefore: endedAt + 1 }), [dead.job.id]);
    assert.deepEqual(await listed({ endedAfter: endedAt }), [dead.job.id]);
    assert.deepEqual(await listed({ endedAfter: endedAt + 1 }), []);
  }),
  storeCase("lists and purges by the error class of the last result", async (store) => {
    const failed = await deadJob(store);
    const unstarted = await runningJob(store, "o");
    const neverRan = {
      kind: "dead",
      result: null,
      charge: { costUsd: 0, tokens: 0 },
      reason: testReason,
    } as const;
    await settleOne(store, { ref: attemptRef(unstarted), at: startAt + 1, ...neverRan });
    assert.deepEqual(idsOf((await store.list({ errorClass: "task_failed" })).jobs), [failed.job.id]);
    assert.deepEqual(idsOf((await store.list({ errorClass: "timeout" })).jobs), []);
    assert.equal((await store.purgeDead({ errorClass: "task_failed", limit: 5 })).length, 1);
    assert.equal((await store.get(unstarted.job.id))?.state.kind, "dead");
  }),
  storeCase("counts what there is", async (store) => {
    const ended = { succeeded: 0, dead: 0, cancelled: 0 };
    assert.deepEqual(await store.stats(startAt), {
      ...ended,
      ready: 0,
      delayed: 0,
      running: 0,
      oldestWaitMs: 0,
    });
    await deadJob(store);
    await settleOne(store, succeed(await runningJob(store, "o")));
    await runningJob(store, "o");
    await submitJobs(store, testJob(), testJob());
    const delayed = { runAt: startAt + 900, readyFrom: startAt + 900, delayMs: null };
    await store.submit([testSubmission(testJob(), delayed)], byJobDedup);
    const counts = { running: 1, succeeded: 1, dead: 1, cancelled: 0 };
    assert.deepEqual(await store.stats(startAt + 70), { ...counts, ready: 2, delayed: 1, oldestWaitMs: 70 });
    assert.deepEqual(await store.stats(startAt + 1000), {
      ...counts,
      ready: 3,
      delayed: 0,
      oldestWaitMs: 1000,
    });
  }),
  storeCase(
    "tells what waits: lines of due jobs, those of a key, and the others one by one",
    async (store) => {
      const none = { tenant: null, worker: "shell", model: null, class: "batch" } as const;
      await runningJob(store, "o");
      const [first, second] = [testJob(), testJob()];
      const inOne = { submittedAt: startAt + 5, concurrencyKey: "/one" };
      await store.submit([testSubmission(first, inOne), testSubmission(second, inOne)], byJobDedup);
      const other = testJob({
        task: { ...testTask("/two", "codex"), model: "m" },
        context: { tenant: "acme" },
        priority: { class: "interactive" },
      });
      const later = testJob();
      const piece = testJob({ context: { labels: { "workflow.run": "r" } } });
      await submitJobs(store, other, piece);
      const delay = { runAt: startAt + 900, readyFrom: startAt + 900, delayMs: null };
      await store.submit([testSubmission(later, delay)], byJobDedup);
      const waits = await store.waits({ now: startAt, keys: ["/one", "/none"] });
      const line = { ...none, jobs: 2, first: { jobId: first.id, readyFrom: startAt + 5 } };
      const ofOther = { tenant: "acme", worker: "codex", model: "m", class: "interactive" };
      assert.deepEqual(waits.lines, [
        line,
        { ...ofOther, jobs: 1, first: { jobId: other.id, readyFrom: startAt } },
      ]);
      assert.deepEqual(waits.ofKeys, [{ ...line, concurrencyKey: "/one" }]);
      assert.equal(waits.othersInAll, 2);
      const shown = waits.others.map(({ jobId, kind, runAt }) => ({ jobId, kind, runAt }));
      assert.deepEqual(
        shown.toSorted((a, b) => a.runAt - b.runAt),
        [
          { jobId: piece.id, kind: "piece", runAt: startAt },
          { jobId: later.id, kind: "delayed", runAt: startAt + 900 },
        ],
      );
      await settleOne(store, retry(await runningJob(store, "p"), startAt + 60_000));
      const { others } = await store.waits({ now: startAt, keys: [] });
      assert.deepEqual(
        others.flatMap(({ waitingFor }) => waitingFor ?? []),
        [testReason],
      );
    },
  ),
  storeCase("names the jobs ahead of a queued one", async (store) => {
    const jobs = [testJob(), testJob({ priority: { value: 5 } }), testJob()];
    await submitJobs(store, ...jobs);
    assert.deepEqual(await store.aheadOf(jobs[2]!.id, 9), [jobs[1]!.id, jobs[0]!.id]);
    assert.deepEqual(await store.aheadOf(jobs[2]!.id, 1), [jobs[1]!.id]);
    assert.deepEqual(await store.aheadOf("nobody", 9), []);
  }),
  storeCase("calls listeners after the change they hear of can be read", async (store) => {
    const job = testJob();
    const seen: Promise<JobRecord | undefined>[] = [];
    const stop = store.onChange(() => seen.push(store.get(job.id)));
    await submitJobs(store, job);
    assert.ok(seen.length > 0);
    assert.equal((await seen[0])?.job.id, job.id);
    await claimAs(store, "o", 0);
    const beforeEmpty = seen.length;
    await store.claim(claimRequest("o", 0));
    assert.equal(seen.length, beforeEmpty, "a claim that took nothing was announced as a change");
    stop();
    const heard = seen.length;
    await submitJobs(store, testJob());
    assert.equal(seen.length, heard);
  }),
  storeCase(
    "tells whose claims and settlements a change is, and nothing of a started attempt",
    async (store) => {
      const told: (string | null)[] = [];
      await submitJobs(store, testJob(), testJob(), testJob());
      await store.registerOwner(testOwner("o"));
      store.onChange((by) => told.push(by));
      const [first, second] = await store.claim(claimRequest("o", 2));
      assert.deepEqual(told.splice(0), ["o"]);
      await store.recordStarted(attemptRef(first!), {
        at: startAt,
        identity: null,
        permit: testPermit(first!),
      });
      assert.deepEqual(told.splice(0), []);
      await store.settleAndClaim([succeed(first!)], claimRequest("o", 1));
      assert.deepEqual(told.splice(0), ["o"]);
      await store.settleAndClaim([succeed(second!)]);
      assert.deepEqual(told.splice(0), [null]);
      await submitJobs(store, testJob());
      await Promise.all([store.claim(claimRequest("o", 1)), submitJobs(store, testJob())]);
      assert.ok(told.includes(null), "a submit was told as a claim");
    },
  ),
  {
    name: "refuses work after it was closed, and may be closed again",
    async run(harness) {
      const store = await harness.open();
      await store.close();
      await store.close();
      await assert.rejects(store.get("nobody"), { code: "AC_STORE_UNAVAILABLE" });
      await assert.rejects(store.submit([testSubmission(testJob())], byJobDedup), {
        code: "AC_STORE_UNAVAILABLE",
      });
    },
  },
];
