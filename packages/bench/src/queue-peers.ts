/**
 * Our queue beside BullMQ and pg-boss, one after another in the same run: the same jobs with a payload of 220 bytes, ten
 * priorities and three attempts, a handler that does nothing, producer and worker in this process. Ours also decides on a
 * permit for each, locks its workspace, and keeps what the attempt was.
 */
import { agentcore } from "./queue/agentcore.ts";
import { bullmq } from "./queue/bullmq.ts";
import { type Contender, type OpenQueue, Unavailable } from "./queue/contender.ts";
import { pgBoss } from "./queue/pg-boss.ts";
import { type Report, quantile } from "./report.ts";

export interface QueueBenchOptions {
  /** Jobs of each drain and of the submits by 64 callers. Default 10,000. */
  readonly jobs?: number;
  /** Jobs submitted to an idle queue, one at a time. Default 200. */
  readonly idleSamples?: number;
}

export async function benchQueuePeers(report: Report, options: QueueBenchOptions = {}): Promise<void> {
  const { jobs = 10_000, idleSamples = 200 } = options;
  const ours: Figures = new Map();
  for (const contender of [agentcore, bullmq("everysec"), bullmq("always"), pgBoss]) {
    const note = (what: string, value: number, unit: Unit): void => {
      const own = ours.get(what);
      if (contender === agentcore) ours.set(what, value);
      const name = `${contender.name}: ${what}`;
      report(
        own === undefined ? { name, value, unit } : { name, value, unit, note: comparison(own, value, unit) },
      );
    };
    try {
      await measure(contender, { jobs, idleSamples }, note);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      report({ name: contender.name, value: Number.NaN, unit: "", note: `not measured: ${error.message}` });
    }
  }
}

type Unit = "jobs/s" | "ms";
type Figures = Map<string, number>;
type Note = (what: string, value: number, unit: Unit) => void;

/** How we compare: above 1 is in our favour. */
function comparison(own: number, peer: number, unit: Unit): string {
  const factor = unit === "ms" ? peer / own : own / peer;
  return `ours ${factor.toFixed(2)} times ${unit === "ms" ? "as quick" : "as many"}`;
}

async function measure(
  contender: Contender,
  options: Required<QueueBenchOptions>,
  note: Note,
): Promise<void> {
  const { jobs, idleSamples } = options;
  await withQueue(contender, async (queue) => {
    note("submit, one caller", await perSecond(1000, 1, (index) => queue.submit(index)), "jobs/s");
    note("submit, 64 callers", await perSecond(jobs, 64, (index) => queue.submit(1000 + index)), "jobs/s");
    const calls = await perSecond(jobs / 1000, 1, (call) => queue.submitMany(100_000 + call * 1000, 1000));
    note("submit, 1,000 a call", calls * 1000, "jobs/s");
  });
  for (const concurrency of [10, 50]) {
    await withQueue(contender, async (queue) => {
      for (let from = 0; from < jobs; from += 1000) await queue.submitMany(from, 1000);
      note(`run, ${concurrency} at once`, await drain(queue, concurrency, jobs), "jobs/s");
    });
  }
  await withQueue(contender, async (queue) => {
    const sorted = (await idleLatencies(queue, idleSamples)).toSorted((a, b) => a - b);
    note("idle, submit to start, p50", quantile(sorted, 0.5), "ms");
    note("idle, submit to start, p99", quantile(sorted, 0.99), "ms");
  });
}

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
async function idleLatencies(queue: OpenQueue, samples: number): Promise<number[]> {
  const latencies: number[] = [];
  let [submittedAt, done] = [0, Promise.withResolvers<void>()];
  const worker = await queue.work(10, {
    started: () => latencies.push(performance.now() - submittedAt),
    done: () => done.resolve(),
  });
  for (let index = 0; index < samples; index += 1) {
    done = Promise.withResolvers();
    submittedAt = performance.now();
    await Promise.all([queue.submit(index), done.promise]);
  }
  await worker.stop();
  return latencies;
}
