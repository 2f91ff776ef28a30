/**
 * The durable queue at the level of its store, beside its floor (see `store-floor.ts`), in a short queue and in a long one.
 */
import type { DatabaseSync } from "node:sqlite";
import type { JobStore } from "@agentcore/scheduler";
import type { Report } from "./report.ts";
import { drainRows, fillFloor, insertRows, openFloor, rowsOf } from "./store-floor.ts";
import { owner, submitBulk } from "./store-jobs.ts";
import { reportLongQueue } from "./store-long-queue.ts";
import { type Rate, reportRates } from "./store-rate.ts";
import { drainRate, inDirectory, submitRate, withStore } from "./store-work.ts";

export interface StoreBenchOptions {
  /** Jobs of each drain and of each submit of many. Default 10,000. */
  readonly jobs?: number;
  /** Length of the long queue. Default 1,000,000. */
  readonly longQueue?: number;
}

/** Ours and the floor take turns, because the disk of a shared machine is another one every minute. */
const rounds = 5;

export async function benchStore(report: Report, options: StoreBenchOptions = {}): Promise<void> {
  const { jobs = 10_000, longQueue = 1_000_000 } = options;
  for (const { name, aim, ours, floor } of subjects(jobs)) {
    const rates: [Rate[], Rate[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      rates[1].push(await inDirectory((directory) => withFloor(directory, floor)));
      rates[0].push(await withStore(ours));
    }
    reportRates(report, name, rates, aim);
  }
  await reportLongQueue(report, longQueue);
}

async function withFloor(directory: string, use: (database: DatabaseSync) => Promise<Rate>): Promise<Rate> {
  const database = openFloor(directory);
  const rate = await use(database);
  database.close();
  return rate;
}

interface Subject {
  readonly name: string;
  readonly aim?: number;
  readonly ours: (store: JobStore) => Promise<Rate>;
  readonly floor: (database: DatabaseSync) => Promise<Rate>;
}

function subjects(jobs: number): readonly Subject[] {
  return [
    submitSubject("durable submit, one caller", { jobs: 1000, callers: 1, perCall: 1 }),
    submitSubject("durable submit, 64 callers", { jobs, callers: 64, perCall: 1 }, 80_000),
    submitSubject("durable submit, 1,000 a call", { jobs, callers: 1, perCall: 1000 }),
    ...[10, 50].map((inFlight) => ({
      name: `claim and complete, ${inFlight} in flight`,
      aim: 20_000,
      ours: async (store: JobStore) => {
        await submitBulk(store, 0, jobs);
        await store.registerOwner(owner);
        return drainRate(store, jobs, inFlight);
      },
      floor: async (database: DatabaseSync) => {
        await fillFloor(database, jobs);
        return drainRows(database, jobs, inFlight);
      },
    })),
  ];
}

interface SubmitsOfMany {
  readonly jobs: number;
  readonly callers: number;
  readonly perCall: number;
}

function submitSubject(name: string, submits: SubmitsOfMany, aim?: number): Subject {
  const perCommit = submits.callers * submits.perCall;
  return {
    name,
    aim,
    ours: (store) => submitRate(store, { from: 0, ...submits }),
    floor: (database) => insertRows(database, rowsOf(0, submits.jobs), perCommit),
  };
}
