/**
 * What containment costs, beside a bare spawn in the same run, and what it is worth: from the call of `stop` to the last
 * process dead, over 1,000 workers that do not want to end. Survivors are counted by looking for the worker's token in
 * every process of the machine, not by asking the mechanism. AGENTCORE_BENCH_CANCELS changes the 1,000, AGENTCORE_SEED
 * repeats the moments at which the workers are stopped.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import {
  probeContainment,
  openContainment,
  type Contained,
  type OpenedContainment,
} from "@agentcore/containment";
import { armedLine, hostileCommand, sightings } from "@agentcore/containment/testing";
import { seededRandom } from "@agentcore/contract/testing";
import type { Random } from "@agentcore/contract";
import { quantile, type Report } from "./report.ts";

const spawns = 200;
const longestHoldMs = 40;
const env = { PATH: process.env.PATH ?? "/usr/bin:/bin" };

export async function benchContainment(report: Report): Promise<void> {
  const { implementations, cgroup } = await probeContainment();
  const opened: OpenedContainment[] = [];
  for (const { implementation, available, reason, tookMs } of implementations) {
    if (available) opened.push(await openContainment({ implementation }));
    const note = available ? "once per boot, then from a file" : `unavailable: ${reason}`;
    report({ name: `probe of ${implementation}`, value: available ? tookMs : Number.NaN, unit: "ms", note });
  }
  report({
    name: "cgroup for each run",
    value: cgroup.available ? 1 : 0,
    unit: "",
    note: cgroup.available ? cgroup.directory : cgroup.reason,
  });
  await reportCost(report, opened);
  const [best] = opened;
  if (best !== undefined) await reportCancels(report, best);
}

/** Takes turns, so that a busy moment of the machine falls on all alike. */
async function reportCost(report: Report, opened: readonly OpenedContainment[]): Promise<void> {
  const ways = new Map<string, () => Promise<void>>([["bare", spawnBare]]);
  for (const containment of opened) ways.set(containment.implementation, () => runTrue(containment));
  const tookMs = new Map([...ways.keys()].map((name) => [name, [] as number[]]));
  for (let round = 0; round < spawns; round += 1) {
    for (const [name, run] of ways) {
      const startedMs = performance.now();
      await run();
      tookMs.get(name)?.push(performance.now() - startedMs);
    }
  }
  const sorted = (name: string): number[] => (tookMs.get(name) ?? []).toSorted((a, b) => a - b);
  const bareMs = quantile(sorted("bare"), 0.5);
  for (const name of ways.keys()) {
    const p50 = quantile(sorted(name), 0.5);
    const what =
      name === "bare" ? "spawn of /bin/true, bare, to its exit" : `the same, ${name}, to proved empty`;
    const note = name === "bare" ? `n ${spawns}` : `${(p50 - bareMs).toFixed(1)} ms more`;
    report({ name: `${what}, p50`, value: p50, unit: "ms", note });
    report({ name: `${what}, p99`, value: quantile(sorted(name), 0.99), unit: "ms" });
  }
}

async function spawnBare(): Promise<void> {
  await once(spawn("/bin/true", [], { stdio: ["pipe", "pipe", "pipe"], env }), "exit");
}

async function runTrue(containment: OpenedContainment): Promise<void> {
  const run = await containment.start({
    command: "/bin/true",
    args: [],
    cwd: "/",
    env,
    marker: randomUUID(),
  });
  run.go();
  await run.finish();
}

async function reportCancels(report: Report, containment: OpenedContainment): Promise<void> {
  const cancels = Number(process.env.AGENTCORE_BENCH_CANCELS ?? 1_000);
  const seed = Number(process.env.AGENTCORE_SEED ?? 1 + Math.floor(Math.random() * 2 ** 31));
  const random = seededRandom(seed);
  const emptyMs: number[] = [];
  let [survivors, processes] = [0, 0];
  for (let cancel = 0; cancel < cancels; cancel += 1) {
    const token = `${process.pid}${String(cancel).padStart(7, "0")}`;
    const outcome = await cancelOne(containment, token, random);
    emptyMs.push(outcome.tookMs);
    survivors += outcome.survivors;
    processes += outcome.processesSeen;
  }
  emptyMs.sort((a, b) => a - b);
  const name = `stop to last process dead, ${containment.implementation}`;
  const mean = (processes / cancels).toFixed(1);
  report({
    name: `${name}, p50`,
    value: quantile(emptyMs, 0.5),
    unit: "ms",
    note: `n ${cancels}, ${mean} processes each, seed ${seed}`,
  });
  report({ name: `${name}, p99`, value: quantile(emptyMs, 0.99), unit: "ms" });
  report({ name: `${name}, max`, value: emptyMs.at(-1) ?? Number.NaN, unit: "ms" });
  report({
    name: "survivors, counted from outside",
    value: survivors,
    unit: "",
    note: `of ${cancels} runs; aim: 0`,
  });
}

async function cancelOne(containment: OpenedContainment, token: string, random: Random) {
  const hostile = hostileCommand({ token, ending: "stays" });
  const run = await containment.start({ ...hostile, cwd: "/", env, marker: randomUUID() });
  const armed = untilArmed(run);
  run.go();
  await armed;
  await sleep(random.next() * longestHoldMs);
  const startedMs = performance.now();
  const receipt = await run.cancel();
  const tookMs = performance.now() - startedMs;
  return { tookMs, survivors: sightings(token).length, processesSeen: receipt.processesSeen ?? 0 };
}

function untilArmed(run: Contained): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  run.stderr.resume();
  run.stdout.on("data", (chunk) => {
    if (String(chunk).includes(armedLine)) resolve();
  });
  return promise;
}
