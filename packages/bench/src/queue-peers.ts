/**
 * Our queue beside BullMQ and pg-boss: the same jobs with a payload of 220 bytes, ten priorities and three attempts, a
 * handler that does nothing, producer and worker in this process. Ours also decides on a permit for each, locks its
 * workspace, and keeps what the attempt was. Every figure is the median of rounds in which all take turns, because the disk
 * of a shared machine is another one every minute. The bare sync of that disk takes turns as well: whoever acknowledges only
 * what is on it cannot end more jobs than run at once for each sync.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentcore } from "./queue/agentcore.ts";
import { bullmq } from "./queue/bullmq.ts";
import { type Contender, type OpenQueue, Unavailable } from "./queue/contender.ts";
import { pgBoss } from "./queue/pg-boss.ts";
import { type Report, quantile } from "./report.ts";

export interface QueueBenchOptions {
  /** Jobs of each drain and of the submits of many. Default 5,000. */
  readonly jobs?: number;
  /** Default 3. */
  readonly rounds?: number;
}

/** Jobs submitted to an idle queue one at a time: so many, or as many as this time allows. */
const idleSamples = 100;
const idleMs = 10_000;

type Unit = "jobs/s" | "ms";
type Note = (what: string, value: number, unit: Unit) => void;
type Phase = (queue: OpenQueue, jobs: number, note: Note) => Promise<void>;

interface Figure {
  readonly unit: Unit;
  readonly values: number[];
}

export async function benchQueuePeers(report: Report, options: QueueBenchOptions = {}): Promise<void> {
  const { jobs = 5000, rounds = 3 } = options;
  const contenders = [agentcore, bullmq("everysec"), bullmq("always"), pgBoss];
  const figures = new Map(contenders.map(({ name }) => [name, new Map<string, Figure>()]));
  const missing = new Map<string, string>();
  const syncs: number[] = [];
  for (const phase of [submits, drains(10), drains(50), idle]) {
    for (let round = 0; round < rounds; round += 1) {
      syncs.push(syncsPerSecond());
      for (const contender of contenders.filter(({ name }) => !missing.has(name))) {
        const reason = await run(contender, phase, jobs, noteIn(figures.get(contender.name)!));
        if (reason !== null) missing.set(contender.name, reason);
      }
    }
  }
  const ours = figures.get(agentcore.name)!;
  const floor = medianOf(syncs);
  report({ name: "floor: 4 KiB written and synced, one after another", value: floor, unit: "syncs/s" });
  for (const { name } of contenders) {
    if (missing.has(name))
      report({ name, value: Number.NaN, unit: "", note: `not measured: ${missing.get(name)}` });
    for (const [what, { unit, values }] of figures.get(name)!) {
      const value = medianOf(values);
      const row = { name: `${name}: ${what}`, value, unit };
      report(
        name === agentcore.name
          ? { ...row, ...perSync(what, value / floor) }
          : { ...row, note: comparison(medianOf(ours.get(what)!.values), value, unit) },
      );
    }
  }
}

function noteIn(figures: Map<string, Figure>): Note {
  return (what, value, unit) => {
    const figure = figures.get(what) ?? { unit, values: [] };
    figures.set(what, figure);
    figure.values.push(value);
  };
}

/** Null, or why the contender cannot take part. */
async function run(contender: Contender, phase: Phase, jobs: number, note: Note): Promise<string | null> {
  try {
    await withQueue(contender, (queue) => phase(queue, jobs, note));
    return null;
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}

const firstCaller = "submit, one caller";
const runs = (concurrency: number): string => `run, ${concurrency} at once`;

/** How many jobs one sync can be for. */
const jobsOfSync: Readonly<Record<string, number>> = {
  [firstCaller]: 1,
  [runs(10)]: 10,
  [runs(50)]: 50,
};

function perSync(what: string, jobs: number): { readonly note?: string } {
  const jobsMax = jobsOfSync[what];
  return jobsMax === undefined
    ? {}
    : { note: `${jobs.toFixed(1)} for each sync of the floor, of ${jobsMax}` };
}

/** What a queue that syncs its log for each acknowledgement cannot do without. */
function syncsPerSecond(): number {
  const times = 100;
  const block = Buffer.alloc(4096);
  const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
  const file = openSync(join(directory, "log"), "w");
  try {
    const startedAt = performance.now();
    for (let sync = 0; sync < times; sync += 1) {
      writeSync(file, block);
      fdatasyncSync(file);
    }
    return (times * 1000) / (performance.now() - startedAt);
  } finally {
    closeSync(file);
    rmSync(directory, { recursive: true });
  }
}

/** How we compare: above 1 is in our favour. */
function comparison(own: number, peer: number, unit: Unit): string {
  const factor = unit === "ms" ? peer / own : own / peer;
  return `ours ${factor.toFixed(2)} times ${unit === "ms" ? "as quick" : "as many"}`;
}

const submits: Phase = async (queue, jobs, note) => {
  note(firstCaller, await perSecond(500, 1, (index) => queue.submit(index)), "jobs/s");
  note("submit, 64 callers", await perSecond(jobs, 64, (index) => queue.submit(1000 + index)), "jobs/s");
  const calls = await perSecond(jobs / 1000, 1, (call) => queue.submitMany(100_000 + call * 1000, 1000));
  note("submit, 1,000 a call", calls * 1000, "jobs/s");
};

function drains(concurrency: number): Phase {
  return async (queue, jobs, note) => {
    for (let from = 0; from < jobs; from += 1000) await queue.submitMany(from, 1000);
    note(runs(concurrency), await drain(queue, concurrency, jobs), "jobs/s");
  };
}

const idle: Phase = async (queue, _jobs, note) => {
  const sorted = (await idleLatencies(queue)).toSorted((a, b) => a - b);
  note("idle, submit to start, p50", quantile(sorted, 0.5), "ms");
  note("idle, submit to start, p99", quantile(sorted, 0.99), "ms");
};

async function withQueue(contender: Contender, use: (queue: OpenQueue) => Promise<void>): Promise<void> {
  const queue = await contender.open();
  try {
    await use(queue);
  } finally {
    await queue.close();
  }
}

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

function medianOf(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}
