/** What the store's benchmark times: submits and drains, in a store of its own or on one that is there. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JobStore } from "@agentcore/scheduler";
import { createSqliteJobStore, openStateDatabase } from "@agentcore/store-sqlite";
import { claimOf, coalesce, submissionOf, succeed } from "./store-jobs.ts";
import { type Rate, rateOf } from "./store-rate.ts";

export interface Submits {
  /** Number of the first job. */
  readonly from: number;
  readonly jobs: number;
  readonly callers: number;
  readonly perCall: number;
}

/** The submissions are made before the clock runs. */
export function submitRate(store: JobStore, { from, jobs, callers, perCall }: Submits): Promise<Rate> {
  const calls = Array.from({ length: jobs / perCall }, (_, call) =>
    Array.from({ length: perCall }, (_, index) => submissionOf(from + call * perCall + index)),
  );
  return rateOf(jobs, () =>
    callFrom(callers, calls.length, (index) => store.submit(calls[index]!, coalesce)),
  );
}

/** Ends all jobs in flight and claims the next in one call, as the scheduler's loop does with jobs that take no time. */
export function drainRate(store: JobStore, jobs: number, inFlight: number): Promise<Rate> {
  return rateOf(jobs, async () => {
    let claimed = 0;
    let done = 0;
    const next = () => claimOf(Math.min(inFlight, jobs - claimed));
    let running = await store.claim(next());
    while (running.length > 0) {
      claimed += running.length;
      const answer = await store.settleAndClaim(running.map(succeed), next());
      done += answer.settled.filter(({ applied }) => applied === "applied").length;
      running = answer.claimed;
    }
    if (done !== jobs) throw new RangeError(`${done} of ${jobs} jobs were done`);
  });
}

/** Calls so many times, from so many callers that each wait for their answers. */
export async function callFrom(
  callers: number,
  times: number,
  call: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < times) {
      const index = next;
      next += 1;
      await call(index);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

export async function withStore<T>(use: (store: JobStore, directory: string) => Promise<T>): Promise<T> {
  return inDirectory(async (directory) => {
    const store = createSqliteJobStore(await openStateDatabase({ directory }));
    try {
      return await use(store, directory);
    } finally {
      await store.close();
    }
  });
}

export async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
