/**
 * The durable queue at the level of its store, beside its floor: the same rows written straight to SQLite, with the same
 * sync and the same number of jobs in each commit, by a loop that does nothing else.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Job, type WorkerResult, jobSchema, unknownUsage } from "@agentcore/contract";
import {
  type ClaimRequest,
  type DecideDedup,
  type JobRecord,
  type JobStore,
  type Settlement,
  type Submission,
  attemptRef,
  createRankPolicy,
  excludeNothing,
} from "@agentcore/scheduler";
import { createSqliteJobStore, openStateDatabase } from "@agentcore/store-sqlite";
import { type Report, quantile } from "./report.ts";

export interface StoreBenchOptions {
  /** Jobs of the drain and of the bulk submit. Default 20,000. */
  readonly jobs?: number;
  /** Length of the long queue that a claim is timed in. Default 1,000,000. */
  readonly longQueue?: number;
}

export async function benchStore(report: Report, options: StoreBenchOptions = {}): Promise<void> {
  const { jobs = 20_000, longQueue = 1_000_000 } = options;
  const floors = inDirectory((directory) => measureFloors(directory, jobs));
  await withStore(async (store) => {
    await reportSubmits(report, store, jobs, floors);
  });
  for (const inFlight of [10, 50]) {
    await withStore(async (store) => {
      await submitBulk(store, jobs, 0);
      const perSecond = await drain(store, inFlight, jobs);
      const floor = floors.drain(inFlight);
      report({
        name: `store: claim and complete, ${inFlight} in flight`,
        value: perSecond,
        unit: "jobs/s",
        note: `aim > 20,000; floor ${whole(floor)}, ratio ${ratio(perSecond, floor)}`,
      });
    });
  }
  await withStore((store) => reportLongQueue(report, store, longQueue));
}

async function reportSubmits(report: Report, store: JobStore, jobs: number, floors: Floors): Promise<void> {
  const serial = await submitPerSecond(store, 2000, 1, 0);
  report({
    name: "store: durable submit, one caller",
    value: serial,
    unit: "jobs/s",
    note: `floor ${whole(floors.insert(1))}, ratio ${ratio(serial, floors.insert(1))}`,
  });
  const together = await submitPerSecond(store, 2 * jobs, 64, 10_000);
  report({
    name: "store: durable submit, 64 callers",
    value: together,
    unit: "jobs/s",
    note: `aim > 80,000; floor ${whole(floors.insert(64))}, ratio ${ratio(together, floors.insert(64))}`,
  });
  const bulk = await submitPerSecond(store, 2 * jobs, 1, 1_000_000, 1000);
  report({
    name: "store: durable submit, 1,000 a call",
    value: bulk,
    unit: "jobs/s",
    note: `floor ${whole(floors.insert(1000))}, ratio ${ratio(bulk, floors.insert(1000))}`,
  });
}

/** Each of `callers` submits `perCall` jobs at a time, which were made before the clock runs. */
async function submitPerSecond(
  store: JobStore,
  jobs: number,
  callers: number,
  from: number,
  perCall = 1,
): Promise<number> {
  const calls = Array.from({ length: jobs / perCall }, (_, call) =>
    Array.from({ length: perCall }, (_, index) => submissionOf(from + call * perCall + index)),
  );
  const callsPerSecond = await perSecond(
    calls.length,
    (index) => store.submit(calls[index]!, coalesce),
    callers,
  );
  return callsPerSecond * perCall;
}

async function reportLongQueue(report: Report, store: JobStore, longQueue: number): Promise<void> {
  const shortQueue = 10_000;
  await store.registerOwner(owner);
  await submitBulk(store, shortQueue, 0);
  const short = await timeClaims(store);
  await submitBulk(store, longQueue - shortQueue, shortQueue);
  const long = await timeClaims(store);
  const note = (a: number, b: number) => `aim at most 2 times; ratio ${ratio(a, b)}`;
  report({ name: "store: a claim among 10,000 jobs, p50", value: short.p50Us, unit: "µs" });
  report({
    name: `store: a claim among ${longQueue.toLocaleString("en-US")} jobs, p50`,
    value: long.p50Us,
    unit: "µs",
    note: note(long.p50Us, short.p50Us),
  });
  report({ name: "store: claims of 64 callers among 10,000 jobs, each", value: short.sharedUs, unit: "µs" });
  report({
    name: `store: claims of 64 callers among ${longQueue.toLocaleString("en-US")} jobs, each`,
    value: long.sharedUs,
    unit: "µs",
    note: note(long.sharedUs, short.sharedUs),
  });
  report({
    name: `store: memory of the process at ${longQueue.toLocaleString("en-US")} jobs`,
    value: process.memoryUsage.rss() / 1024 / 1024,
    unit: "MB",
  });
}

/** Times claims of one job, alone and from 64 callers, and ends what they took. */
async function timeClaims(store: JobStore): Promise<{ p50Us: number; sharedUs: number }> {
  const latencies: number[] = [];
  for (let round = 0; round < 500; round += 1) {
    const startedAt = performance.now();
    const claimed = await store.claim(claimOf(1));
    latencies.push((performance.now() - startedAt) * 1000);
    await store.settleAndClaim(claimed.map(succeed));
  }
  const claimed: JobRecord[] = [];
  const each = await perSecond(
    2000,
    async () => {
      claimed.push(...(await store.claim(claimOf(1))));
    },
    64,
  );
  await store.settleAndClaim(claimed.map(succeed));
  return {
    p50Us: quantile(
      latencies.toSorted((a, b) => a - b),
      0.5,
    ),
    sharedUs: 1e6 / each,
  };
}

/** Ends all jobs in flight and claims the next in one call, as the scheduler's loop does with jobs that take no time. */
async function drain(store: JobStore, inFlight: number, jobs: number): Promise<number> {
  await store.registerOwner(owner);
  let done = 0;
  const startedAt = performance.now();
  let running = await store.claim(claimOf(inFlight));
  while (running.length > 0) {
    const { settled, claimed } = await store.settleAndClaim(running.map(succeed), claimOf(inFlight));
    done += settled.filter(({ applied }) => applied === "applied").length;
    running = claimed;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  if (done !== jobs) throw new RangeError(`${done} of ${jobs} jobs were done`);
  return jobs / seconds;
}

async function submitBulk(store: JobStore, jobs: number, from: number): Promise<void> {
  for (let done = 0; done < jobs; done += 1000) {
    const count = Math.min(1000, jobs - done);
    const submissions = Array.from({ length: count }, (_, index) => submissionOf(from + done + index));
    await store.submit(submissions, coalesce);
  }
}

// --- What is submitted --------------------------------------------------------------------------------------------------

const startAt = Date.now();
const rank = createRankPolicy();
const coalesce: DecideDedup = () => "coalesce";
const owner = {
  owner: "bench",
  process: { host: "bench", bootId: null, pid: process.pid, startTicks: null },
  leaseMs: 60_000,
  at: startAt,
};
const instructions = "x".repeat(220);
/** Jobs take turns in these; one runs in each at a time. */
const workspaces = 1000;

function submissionOf(index: number): Submission {
  const id = `job-${String(index).padStart(12, "0")}`;
  const job: Job = jobSchema.parse({
    id,
    priority: { value: index % 10 },
    task: { worker: "shell", workspace: `/work/${index % workspaces}`, instructions },
    limits: { maxAttempts: 3 },
  });
  return {
    job,
    submittedAt: startAt,
    runAt: startAt,
    delayMs: 0,
    rank: rank(job, startAt + index),
    readyFrom: startAt,
    concurrencyKey: job.task.workspace,
    rememberAlias: false,
  };
}

function claimOf(limit: number): ClaimRequest {
  return { owner: owner.owner, now: Date.now(), limit, perKey: 1, exclude: excludeNothing };
}

const result: WorkerResult = {
  outcome: "succeeded",
  errorClass: null,
  code: null,
  retryAfterMs: null,
  summary: "",
  artifacts: [],
  observations: { commands: [], filesChanged: [] },
  usage: unknownUsage,
  costUsd: null,
  costBasis: "none",
  session: null,
  exitCode: 0,
  containment: null,
  startedAt: startAt,
  durationMs: 0,
};

function succeed(record: JobRecord): Settlement {
  return {
    ref: attemptRef(record),
    at: startAt,
    kind: "succeeded",
    result,
    charge: { costUsd: 0, tokens: 0 },
  };
}

// --- The floor ----------------------------------------------------------------------------------------------------------

interface Floors {
  insert(perCommit: number): number;
  drain(perCommit: number): number;
}

function measureFloors(directory: string, jobs: number): Floors {
  const inserts = new Map([1, 64, 1000].map((perCommit) => [perCommit, floorOfInsert(directory, perCommit)]));
  const drains = new Map([10, 50].map((perCommit) => [perCommit, floorOfDrain(directory, perCommit, jobs)]));
  return {
    insert: (perCommit) => inserts.get(perCommit) ?? Number.NaN,
    drain: (perCommit) => drains.get(perCommit) ?? Number.NaN,
  };
}

function openFloor(directory: string, name: string): DatabaseSync {
  const database = new DatabaseSync(join(directory, name));
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE jobs (id TEXT PRIMARY KEY, state TEXT, rank REAL, attempt INTEGER, owner TEXT, job TEXT, result TEXT);
    CREATE INDEX ready ON jobs (rank, id) WHERE state = 'queued';
  `);
  return database;
}

function floorOfInsert(directory: string, perCommit: number): number {
  const database = openFloor(directory, `insert-${perCommit}.db`);
  const jobs = Math.max(2000, Math.min(40_000, perCommit * 400));
  const rows = Array.from({ length: jobs }, (_, index) => rowOf(index));
  const startedAt = performance.now();
  insertRows(database, rows, perCommit);
  const seconds = (performance.now() - startedAt) / 1000;
  database.close();
  return jobs / seconds;
}

function floorOfDrain(directory: string, perCommit: number, jobs: number): number {
  const database = openFloor(directory, `drain-${perCommit}.db`);
  insertRows(
    database,
    Array.from({ length: jobs }, (_, index) => rowOf(index)),
    1000,
  );
  const claim = database.prepare(`UPDATE jobs SET state = 'running', attempt = attempt + 1, owner = 'bench'
    WHERE id = (SELECT id FROM jobs WHERE state = 'queued' ORDER BY rank, id LIMIT 1) RETURNING id, attempt, job`);
  const complete = database.prepare(
    "UPDATE jobs SET state = 'succeeded', owner = NULL, result = ? WHERE id = ? AND attempt = ? AND state = 'running'",
  );
  const resultJson = JSON.stringify(result);
  let current: Record<string, unknown>[] = [];
  const startedAt = performance.now();
  do {
    database.exec("BEGIN IMMEDIATE");
    for (const row of current) complete.run(resultJson, String(row.id), Number(row.attempt));
    current = Array.from({ length: perCommit }, () => claim.get()).filter((row) => row !== undefined);
    database.exec("COMMIT");
  } while (current.length > 0);
  const seconds = (performance.now() - startedAt) / 1000;
  database.close();
  return jobs / seconds;
}

type FloorRow = readonly [id: string, rank: number, job: string];

function rowOf(index: number): FloorRow {
  const submission = submissionOf(index);
  return [submission.job.id, submission.rank, JSON.stringify(submission.job)];
}

function insertRows(database: DatabaseSync, rows: readonly FloorRow[], perCommit: number): void {
  const insert = database.prepare("INSERT INTO jobs VALUES (?, 'queued', ?, 0, NULL, ?, NULL)");
  for (let at = 0; at < rows.length; at += perCommit) {
    database.exec("BEGIN IMMEDIATE");
    for (const row of rows.slice(at, at + perCommit)) insert.run(...row);
    database.exec("COMMIT");
  }
}

// --- Shorthands ---------------------------------------------------------------------------------------------------------

async function perSecond(
  times: number,
  call: (index: number) => Promise<unknown>,
  callers = 1,
): Promise<number> {
  let next = 0;
  const startedAt = performance.now();
  const caller = async (): Promise<void> => {
    while (next < times) {
      const index = next;
      next += 1;
      await call(index);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (times * 1000) / (performance.now() - startedAt);
}

async function withStore(use: (store: JobStore) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
  try {
    const store = createSqliteJobStore(await openStateDatabase({ directory }));
    try {
      await use(store);
    } finally {
      await store.close();
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function inDirectory<T>(use: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
  try {
    return use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
const ratio = (value: number, to: number): string => (value / to).toFixed(2);
