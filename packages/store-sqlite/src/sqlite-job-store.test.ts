import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jobPayloadBytesMax } from "@agentcore/contract";
import type { JobStore, Journal } from "@agentcore/scheduler";
import {
  type SharedStoreHarness,
  byJobDedup,
  claimAs,
  claimRequest,
  jobStoreConformance,
  sharedJobStoreConformance,
  submitJobs,
  succeed,
  testJob,
  testSubmission,
} from "@agentcore/scheduler/testing";
import { afterAll, describe, expect, it } from "vitest";
import { createSqliteJobStore } from "./sqlite-job-store.ts";
import { createSqliteJournal } from "./sqlite-journal.ts";
import { openStateDatabase } from "./state-database.ts";
import { stateFlaws } from "./testing/state-flaws.ts";

const root = await mkdtemp(join(tmpdir(), "agentcore-jobs-"));
afterAll(() => rm(root, { recursive: true }));

const directories = new WeakMap<JobStore, string>();
const journals = new WeakMap<JobStore, Journal>();

/** A store whose file is checked on close: it must be sound after every case. */
async function openIn(directory: string): Promise<JobStore> {
  const database = await openStateDatabase({ directory });
  let checked: Promise<void> | undefined;
  const store: JobStore = {
    ...createSqliteJobStore(database),
    close() {
      checked ??= stateFlaws(database).then(async (flaws) => {
        await database.close();
        expect(flaws).toEqual([]);
      });
      return checked;
    },
  };
  directories.set(store, directory);
  journals.set(store, createSqliteJournal(database));
  return store;
}

const harness: SharedStoreHarness = {
  open: async () => openIn(await mkdtemp(join(root, "store-"))),
  connect: (to) => openIn(directories.get(to) ?? root),
  journalOf: (store) => journals.get(store)!,
};

describe("the SQLite job store meets the port's conformance suite", () => {
  it.each([...jobStoreConformance, ...sharedJobStoreConformance])("$name", async ({ run }) => {
    await expect(run(harness)).resolves.toBeUndefined();
  });
});

it("a job too large to be one of the scheduler's is refused, and so is one that is no JSON", async () => {
  const store = await harness.open();
  const large = testJob();
  const huge = { ...large, task: { ...large.task, instructions: "x".repeat(2 * jobPayloadBytesMax) } };
  await expect(submitJobs(store, huge)).rejects.toMatchObject({ code: "AC_JOB_TOO_LARGE" });
  const cyclic = testJob();
  Object.assign(cyclic.context.labels, { self: cyclic });
  await expect(submitJobs(store, cyclic)).rejects.toMatchObject({ code: "AC_JOB_INVALID" });
  expect((await store.list({})).jobs).toEqual([]);
  await store.close();
});

it("a lane of a thousand jobs hides nothing behind it, and is worked off in its order", async () => {
  const store = await harness.open();
  const task = { worker: "shell", workspace: "/projects/busy", instructions: "true" };
  const busy = Array.from({ length: 1000 }, () => testJob({ task }));
  const last = testJob();
  await submitJobs(store, ...busy, last);
  const [first, other] = await claimAs(store, "o", 9);
  expect([first?.job.id, other?.job.id]).toEqual([busy[0]?.id, last.id]);
  const order: string[] = [];
  for (let running = first; running !== undefined;) {
    order.push(running.job.id);
    const { claimed } = await store.settleAndClaim([succeed(running)], claimRequest("o", 9));
    running = claimed[0];
  }
  expect(order).toEqual(busy.map(({ id }) => id));
  await store.close();
});

it("an id that became an alias a moment ago, in the same transaction, is known", async () => {
  const store = await harness.open();
  const [holder, alias] = [testJob({ key: "k" }), testJob({ key: "k" })];
  const { key: _, ...again } = alias;
  const results = await store.submit(
    [holder, alias, again].map((job) => testSubmission(job)),
    byJobDedup,
  );
  expect(results.map(({ kind }) => kind)).toEqual(["accepted", "deduplicated", "deduplicated"]);
  await store.close();
});

it("what is remembered of a claimed job is not taken for a later job with its id", async () => {
  const one = await harness.open();
  const other = await harness.connect(one);
  const first = testJob();
  await submitJobs(one, first);
  const [claimed] = await claimAs(one, "o", 1);
  await other.settleAndClaim([succeed(claimed!)]);
  expect(await other.deleteEnded({ endedBefore: Infinity })).toBe(1);
  const second = { ...first, task: { ...first.task, instructions: "another" } };
  await submitJobs(other, second);
  const [claimedAgain] = await claimAs(other, "p", 1);
  expect(claimedAgain).toMatchObject({ job: { id: first.id }, attempt: 1, epoch: 1 });
  const { settled } = await one.settleAndClaim([succeed(claimedAgain!)]);
  expect(settled[0]?.record?.job.task.instructions).toBe("another");
  await other.close();
  await one.close();
});
