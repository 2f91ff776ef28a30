import type { JobStore, Journal } from "@agentcore/scheduler";
import {
  type SharedStoreHarness,
  actsLikeMemoryStore,
  byJobDedup,
  claimAs,
  claimRequest,
  jobStoreConformance,
  sharedJobStoreConformance,
  submitJobs,
  succeed,
  testJob,
  testOwner,
  testResult,
  testSubmission,
} from "@agentcore/scheduler/testing";
import { testSeed } from "@agentcore/contract/testing";
import { describe, expect, it } from "vitest";
import { createPostgresJournal } from "../journal/postgres-journal.ts";
import type { PostgresStore } from "../store/postgres-store.ts";
import { queueFlaws } from "../testing/queue-flaws.ts";
import { testStores } from "../testing/test-stores.ts";
import { createPostgresJobStore } from "./postgres-job-store.ts";

const { open, newSchema } = testStores();

interface Opened {
  readonly schema: string;
  readonly store: PostgresStore;
  readonly journal: Journal;
}
const opened = new WeakMap<JobStore, Opened>();

/** A store whose tables are checked on close: they must be sound after every case. */
async function openIn(schema: string): Promise<JobStore> {
  const store = await open({ schema });
  let closing: Promise<void> | undefined;
  const jobs: JobStore = {
    ...createPostgresJobStore(store),
    close() {
      closing ??= queueFlaws(store).then(async (flaws) => {
        await store.close();
        expect(flaws).toEqual([]);
      });
      return closing;
    },
  };
  opened.set(jobs, { schema, store, journal: createPostgresJournal(store) });
  return jobs;
}

const harness: SharedStoreHarness = {
  open: () => openIn(newSchema()),
  connect: (to) => openIn(opened.get(to)!.schema),
  journalOf: (jobs) => opened.get(jobs)!.journal,
};

describe("the job store on PostgreSQL meets the port's conformance suite", () => {
  it.each([...jobStoreConformance, ...sharedJobStoreConformance])("$name", async ({ run }) => {
    await expect(run(harness)).resolves.toBeUndefined();
  });
});

const firstSeed = testSeed("claims on PostgreSQL");

it.each([firstSeed, firstSeed + 1])(
  "claims as the memory store does, whatever the mix (seed %i)",
  async (seed) => {
    const jobs = await harness.open();
    await expect(actsLikeMemoryStore(jobs, seed)).resolves.toBeUndefined();
    await jobs.close();
  },
);

it("keeps text that PostgreSQL cannot hold: U+0000 and half of a surrogate pair", async () => {
  const jobs = await harness.open();
  const odd = "a\0b \ud800 \\ é";
  const job = testJob({
    key: odd,
    task: { worker: odd, model: odd, workspace: `/${odd}`, instructions: odd },
    context: { tenant: odd, labels: { [odd]: odd } },
  });
  await submitJobs(jobs, job);
  const [claimed] = await claimAs(jobs, "o", 1, { perKey: 1 });
  expect(claimed).toMatchObject({ job, concurrencyKey: `/${odd}` });
  const decision = {
    jobId: job.id,
    at: 1,
    attempt: 1,
    type: "deferred",
    code: odd,
    message: odd,
    evidence: { odd },
  } as const;
  const result = testResult({ summary: odd });
  await jobs.settleAndClaim([
    {
      ...succeed(claimed!),
      kind: "succeeded",
      result,
      charge: { costUsd: 0, tokens: 0 },
      decisions: [decision],
    },
  ]);
  expect(await jobs.get(job.id)).toMatchObject({ job, result });
  expect(await jobs.decisions(job.id)).toMatchObject([decision]);
  const query = {
    key: odd,
    worker: odd,
    tenant: odd,
    workspace: `/${odd}`,
    labels: { [odd]: odd },
    text: "B \ud800 \\",
  };
  expect((await jobs.list(query)).jobs).toHaveLength(1);
  expect(await jobs.count(query)).toBe(1);
  expect(await jobs.count({ text: "nudb" })).toBe(0);
  expect(await jobs.get("\0")).toBeUndefined();
  await jobs.close();
});

describe("a job that was damaged", () => {
  const damages = {
    "no JSON": `UPDATE job_texts SET job_json = '{"id": "bad", "task"'`,
    "of another shape": "UPDATE job_texts SET job_json = '[1, 2]'",
    "without its text": "DELETE FROM job_texts",
  };
  const workspace = { task: { worker: "shell", workspace: "/shared", instructions: "true" } };

  it.each(Object.entries(damages))(
    "%s, ends as dead when it would run, and blocks nobody",
    async (_name, damage) => {
      const jobs = await harness.open();
      const { store } = opened.get(jobs)!;
      await submitJobs(
        jobs,
        testJob({ id: "first" }),
        testJob({ id: "bad", ...workspace, key: "k" }),
        testJob({ id: "same", ...workspace }),
      );
      await store.write((sql) => sql.run(`${damage} WHERE job = (SELECT number FROM jobs WHERE id = 'bad')`));
      expect((await jobs.list({})).jobs).toHaveLength(3);
      const claimed = await claimAs(jobs, "o", 9);
      expect(claimed.map(({ job }) => job.id)).toEqual(["first", "same"]);
      const { claimed: more } = await jobs.settleAndClaim(claimed.map(succeed), claimRequest("o", 9));
      expect(more).toEqual([]);
      expect((await jobs.list({ states: ["dead"] })).jobs).toMatchObject([
        { job: { id: "bad" }, attempt: 0, state: { reason: { code: "AC_STORE_CORRUPT" } } },
      ]);
      const [again] = await jobs.submit([testSubmission(testJob({ key: "k" }))], byJobDedup);
      expect(again?.kind).toBe("accepted");
      // Its own flaw, which retention removes.
      await jobs.purgeDead({});
      await jobs.close();
    },
  );

  it("runs: the next owner takes over, and its results, decisions and owners hide nothing else", async () => {
    const jobs = await harness.open();
    const { store } = opened.get(jobs)!;
    await submitJobs(jobs, testJob({ id: "bad" }), testJob({ id: "good" }));
    await claimAs(jobs, "a", 9);
    await jobs.registerOwner(testOwner("b"));
    await store.write(async (sql) => {
      await sql.run(
        "UPDATE job_texts SET job_json = 'x' WHERE job = (SELECT number FROM jobs WHERE id = 'bad')",
      );
      await sql.run("UPDATE jobs SET started_json = '{', reason_json = '{' WHERE id = 'bad'");
      await sql.run("UPDATE owners SET process_json = '{' WHERE owner = 'a'");
    });
    expect((await jobs.owners()).map(({ process }) => process?.pid)).toEqual([0, 1]);
    const moved = await jobs.takeOver({ from: "a", to: "b", beat: 0, at: 1 });
    expect(moved.map(({ job }) => job.id).toSorted()).toEqual(["bad", "good"]);
    await jobs.settleAndClaim(moved.map(succeed));
    await store.write((sql) => sql.run("UPDATE attempts SET result_json = 'x'"));
    expect(await jobs.attempts("good")).toMatchObject([{ attempt: 1, result: null }]);
    expect((await jobs.list({})).jobs).toHaveLength(2);
    expect(await jobs.stats(1)).toMatchObject({ running: 0, succeeded: 2 });
    await jobs.close();
  });
});

it("an end that comes late frees its workspace for the claim of the same call", async () => {
  const jobs = await harness.open();
  const shared = { task: { worker: "shell", workspace: "/shared", instructions: "true" } };
  await submitJobs(jobs, testJob({ id: "first", ...shared }), testJob({ id: "next", ...shared }));
  const [record] = await claimAs(jobs, "old", 1);
  await jobs.registerOwner(testOwner("new"));
  await jobs.takeOver({ from: "old", to: "new", beat: 0, at: 1 });
  const { settled, claimed } = await jobs.settleAndClaim([succeed(record!)], claimRequest("new", 1));
  expect(settled[0]?.applied).toBe("applied");
  expect(claimed.map(({ job }) => job.id)).toEqual(["next"]);
  await jobs.close();
});

it("an ended job with very many calls is deleted with them, and the next in another request", async () => {
  const jobs = await harness.open();
  const { store } = opened.get(jobs)!;
  await submitJobs(jobs, testJob({ id: "many" }), testJob({ id: "next" }));
  await jobs.settleAndClaim((await claimAs(jobs, "o", 2)).map(succeed));
  await store.write((sql) =>
    sql.run(
      `INSERT INTO provider_calls (permit_id, id, job_id, attempt, provider, protocol, started_at, outcome, cost, tokens, estimated)
       SELECT 'p', i::text, 'many', 1, 'p', 'p', 0, 'open', 0, 0, 0 FROM generate_series(1, 20000) i`,
    ),
  );
  expect(await jobs.deleteEnded({ endedBefore: Infinity })).toBe(1);
  expect(await store.read((sql) => sql.all("SELECT id FROM provider_calls LIMIT 1"))).toEqual([]);
  expect(await jobs.deleteEnded({ endedBefore: Infinity })).toBe(1);
  expect((await jobs.list({})).jobs).toEqual([]);
  await jobs.close();
});
