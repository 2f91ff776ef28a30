/**
 * The durable queue at the level of its store, beside its floor: the same rows written straight to SQLite, with the same
 * sync and the same number of jobs in each commit, by a loop that does nothing else.
 */
import { execFileSync } from "node:child_process";
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
  /** Jobs of each drain and of each submit of many. Default 10,000. */
  readonly jobs?: number;
  /** Length of the long queue that a claim is timed in. Default 1,000,000. */
  readonly longQueue?: number;
}

/** Ours and the floor take turns, because the disk of a shared machine is another one every minute. */
const rounds = 5;

export async function benchStore(report: Report, options: StoreBenchOptions = {}): Promise<void> {
  const { jobs = 10_000, longQueue = 1_000_000 } = options;
  for (const { name, aim, ours, floor } of subjects(jobs)) {
    const [our, floors]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      floors.push(inDirectory(floor));
      our.push(await withStore(ours));
    }
    const [value, floorValue] = [median(our), median(floors)];
    const compared = `floor ${whole(floorValue)}, ratio ${ratio(value, floorValue)}`;
    report({
      name: `store: ${name}`,
      value,
      unit: "jobs/s",
      note: aim === undefined ? compared : `aim > ${whole(aim)}; ${compared}`,
    });
  }
  await reportLongQueue(report, longQueue);
}

interface Subject {
  readonly name: string;
  readonly aim?: number;
  readonly ours: (store: JobStore) => Promise<number>;
  readonly floor: (directory: string) => number;
}

function subjects(jobs: number): readonly Subject[] {
  return [
    {
      name: "durable submit, one caller",
      ours: (store) => submitPerSecond(store, { jobs: 1000, callers: 1, perCall: 1 }),
      floor: (directory) => floorOfInsert(directory, 1000, 1),
    },
    {
      name: "durable submit, 64 callers",
      aim: 80_000,
      ours: (store) => submitPerSecond(store, { jobs, callers: 64, perCall: 1 }),
      floor: (directory) => floorOfInsert(directory, jobs, 64),
    },
    {
      name: "durable submit, 1,000 a call",
      ours: (store) => submitPerSecond(store, { jobs, callers: 1, perCall: 1000 }),
      floor: (directory) => floorOfInsert(directory, jobs, 1000),
    },
    ...[10, 50].map((inFlight) => ({
      name: `claim and complete, ${inFlight} in flight`,
      aim: 20_000,
      ours: (store: JobStore) => drain(store, inFlight, jobs),
      floor: (directory: string) => floorOfDrain(directory, jobs, inFlight),
    })),
  ];
}

interface Submits {
  readonly jobs: number;
  readonly callers: number;
  readonly perCall: number;
}

/** The submissions are made before the clock runs. */
async function submitPerSecond(store: JobStore, { jobs, callers, perCall }: Submits): Promise<number> {
  const calls = Array.from({ length: jobs / perCall }, (_, call) =>
    Array.from({ length: perCall }, (_, index) => submissionOf(call * perCall + index)),
  );
  const perSecond = await callsPerSecond(calls.length, callers, (index) =>
    store.submit(calls[index]!, coalesce),
  );
  return perSecond * perCall;
}

/** Claims in a short and in a long queue, in turns. */
async function reportLongQueue(report: Report, longQueue: number): Promise<void> {
  const shortQueue = 10_000;
  await withStore((short) =>
    withStore(async (long, directory) => {
      await submitBulk(short, shortQueue);
      await submitBulk(long, longQueue);
      const figures = { short: newTimings(), long: newTimings() };
      for (const store of [short, long]) await store.registerOwner(owner);
      for (let round = 0; round < 4 * rounds; round += 1) {
        await timeClaims(short, figures.short);
        await timeClaims(long, figures.long);
      }
      const among = `${whole(longQueue)} jobs instead of ${whole(shortQueue)}`;
      for (const [what, key] of [
        ["a claim alone", "aloneUs"],
        ["a claim of 64 callers", "sharedUs"],
      ] as const) {
        const [shortUs, longUs] = [median(figures.short[key]), median(figures.long[key])];
        const note = `aim at most 2 times ${whole(shortUs)}; ratio ${ratio(longUs, shortUs)}`;
        report({ name: `store: ${what} among ${among}`, value: longUs, unit: "µs", note });
      }
      report({
        name: `store: memory of a process that works on ${whole(longQueue)} jobs`,
        value: memoryOfWorker(directory) / 1024 / 1024,
        unit: "MB",
        note: `${whole(memoryOfWorker(null) / 1024 / 1024)} with an empty queue`,
      });
    }),
  );
}

/** Resident bytes of a fresh process that opened the store, claimed and ended a thousand jobs. `null`: an empty store. */
function memoryOfWorker(directory: string | null): number {
  const program = `
    import { createSqliteJobStore, openStateDatabase } from "@agentcore/store-sqlite";
    const exclude = { workers: [], models: [], tenants: [], classes: [], concurrencyKeys: [] };
    const process_ = { host: "bench", bootId: null, pid: process.pid, startTicks: null };
    const store = createSqliteJobStore(await openStateDatabase({ directory: ${JSON.stringify(directory)} ?? process.argv[1] }));
    await store.registerOwner({ owner: "memory", process: process_, leaseMs: 60000, at: 1 });
    for (let round = 0; round < 20; round += 1) {
      const claimed = await store.claim({ owner: "memory", now: Date.now(), limit: 50, perKey: 1, exclude });
      const reason = { code: "AC_CANCELLED", message: "", evidence: {} };
      const end = { kind: "cancelled", at: 1, result: null, charge: { costUsd: 0, tokens: 0 }, reason };
      await store.settleAndClaim(claimed.map(({ job, attempt, epoch }) => ({ ref: { jobId: job.id, attempt, epoch }, ...end })));
    }
    console.log(process.memoryUsage.rss());`;
  return inDirectory((empty) => {
    const args = [...process.execArgv, "--input-type=module", "--eval", program, empty];
    return Number(execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: "utf8" }));
  });
}

interface Timings {
  readonly aloneUs: number[];
  readonly sharedUs: number[];
}

const newTimings = (): Timings => ({ aloneUs: [], sharedUs: [] });

/** Times claims of one job, alone and from 64 callers, and ends what they took. */
async function timeClaims(store: JobStore, { aloneUs, sharedUs }: Timings): Promise<void> {
  const claimed: JobRecord[] = [];
  for (let turn = 0; turn < 10; turn += 1) {
    const startedAt = performance.now();
    claimed.push(...(await store.claim(claimOf(1))));
    aloneUs.push((performance.now() - startedAt) * 1000);
  }
  const perSecond = await callsPerSecond(64, 64, async () => {
    claimed.push(...(await store.claim(claimOf(1))));
  });
  sharedUs.push(1e6 / perSecond);
  await store.settleAndClaim(claimed.map(succeed));
}

/** Ends all jobs in flight and claims the next in one call, as the scheduler's loop does with jobs that take no time. */
async function drain(store: JobStore, inFlight: number, jobs: number): Promise<number> {
  await submitBulk(store, jobs);
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

async function submitBulk(store: JobStore, jobs: number): Promise<void> {
  for (let from = 0; from < jobs; from += 1000) {
    const count = Math.min(1000, jobs - from);
    await store.submit(
      Array.from({ length: count }, (_, index) => submissionOf(from + index)),
      coalesce,
    );
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
const workspaces = 100;

function submissionOf(index: number): Submission {
  const id = `job-${String(index).padStart(12, "0")}`;
  const job: Job = jobSchema.parse({
    id,
    priority: { value: index % 10 },
    task: { worker: "shell", workspace: `/projects/${index % workspaces}`, instructions },
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

function openFloor(directory: string): DatabaseSync {
  const database = new DatabaseSync(join(directory, "floor.db"));
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE jobs (id TEXT PRIMARY KEY, state TEXT, rank REAL, attempt INTEGER, owner TEXT, job TEXT, result TEXT);
    CREATE INDEX ready ON jobs (rank, id) WHERE state = 'queued';
  `);
  return database;
}

function floorOfInsert(directory: string, jobs: number, perCommit: number): number {
  const database = openFloor(directory);
  const rows = Array.from({ length: jobs }, (_, index) => rowOf(index));
  const startedAt = performance.now();
  insertRows(database, rows, perCommit);
  const seconds = (performance.now() - startedAt) / 1000;
  database.close();
  return jobs / seconds;
}

function floorOfDrain(directory: string, jobs: number, perCommit: number): number {
  const database = openFloor(directory);
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

async function callsPerSecond(
  times: number,
  callers: number,
  call: (index: number) => Promise<unknown>,
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

async function withStore<T>(use: (store: JobStore, directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
  try {
    const store = createSqliteJobStore(await openStateDatabase({ directory }));
    try {
      return await use(store, directory);
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

const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
const ratio = (value: number, to: number): string => (value / to).toFixed(2);
