/** Who comes next, what is skipped, and that nobody is given out twice. */
import assert from "node:assert/strict";
import { compareCandidates, createRankPolicy } from "../claim-order.ts";
import type { JobRecord } from "../job-record.ts";
import { isDue } from "../job-record.ts";
import { excludeNothing, type ClaimFilter, type ClaimRequest, type JobStore } from "../job-store.ts";
import {
  byJobDedup,
  claimAs,
  claimRequest,
  defer,
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
  testSubmission,
  testTask,
  type ConformanceCase,
} from "./fixtures.ts";

/** Submits jobs at the given times after the start and returns their ids. */
async function submitAt(
  store: JobStore,
  ...entries: [number, Parameters<typeof testJob>[0]][]
): Promise<string[]> {
  const submissions = entries.map(([afterMs, job]) =>
    testSubmission(testJob(job), { submittedAt: startAt + afterMs }),
  );
  await store.submit(submissions, byJobDedup);
  return submissions.map((submission) => submission.job.id);
}

const later = (afterMs: number): Partial<ClaimRequest> => ({ now: startAt + afterMs });

export const claimCases: readonly ConformanceCase[] = [
  storeCase("claims by class, then value, then time", async (store) => {
    const [plain, late, urgent, low, person] = await submitAt(
      store,
      [0, {}],
      [5, {}],
      [6, { priority: { value: 10 } }],
      [1, { priority: { value: -10 } }],
      [9, { priority: { class: "interactive", value: -1000 } }],
    );
    assert.deepEqual(idsOf(await claimAs(store, "o", 9, later(10))), [person, urgent, plain, late, low]);
  }),
  storeCase("claims jobs of equal rank as they were submitted, whatever their ids", async (store) => {
    const ids = ["job-c", "job-a", "job-b", "job-e", "job-d"];
    const shared = { task: testTask("/projects/shared") };
    await submitJobs(store, ...ids.map((id, index) => testJob(index < 3 ? { id } : { id, ...shared })));
    assert.deepEqual(idsOf(await claimAs(store, "o", 9)), ids.slice(0, 4));
    assert.deepEqual(await store.aheadOf("job-d", 9), []);
  }),
  storeCase("lets a job that waited long enough go before a newer one of higher priority", async (store) => {
    const [old, newer] = await submitAt(
      store,
      [0, { priority: { class: "batch", value: -1000 } }],
      [5_700_000, { priority: { class: "interactive", value: 1000 } }],
    );
    assert.deepEqual(idsOf(await claimAs(store, "o", 9, later(5_700_000))), [old, newer]);
  }),
  storeCase("gives tenants turns, whoever came first with however many", async (store) => {
    const many: [number, Parameters<typeof testJob>[0]][] = Array.from({ length: 6 }, () => [
      0,
      { context: { tenant: "many" } },
    ]);
    const few: [number, Parameters<typeof testJob>[0]][] = Array.from({ length: 3 }, () => [
      60_000,
      { context: { tenant: "few" } },
    ]);
    await submitAt(store, ...many, ...few);
    const order: (string | undefined)[] = [];
    for (let turn = 0; turn < 6; turn += 1) {
      const [record] = await claimAs(store, "o", 1, later(60_001 + turn));
      order.push(record?.job.context.tenant);
    }
    assert.deepEqual(order, ["many", "few", "many", "few", "many", "few"]);
  }),
  storeCase("gives tenants turns within one claim", async (store) => {
    const tenants = ["a", "a", "a", "b", "b", "b"];
    await submitAt(
      store,
      ...tenants.map((tenant): [number, Parameters<typeof testJob>[0]] => [0, { context: { tenant } }]),
    );
    const claimed = await claimAs(store, "o", 4, later(1));
    assert.deepEqual(
      claimed.map((record) => record.job.context.tenant),
      ["a", "b", "a", "b"],
    );
  }),
  storeCase("does not shut out a tenant that was served before the clock was set back", async (store) => {
    const [first, second, other] = await submitAt(
      store,
      [0, { context: { tenant: "a" } }],
      [0, { context: { tenant: "a" } }],
      [10_000, { context: { tenant: "b" } }],
    );
    assert.deepEqual(idsOf(await claimAs(store, "o", 1, later(2_592_000_000))), [first]);
    assert.deepEqual(idsOf(await claimAs(store, "o", 2, later(9000))), [second, other]);
  }),
  storeCase("numbers attempts from 1 and raises the epoch with every claim", async (store) => {
    const first = await runningJob(store, "o");
    assert.deepEqual([first.attempt, first.epoch], [1, 1]);
    assert.deepEqual(first.state, {
      kind: "running",
      owner: "o",
      claimedAt: startAt,
      started: null,
      cancelRequested: null,
    });
    await settleOne(store, retry(first));
    const [second] = await claimAs(store, "o", 1, later(1));
    assert.deepEqual([second?.attempt, second?.epoch], [2, 2]);
    await settleOne(store, defer(second!));
    const [third] = await claimAs(store, "o", 1, later(1));
    assert.deepEqual([third?.attempt, third?.epoch], [2, 3]);
    assert.deepEqual(await store.get(third!.job.id), third);
  }),
  storeCase("claims only the jobs named, in that order, where they are named", async (store) => {
    const [first, second, third] = await submitAt(store, [0, {}], [1, {}], [2, {}]);
    const only = [third!, "no-such-job", first!];
    assert.deepEqual(idsOf(await claimAs(store, "o", 9, { ...later(3), only })), [third, first]);
    assert.deepEqual(idsOf(await claimAs(store, "o", 9, { ...later(3), only })), []);
    assert.deepEqual(idsOf(await claimAs(store, "o", 9, later(3))), [second]);
  }),
  storeCase("holds a job that is named to the same rules as any other", async (store) => {
    const submissions = [
      testSubmission(testJob({ id: "a" }), { concurrencyKey: "w" }),
      testSubmission(testJob({ id: "b" }), { concurrencyKey: "w" }),
      testSubmission(testJob({ id: "later", notBefore: startAt + 5000 }), {
        runAt: startAt + 5000,
        delayMs: null,
        readyFrom: startAt + 5000,
      }),
    ];
    await store.submit(submissions, byJobDedup);
    const named = (...only: string[]): Partial<ClaimRequest> => ({ ...later(1), only });
    const exclude: ClaimFilter = { ...excludeNothing, concurrencyKeys: ["w"] };
    assert.deepEqual(await claimAs(store, "o", 9, { ...named("a"), exclude }), []);
    assert.deepEqual(idsOf(await claimAs(store, "o", 9, named("later", "b", "a"))), ["b"]);
    const due: Partial<ClaimRequest> = { ...later(5000), only: ["later"] };
    assert.deepEqual(idsOf(await claimAs(store, "o", 9, due)), ["later"]);
  }),
  storeCase("gives nothing to an owner it does not know", async (store) => {
    await submitJobs(store, testJob());
    assert.deepEqual(await store.claim(claimRequest("stranger", 1)), []);
  }),
  storeCase("claims no more than asked for, and nothing for nothing", async (store) => {
    await submitJobs(store, testJob(), testJob(), testJob());
    assert.equal((await claimAs(store, "o", 0)).length, 0);
    assert.equal((await claimAs(store, "o", 2)).length, 2);
    assert.equal((await claimAs(store, "o", 2)).length, 1);
  }),
  storeCase(
    "runs one job of a concurrency key at a time and goes on with others meanwhile",
    async (store) => {
      const shared = { task: testTask("/projects/shared") };
      const [first, second, free] = [testJob(shared), testJob(shared), testJob()];
      await submitJobs(store, first, second, free);
      const claimed = await claimAs(store, "o", 9);
      assert.deepEqual(idsOf(claimed), [first.id, free.id]);
      const next = await store.settleAndClaim([succeed(claimed[0]!)], claimRequest("o", 9, later(1)));
      assert.deepEqual(idsOf(next.claimed), [second.id]);
    },
  ),
  storeCase("frees the concurrency key of a deferred and of a retried job", async (store) => {
    const shared = { task: testTask("/projects/shared") };
    const [first, second] = [testJob(shared), testJob(shared)];
    await submitJobs(store, first, second);
    const [one] = await claimAs(store, "o", 9);
    const afterDefer = await store.settleAndClaim([defer(one!, startAt + 1000)], claimRequest("o", 9));
    assert.deepEqual(idsOf(afterDefer.claimed), [second.id]);
    const afterRetry = await store.settleAndClaim(
      [retry(afterDefer.claimed[0]!, startAt + 5000)],
      claimRequest("o", 9, later(1000)),
    );
    assert.deepEqual(idsOf(afterRetry.claimed), [first.id]);
  }),
  storeCase("runs as many jobs of a concurrency key as the claim allows", async (store) => {
    const jobs = Array.from({ length: 5 }, () => testJob({ task: testTask("/projects/shared") }));
    await submitJobs(store, ...jobs.slice(1));
    assert.equal((await claimAs(store, "o", 9)).length, 1);
    await submitJobs(store, jobs[0]!);
    assert.equal((await claimAs(store, "o", 9, { perKey: 3 })).length, 2);
    assert.equal((await claimAs(store, "o", 9, { perKey: 3 })).length, 0);
  }),
  storeCase("sets no limit for jobs without a concurrency key", async (store) => {
    const jobs = Array.from({ length: 3 }, () => testJob({ task: testTask("/projects/shared") }));
    await store.submit(
      jobs.map((job) => testSubmission(job, { concurrencyKey: null })),
      byJobDedup,
    );
    assert.equal((await claimAs(store, "o", 9)).length, 3);
  }),
  storeCase("passes over what is excluded, each by its own name, and finds it again later", async (store) => {
    const codex = testTask("/projects/1", "codex");
    const jobs = {
      worker: testJob({ task: testTask("/projects/2", "opencode") }),
      model: testJob({ task: { ...codex, model: "large" } }),
      noModel: testJob({ task: { ...codex, workspace: "/projects/3", worker: "claude-code" } }),
      tenant: testJob({ context: { tenant: "acme" } }),
      class: testJob({ priority: { class: "interactive" } }),
      workspace: testJob({ task: testTask("/projects/busy") }),
      otherModel: testJob({ task: { ...codex, workspace: "/projects/4", model: "small" } }),
      plain: testJob(),
    };
    await submitJobs(store, ...Object.values(jobs));
    const exclude: ClaimFilter = {
      workers: ["opencode"],
      models: [
        { worker: "codex", model: "large" },
        { worker: "claude-code", model: null },
        { worker: "shell", model: "small" },
      ],
      tenants: ["acme"],
      classes: ["interactive"],
      concurrencyKeys: ["/projects/busy"],
    };
    assert.deepEqual(idsOf(await claimAs(store, "o", 9, { exclude })), [jobs.otherModel.id, jobs.plain.id]);
    const { worker, model, noModel, tenant, class: person, workspace } = jobs;
    const rest = [worker, model, noModel, tenant, person, workspace].map((job) => job.id);
    assert.deepEqual(idsOf(await claimAs(store, "o", 9)).sort(), rest.sort());
  }),
  storeCase("holds a delayed job until its moment and says when that is", async (store) => {
    const job = testJob({ notBefore: startAt + 5000 });
    const times = { runAt: startAt + 5000, readyFrom: startAt + 5000, delayMs: null };
    await store.registerOwner(testOwner("o"));
    const claimAt = (now: number, limit: number) =>
      store.settleAndClaim([], claimRequest("o", limit, { now }));
    assert.deepEqual(await claimAt(startAt, 1), { settled: [], claimed: [], nextRunAt: null });
    await store.submit([testSubmission(job, times)], byJobDedup);
    assert.equal((await store.settleAndClaim([])).nextRunAt, null);
    assert.deepEqual(await claimAt(startAt, 1), { settled: [], claimed: [], nextRunAt: startAt + 5000 });
    assert.deepEqual(await claimAs(store, "o", 1, later(4999)), []);
    const { claimed, nextRunAt } = await claimAt(startAt + 5000, 2);
    assert.deepEqual(idsOf(claimed), [job.id]);
    assert.equal(nextRunAt, null);
  }),
  storeCase("does not freeze a retry or a fresh job when the clock is set back by a month", async (store) => {
    const before = startAt - 2_592_000_000;
    const retried = await runningJob(store, "o");
    await settleOne(store, retry(retried, startAt + 5000));
    const fresh = testJob();
    await submitJobs(store, fresh);
    const claimed = await claimAs(store, "o", 9, { now: before });
    assert.deepEqual(idsOf(claimed).sort(), [retried.job.id, fresh.id].sort());
  }),
  storeCase("does not freeze a retry that is written after the clock was set back", async (store) => {
    const before = startAt - 2_592_000_000;
    const retried = await runningJob(store, "o");
    assert.deepEqual(await claimAs(store, "o", 9, { now: before }), []);
    await settleOne(store, retry(retried, startAt + 5000));
    assert.deepEqual(idsOf(await claimAs(store, "o", 9, { now: before })), [retried.job.id]);
  }),
  storeCase("holds a job with an absolute moment when the clock is set back", async (store) => {
    const times = { runAt: startAt + 5000, readyFrom: startAt + 5000, delayMs: null };
    await store.submit([testSubmission(testJob({ notBefore: startAt + 5000 }), times)], byJobDedup);
    assert.deepEqual(await claimAs(store, "o", 1, { now: startAt - 2_592_000_000 }), []);
  }),
  storeCase("gives each of 2,000 jobs to exactly one of 16 concurrent claimers", async (store) => {
    await submitJobs(store, ...Array.from({ length: 2000 }, () => testJob()));
    const seen: string[] = [];
    await Promise.all(
      Array.from({ length: 16 }, async (_, claimer) => {
        const owner = `owner-${claimer}`;
        await store.registerOwner(testOwner(owner));
        for (;;) {
          const claimed = await store.claim(claimRequest(owner, 7));
          if (claimed.length === 0) return;
          seen.push(...idsOf(claimed));
        }
      }),
    );
    assert.equal(seen.length, 2000);
    assert.equal(new Set(seen).size, 2000);
  }),
  storeCase("claims in the documented order whatever the mix", async (store) => {
    await claimLikeTheModel(store, 20_240_607);
  }),
];

/** A small random generator with a fixed result, so that every store gets the same jobs. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
}

/** Runs random submits, claims and ends against the store and against a list that is searched in full each time. */
async function claimLikeTheModel(store: JobStore, seed: number): Promise<void> {
  const below = numbersFrom(seed);
  const rank = createRankPolicy();
  const queued = new Map<string, JobRecord>();
  const running = new Map<string, JobRecord>();
  const servedAt = new Map<string, number>();
  await store.registerOwner(testOwner("o"));
  let now = startAt;
  for (let step = 0; step < 300; step += 1) {
    now += below(3000);
    const jobs = Array.from({ length: below(4) }, () => {
      const tenant = ["", "a", "b"][below(3)]!;
      return testJob({
        priority: { class: below(4) === 0 ? "interactive" : "batch", value: below(5) * 3 },
        task: testTask(`/projects/${below(6)}`, below(2) === 0 ? "shell" : "codex"),
        context: tenant === "" ? {} : { tenant },
      });
    });
    const submissions = jobs.map((job) => {
      const readyFrom = now + (below(5) === 0 ? below(9000) : 0);
      return testSubmission(job, {
        submittedAt: now,
        readyFrom,
        runAt: readyFrom,
        rank: rank(job, readyFrom),
        delayMs: null,
      });
    });
    for (const result of await store.submit(submissions, byJobDedup)) {
      if (result.kind === "accepted") queued.set(result.record.job.id, result.record);
    }
    const ending = [...running.values()].filter(() => below(3) === 0);
    for (const record of ending) running.delete(record.job.id);
    const exclude = below(3) === 0 ? { ...excludeNothing, workers: ["codex"] } : excludeNothing;
    const request = claimRequest("o", below(4), { now, exclude });
    const expected = modelClaim(request, queued, running, servedAt);
    const { claimed } = await store.settleAndClaim(ending.map(succeed), request);
    assert.deepEqual(idsOf(claimed), expected, `step ${step} of seed ${seed}`);
    for (const record of claimed) {
      queued.delete(record.job.id);
      running.set(record.job.id, record);
    }
  }
}

function modelClaim(
  request: ClaimRequest,
  queued: ReadonlyMap<string, JobRecord>,
  runningNow: ReadonlyMap<string, JobRecord>,
  servedAt: Map<string, number>,
): string[] {
  const waiting = new Map(queued);
  const running = [...runningNow.values()];
  const claimed: string[] = [];
  const tenant = (record: JobRecord) => record.job.context.tenant ?? "";
  while (claimed.length < request.limit) {
    const eligible = [...waiting.values()].filter(
      ({ state, job, concurrencyKey }) =>
        state.kind === "queued" &&
        isDue(state, request.now) &&
        !request.exclude.workers.includes(job.task.worker) &&
        !running.some((other) => other.concurrencyKey === concurrencyKey),
    );
    const heads = eligible.filter(
      (record) =>
        !eligible.some(
          (other) =>
            tenant(other) === tenant(record) &&
            (other.rank < record.rank || (other.rank === record.rank && other.job.id < record.job.id)),
        ),
    );
    const candidate = (record: JobRecord) => ({
      id: record.job.id,
      rank: record.rank,
      readyFrom: record.readyFrom,
      tenantServedAt: servedAt.get(tenant(record)) ?? 0,
      tenantRunning: running.filter((other) => tenant(other) === tenant(record)).length,
    });
    const [next] = heads.sort((a, b) => compareCandidates(candidate(a), candidate(b), request.now));
    if (next === undefined) break;
    claimed.push(next.job.id);
    waiting.delete(next.job.id);
    running.push(next);
    servedAt.set(tenant(next), request.now);
  }
  return claimed;
}
