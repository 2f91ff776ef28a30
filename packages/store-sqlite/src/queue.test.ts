/** The queue of the SQLite store beyond what the port asks for: the place of each job, and many jobs of one workspace. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type JobRecord,
  type JobStore,
  type Settlement,
  type Submission,
  attemptRef,
} from "@agentcore/scheduler";
import {
  actsLikeMemoryStore,
  byJobDedup,
  claimAs,
  claimRequest,
  submitJobs,
  testJob,
  testResult,
  testSubmission,
} from "@agentcore/scheduler/testing";
import { testSeed } from "@agentcore/contract/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSqliteJobStore } from "./sqlite-job-store.ts";
import { type StateDatabase, openStateDatabase } from "./state-database.ts";
import { stateFlaws } from "./testing/state-flaws.ts";

let directory = "";
let database: StateDatabase;
let store: JobStore;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "agentcore-queue-"));
  database = await openStateDatabase({ directory });
  store = createSqliteJobStore(database);
});
afterEach(async () => {
  const flaws = await stateFlaws(database);
  await database.close();
  await rm(directory, { recursive: true });
  if (flaws.length > 0) throw new TypeError(flaws.join("\n"));
});

const reason = { code: "AC_CANCELLED", message: "asked for by a test", evidence: {} };
const charge = { costUsd: 0, tokens: 0 };
const result = testResult();

function succeeded(record: JobRecord): Settlement {
  return { ref: attemptRef(record), at: 1, kind: "succeeded", result, charge };
}

function retried(record: JobRecord): Settlement {
  return { ref: attemptRef(record), at: 1, kind: "retry", result, charge, runAt: 1, delayMs: 0, reason };
}

const idsOf = (records: readonly JobRecord[]): string[] => records.map(({ job }) => job.id);

/** Many submissions quickly: of one job, under different ids. */
function copies(count: number, workspaceOf: (index: number) => string): Submission[] {
  const job = testJob();
  return Array.from({ length: count }, (_, index) => ({
    ...testSubmission({ ...job, id: `${job.id}-${String(index).padStart(6, "0")}` }),
    concurrencyKey: workspaceOf(index),
  }));
}

async function submitBulk(submissions: readonly Submission[]): Promise<void> {
  for (let at = 0; at < submissions.length; at += 1000) {
    await store.submit(submissions.slice(at, at + 1000), byJobDedup);
  }
}

const countOfReady = async (): Promise<number> =>
  database.read((sql) => Number(sql.get("SELECT count(*) AS count FROM jobs WHERE state = 'ready'")?.count));

describe("a workspace that many jobs wait for", () => {
  it("hides nothing behind it, however many they are, and is worked off in its order", async () => {
    const busy = copies(4500, () => "/projects/busy");
    const free = testSubmission(testJob());
    await submitBulk([...busy, free]);
    expect(await countOfReady()).toBe(2);
    const claimed = await claimAs(store, "o", 9);
    expect(idsOf(claimed)).toEqual([busy[0]!.job.id, free.job.id]);
    const order: string[] = [];
    for (let running = claimed[0]; running !== undefined && order.length < 50;) {
      order.push(running.job.id);
      const next = await store.settleAndClaim([succeeded(running)], claimRequest("o", 9));
      running = next.claimed[0];
    }
    expect(order).toEqual(busy.slice(0, 50).map(({ job }) => job.id));
  });

  it("lets a job of higher priority go before those that came earlier", async () => {
    const [first, second, urgent] = copies(3, () => "/projects/busy");
    await submitBulk([first!, second!, { ...urgent!, rank: first!.rank - 1 }]);
    expect(await countOfReady()).toBe(1);
    expect(idsOf(await claimAs(store, "o", 9))).toEqual([urgent!.job.id]);
  });
});

const firstSeed = testSeed("claims");
const seeds = [0, 1, 2, 3].map((more) => firstSeed + more);

it.each(seeds)("claims as the memory store does, whatever the mix (seed %i)", async (seed) => {
  await expect(actsLikeMemoryStore(store, seed)).resolves.toBeUndefined();
});

it("a settlement does not touch another job in the row of one that was deleted", async () => {
  const other = createSqliteJobStore(await openStateDatabase({ directory }));
  const shared = { task: { worker: "shell", workspace: "/projects/shared", instructions: "true" } };
  await submitJobs(store, testJob(shared));
  const [claimed] = await claimAs(store, "o", 1);
  await other.settleAndClaim([succeeded(claimed!)]);
  expect(await other.deleteEnded({ endedBefore: Infinity })).toBe(1);
  const [second] = await submitJobs(store, testJob(shared));
  await claimAs(store, "o", 1);
  const { settled } = await store.settleAndClaim([succeeded(claimed!)]);
  expect(settled).toEqual([{ applied: "stale", record: undefined }]);
  expect((await store.get(second!.job.id))?.state.kind).toBe("running");
  await other.close();
});

it("a cancel that another process asked for is seen by the settlement that follows", async () => {
  const other = createSqliteJobStore(await openStateDatabase({ directory }));
  await submitJobs(store, testJob());
  const [claimed] = await claimAs(store, "o", 1);
  await other.requestCancel(claimed!.job.id, reason, 1);
  const { settled } = await store.settleAndClaim([retried(claimed!)]);
  expect(settled[0]?.record?.state).toEqual({ kind: "cancelled", endedAt: 1, reason });
  await other.close();
});
