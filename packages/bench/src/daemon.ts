/**
 * The daemon, seen from outside: what it costs idle, how soon an event starts its worker, how soon a webhook is acknowledged, and
 * how many events a second it takes and runs. Real processes of the command line.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { execaNode } from "execa";
import { reportFanOut } from "./daemon-fan-out.ts";
import { app, DaemonPlace, senders } from "./daemon-place.ts";
import { median, quantile, type Report } from "./report.ts";

export interface DaemonBenchOptions {
  /** Default: 120,000. */
  readonly idleMs?: number;
  /** Default: 60. */
  readonly starts?: number;
  /** Of acknowledgements. Default: 3,000. */
  readonly deliveries?: number;
}

export async function benchDaemon(report: Report, options: DaemonBenchOptions = {}): Promise<void> {
  const { idleMs = 120_000, starts = 60, deliveries = 3000 } = options;
  await execaNode(join(app, "bundle.mjs"));
  const root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-bench-")));
  const place = await DaemonPlace.start(root);
  try {
    reportLoad(report, "at the start");
    await reportIdle(report, place, idleMs);
    await reportStarts(report, place, starts);
    await reportAcknowledgements(report, place, deliveries);
    await reportFanOut(report, place);
    reportLoad(report, "at the end");
  } catch (error) {
    throw new Error(`the log of the daemon ends with: ${place.log}`, { cause: error });
  } finally {
    await place.stop();
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Of the last minute: above the number of processors, figures in ms are those of a machine that does other things. */
function reportLoad(report: Report, when: string): void {
  report({ name: `load average ${when}`, value: loadavg()[0] ?? Number.NaN, unit: "" });
}

async function reportIdle(report: Report, place: DaemonPlace, idleMs: number): Promise<void> {
  // What a start leaves to do, such as garbage collections, is done by then.
  await pause(Math.min(30_000, idleMs));
  const before = place.usage();
  const startedMs = performance.now();
  await pause(idleMs);
  const after = place.usage();
  const cpu = ((after.cpuMs - before.cpuMs) / (performance.now() - startedMs)) * 100;
  const note = `${idleMs / 1000} s`;
  report({
    name: "idle: resident memory of each",
    value: after.rssMb,
    unit: "MB",
    note: `rss, ${after.each}; pages that both use count twice`,
  });
  report({
    name: "idle: memory of daemon and runtime",
    value: after.pssMb,
    unit: "MB",
    note: "aim: under 160; pss: pages that both use count once",
  });
  report({
    name: "idle: processor time of both",
    value: cpu,
    unit: "% of a core",
    note: `aim: under 0.5; ${note}`,
  });
}

async function reportStarts(report: Report, place: DaemonPlace, starts: number): Promise<void> {
  const times: number[] = [];
  const bare: number[] = [];
  for (let n = 0; n < starts; n += 1) {
    const at = performance.timeOrigin + performance.now();
    await place.deliver("start", `start-${n}`);
    const line = await place.line("starts", n);
    times.push(Number(line) / 1e6 - at);
    bare.push(await bareNodeMs());
    await pause(30);
  }
  const sorted = times.toSorted((a, b) => a - b);
  const p50 = quantile(sorted, 0.5);
  const bareMs = median(bare);
  const note = `aim: under 25 where bare node starts in 37, a ratio of 0.68; it starts in ${bareMs.toFixed(0)} here, a ratio of ${(p50 / bareMs).toFixed(2)}`;
  report({ name: "event until its worker runs, p50", value: p50, unit: "ms", note });
  report({
    name: "event until its worker runs, p99",
    value: quantile(sorted, 0.99),
    unit: "ms",
    note: `${starts} events, one after another`,
  });
}

async function reportAcknowledgements(report: Report, place: DaemonPlace, deliveries: number): Promise<void> {
  const times: number[] = [];
  let next = 0;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: senders }, async () => {
      while (next < deliveries) {
        const id = `burst-${(next += 1)}`;
        const at = performance.now();
        await place.deliver("take", id);
        times.push(performance.now() - at);
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  const sorted = times.toSorted((a, b) => a - b);
  report({
    name: `202 under ${senders} senders, p50`,
    value: quantile(sorted, 0.5),
    unit: "ms",
    note: `${deliveries} durable events`,
  });
  report({ name: `202 under ${senders} senders, p99`, value: quantile(sorted, 0.99), unit: "ms" });
  report({ name: "events taken, sustained", value: deliveries / seconds, unit: "events/s" });
  const runs = 100;
  const before = place.count("runs");
  const runStartedMs = performance.now();
  for (let n = 0; n < runs; n += 1) await place.deliver("run", `run-${n}`);
  await place.line("runs", before + runs - 1);
  const runSeconds = (performance.now() - runStartedMs) / 1000;
  report({
    name: "events with a workflow run each, sustained",
    value: runs / runSeconds,
    unit: "events/s",
    note: `${runs} runs of one shell step, 5 at once`,
  });
}

/** Until its first line of code has run, as the worker's is. */
async function bareNodeMs(): Promise<number> {
  const at = performance.now();
  const child = spawn(process.execPath, ["-e", "process.stdout.write('x')"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const took = performance.now() - at;
  await once(child, "close");
  return took;
}
