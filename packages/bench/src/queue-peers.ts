/**
 * Our queue beside BullMQ, pg-boss and a minimal queue on SQLite, which is the floor: the same jobs with a payload of 220 bytes,
 * ten priorities and three attempts, a handler that does nothing, producer and worker in one process for each contender. Ours
 * also decides on a permit for each, locks its workspace, and keeps what the attempt was. In each round all take turns, because
 * the disk of a shared machine is another one every minute. The first round is cold; every figure is the median of the others.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { loadavg } from "node:os";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Answer, Asked } from "./queue/contender-main.ts";
import { contenders } from "./queue/contenders.ts";
import { type Figure, firstCaller, type phases, runs } from "./queue/phases.ts";
import { median, type Report } from "./report.ts";
import { syncsPerSecond } from "./sync-floor.ts";

export interface QueueBenchOptions {
  /** Jobs of each drain and of the submits of many. Default 5,000. */
  readonly jobs?: number;
  /** Warm ones, after a cold one. Default 3. */
  readonly rounds?: number;
}

const order: readonly (keyof typeof phases)[] = ["submits", "drain10", "drain50", "idle"];
const program = fileURLToPath(new URL(`queue/contender-main${extname(import.meta.url)}`, import.meta.url));

/** The figures of one contender by what was measured, round by round. */
type Rounds = Map<string, Figure[]>;

export async function benchQueuePeers(report: Report, options: QueueBenchOptions = {}): Promise<void> {
  const { jobs = 5000, rounds = 3 } = options;
  report({ name: "load average at the start", value: loadavg()[0] ?? Number.NaN, unit: "" });
  const measured = new Map<string, Rounds>();
  const missing = new Map<string, string>();
  const syncs: number[] = [];
  const processes = contenders.map(({ name }) => start(name));
  try {
    for (const phase of order) {
      for (let round = 0; round <= rounds; round += 1) {
        syncs.push(syncsPerSecond());
        for (const one of processes.filter(({ name }) => !missing.has(name))) {
          const answer = await ask(one, { phase, jobs });
          if ("unavailable" in answer) missing.set(one.name, answer.unavailable);
          else note(measured, one.name, answer.figures);
        }
      }
    }
  } finally {
    for (const { child } of processes) if (child.connected) child.disconnect();
  }
  reportFigures(report, { measured, missing, floor: median(syncs) });
}

interface Running {
  readonly name: string;
  readonly child: ChildProcess;
  /** Rejects when the process ends. */
  readonly ended: Promise<never>;
}

function start(name: string): Running {
  const child = fork(program, [name]);
  const ended = once(child, "exit").then(([code]): never => {
    throw new Error(`the process of ${name} ended with ${String(code)}`);
  });
  // Of interest only while an answer is awaited.
  ended.catch(() => {});
  return { name, child, ended };
}

async function ask({ child, ended }: Running, asked: Asked): Promise<Answer> {
  const answered = once(child, "message");
  child.send(asked);
  const [answer] = await Promise.race([answered, ended]);
  return answer as Answer;
}

function note(measured: Map<string, Rounds>, name: string, figures: readonly Figure[]): void {
  const rounds = measured.get(name) ?? (new Map() as Rounds);
  measured.set(name, rounds);
  for (const figure of figures) rounds.set(figure.what, [...(rounds.get(figure.what) ?? []), figure]);
}

interface Measured {
  readonly measured: ReadonlyMap<string, Rounds>;
  readonly missing: ReadonlyMap<string, string>;
  /** Syncs a second of the disk. */
  readonly floor: number;
}

function reportFigures(report: Report, { measured, missing, floor }: Measured): void {
  report({ name: "floor: 4 KiB written and synced, one after another", value: floor, unit: "syncs/s" });
  const [ours] = contenders;
  for (const { name } of contenders) {
    if (missing.has(name))
      report({ name, value: Number.NaN, unit: "", note: `not measured: ${missing.get(name)}` });
    for (const [what, figures] of measured.get(name) ?? []) {
      const { value, cold, cpuUs, unit } = summaryOf(figures);
      const own = summaryOf(measured.get(ours!.name)?.get(what) ?? []).value;
      const compared = name === ours!.name ? perSync(what, value / floor) : comparison(own, value, unit);
      const rest = `cold ${cold.toPrecision(3)}; processor ${cpuUs.toFixed(0)} µs a job`;
      report({ name: `${name}: ${what}`, value, unit, note: [compared, rest].filter(Boolean).join("; ") });
    }
  }
}

function summaryOf(figures: readonly Figure[]) {
  const [first, ...warm] = figures;
  return {
    value: median(warm.map(({ value }) => value)),
    cpuUs: median(warm.map(({ cpuUs }) => cpuUs)),
    cold: first?.value ?? Number.NaN,
    unit: first?.unit ?? "jobs/s",
  };
}

/** How many jobs one sync can be for. */
const jobsOfSync: Readonly<Record<string, number>> = { [firstCaller]: 1, [runs(10)]: 10, [runs(50)]: 50 };

function perSync(what: string, jobs: number): string | undefined {
  const jobsMax = jobsOfSync[what];
  return jobsMax === undefined ? undefined : `${jobs.toFixed(1)} for each sync of the floor, of ${jobsMax}`;
}

/** How we compare: above 1 is in our favour. */
function comparison(own: number, peer: number, unit: Figure["unit"]): string {
  const factor = unit === "ms" ? peer / own : own / peer;
  return `ours ${factor.toFixed(2)} times ${unit === "ms" ? "as quick" : "as many"}`;
}
