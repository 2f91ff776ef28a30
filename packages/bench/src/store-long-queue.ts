/** What the length of the queue changes: throughput, the time of a claim, and the memory of a process that works on it. */
import { execFileSync } from "node:child_process";
import type { DatabaseSync } from "node:sqlite";
import type { JobRecord, JobStore } from "@agentcore/scheduler";
import { median, type Report } from "./report.ts";
import { drainRows, fillFloor, insertRows, openFloor, rowsOf } from "./store-floor.ts";
import { claimOf, owner, submitBulk, succeed } from "./store-jobs.ts";
import { type Rate, ratio, reportRates, whole } from "./store-rate.ts";
import { callFrom, drainRate, inDirectory, submitRate, withStore } from "./store-work.ts";

const shortQueue = 10_000;
const rounds = 5;

export async function reportLongQueue(report: Report, longQueue: number): Promise<void> {
  await reportOneWorkspace(report, longQueue / 10);
  await withStore((short, shortDirectory) =>
    withStore(async (long, longDirectory) => {
      for (const [store, length] of [[short, shortQueue] as const, [long, longQueue] as const]) {
        await submitBulk(store, 0, length);
        await store.registerOwner(owner);
      }
      await reportRatesAt(report, long, longQueue);
      await reportClaims(report, { short, long }, longQueue);
      await reportMemory(report, [
        [shortQueue, shortDirectory],
        [longQueue, longDirectory],
      ]);
    }),
  );
}

/** Jobs of one round: few beside the queue, which so stays as long as it is said to be. */
const jobsPerRound = 2000;

async function reportRatesAt(report: Report, store: JobStore, length: number): Promise<void> {
  await inDirectory(async (directory) => {
    const database = openFloor(directory);
    await fillFloor(database, length);
    const submits: [Rate[], Rate[]] = [[], []];
    const drains: [Rate[], Rate[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      const from = length + round * jobsPerRound;
      await addRates(submits, submitFloor(database, from), () =>
        submitRate(store, { from, jobs: jobsPerRound, callers: 64, perCall: 1 }),
      );
      await addRates(
        drains,
        () => drainRows(database, jobsPerRound, 50),
        () => drainRate(store, jobsPerRound, 50),
      );
    }
    database.close();
    const among = `with ${whole(length)} in the queue`;
    reportRates(report, `submit, 64 callers, ${among}`, submits);
    reportRates(report, `claim and complete, 50, ${among}`, drains);
  });
}

function submitFloor(database: DatabaseSync, from: number): () => Promise<Rate> {
  const rows = rowsOf(from, from + jobsPerRound);
  return () => insertRows(database, rows, 64);
}

/** Ours first, then the floor. */
async function addRates(
  [ours, floors]: [Rate[], Rate[]],
  floor: () => Promise<Rate>,
  our: () => Promise<Rate>,
): Promise<void> {
  floors.push(await floor());
  ours.push(await our());
}

/** Claims in a short and in a long queue, in turns. */
async function reportClaims(
  report: Report,
  { short, long }: { readonly short: JobStore; readonly long: JobStore },
  longQueue: number,
): Promise<void> {
  const figures = { short: newTimings(), long: newTimings() };
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
}

/** The jobs of one workspace run one after another, however many they are. */
async function reportOneWorkspace(report: Report, jobs: number): Promise<void> {
  await withStore(async (store) => {
    await submitBulk(store, 0, jobs, "/projects/one");
    await store.registerOwner(owner);
    const timings: number[] = [];
    for (let round = 0; round < 50; round += 1) {
      const startedAt = performance.now();
      const claimed = await store.claim(claimOf(1));
      timings.push(performance.now() - startedAt);
      await store.settleAndClaim(claimed.map(succeed));
    }
    const name = `store: a claim among ${whole(jobs)} jobs of one workspace`;
    report({ name, value: median(timings), unit: "ms", note: "aim at most 5" });
  });
}

async function reportMemory(report: Report, queues: readonly (readonly [number, string])[]): Promise<void> {
  const emptyMb = (await memoryOfWorker(null)) / 1024 / 1024;
  for (const [length, directory] of queues) {
    report({
      name: `store: memory of a process that works on ${whole(length)} jobs`,
      value: (await memoryOfWorker(directory)) / 1024 / 1024,
      unit: "MB",
      note: `${whole(emptyMb)} with an empty queue`,
    });
  }
}

/** Resident bytes of a fresh process that opened the store, claimed and ended a thousand jobs. `null`: an empty store. */
function memoryOfWorker(directory: string | null): Promise<number> {
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
  return inDirectory(async (empty) => {
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
  const startedAt = performance.now();
  await callFrom(64, 64, async () => {
    claimed.push(...(await store.claim(claimOf(1))));
  });
  sharedUs.push(((performance.now() - startedAt) * 1000) / 64);
  await store.settleAndClaim(claimed.map(succeed));
}
