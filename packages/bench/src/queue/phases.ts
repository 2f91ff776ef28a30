/** What every contender is asked to do, and the figures of it. Runs in the contender's own process. */
import { readFileSync, readdirSync } from "node:fs";
import { quantile } from "../report.ts";
import type { OpenQueue } from "./contender.ts";

export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: "jobs/s" | "ms";
  /** Processor time for each job, of the process and of its server together, in µs. */
  readonly cpuUs: number;
}

type Phase = (queue: OpenQueue, jobs: number) => Promise<readonly Figure[]>;

export const firstCaller = "submit, one caller";
export const runs = (concurrency: number): string => `run, ${concurrency} at once`;

/** Jobs submitted to an idle queue one at a time: so many, or as many as this time allows. */
const idleSamples = 100;
const idleMs = 10_000;
const firstCallerJobs = 500;

const drains =
  (concurrency: number): Phase =>
  async (queue, jobs) => {
    for (let from = 0; from < jobs; from += 1000) await queue.submitMany(from, 1000);
    const { value: perSecond, cpuUs } = await withCpu(jobs, () => drain(queue, concurrency, jobs));
    return [{ what: runs(concurrency), value: perSecond, unit: "jobs/s", cpuUs }];
  };

/** In an empty queue each. */
export const phases = {
  submits: async (queue, jobs) => {
    const rate = async (what: string, count: number, work: () => Promise<number>): Promise<Figure> => {
      const { value, cpuUs } = await withCpu(count, work);
      return { what, value, unit: "jobs/s", cpuUs };
    };
    const one = (from: number) => (index: number) => queue.submit(from + index);
    const many = (call: number) => queue.submitMany(100_000 + call * 1000, 1000);
    return [
      await rate(firstCaller, firstCallerJobs, () => perSecond(firstCallerJobs, 1, one(0))),
      await rate("submit, 64 callers", jobs, () => perSecond(jobs, 64, one(1000))),
      await rate(
        "submit, 1,000 a call",
        jobs,
        async () => 1000 * (await perSecond(Math.ceil(jobs / 1000), 1, many)),
      ),
    ];
  },
  drain10: drains(10),
  drain50: drains(50),
  idle: async (queue) => {
    const { value, cpuUs } = await withCpu(idleSamples, () => idleLatencies(queue));
    const sorted = value.toSorted((a, b) => a - b);
    return [
      { what: "idle, submit to start, p50", value: quantile(sorted, 0.5), unit: "ms", cpuUs },
      { what: "idle, submit to start, p99", value: quantile(sorted, 0.99), unit: "ms", cpuUs },
    ];
  },
} satisfies Readonly<Record<string, Phase>>;

async function perSecond(
  times: number,
  callers: number,
  call: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const startedAt = performance.now();
  const caller = async (): Promise<void> => {
    while (next < times) {
      next += 1;
      await call(next - 1);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (times * 1000) / (performance.now() - startedAt);
}

/** From the start of the worker until the queue has written that every job is done. */
async function drain(queue: OpenQueue, concurrency: number, jobs: number): Promise<number> {
  let left = jobs;
  const finished = Promise.withResolvers<void>();
  const startedAt = performance.now();
  const worker = await queue.work(concurrency, {
    started: () => {},
    done() {
      left -= 1;
      if (left === 0) finished.resolve();
    },
  });
  await finished.promise;
  const seconds = (performance.now() - startedAt) / 1000;
  await worker.stop();
  return jobs / seconds;
}

/** Each job is submitted when the one before is done. */
async function idleLatencies(queue: OpenQueue): Promise<number[]> {
  const latencies: number[] = [];
  const endAt = performance.now() + idleMs;
  let [submittedAt, done] = [0, Promise.withResolvers<void>()];
  const worker = await queue.work(10, {
    started: () => latencies.push(performance.now() - submittedAt),
    done: () => done.resolve(),
  });
  for (let index = 0; index < idleSamples && performance.now() < endAt; index += 1) {
    done = Promise.withResolvers();
    submittedAt = performance.now();
    await Promise.all([queue.submit(index), done.promise]);
  }
  await worker.stop();
  return latencies;
}

async function withCpu<T>(
  jobs: number,
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly cpuUs: number }> {
  const [before, serverBefore] = [process.cpuUsage(), ticksOfDescendants()];
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  const server = (ticksOfDescendants() - serverBefore) * usPerTick;
  return { value, cpuUs: (user + system + server) / jobs };
}

const usPerTick = 10_000;

/** Processor time of all that this process has started and of what those started: of a peer's server. */
function ticksOfDescendants(): number {
  const stats = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => statOf(Number(pid)) ?? []);
  const ours = new Set([process.pid]);
  let ticks = 0;
  // Children have higher process ids than their parents, until the ids begin anew.
  for (const { pid, parent, ticks: own } of stats.toSorted((a, b) => a.pid - b.pid)) {
    if (!ours.has(parent)) continue;
    ours.add(pid);
    ticks += own;
  }
  return ticks;
}

function statOf(
  pid: number,
): { readonly pid: number; readonly parent: number; readonly ticks: number } | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]!.split(" ");
    // Its own, and those of its children that have ended.
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
    return { pid, parent: Number(fields[1]), ticks };
  } catch {
    return null;
  }
}
