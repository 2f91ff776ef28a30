/**
 * A burst: many jobs that are let in at once by one scheduler and one runtime in this process. Reports what became of them
 * and for how long, at the longest, the event loop did nothing else, beside what one bare spawn costs in the same process.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { ignore } from "@agentcore/contract";
import { createSqliteJobStore, openStateDatabase } from "@agentcore/store-sqlite";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { createAgentCore } from "agentcore";
import { until } from "@agentcore/contract/testing";
import { makeJobDirectory } from "./truth-ledger.ts";

export interface BurstReport {
  readonly runs: number;
  /** Runs whose worker began. */
  readonly begun: number;
  /** Owners of the queue, before and after. One that lost its lease comes back under another name. */
  readonly owners: readonly string[];
  /** Jobs that do not run in their first attempt. */
  readonly strayed: readonly string[];
  /** Processes left after the end. */
  readonly survivors: readonly string[];
  /** From the submit to the last start. */
  readonly tookMs: number;
  readonly longestStretchMs: number;
  /** The most processor time that this thread took in one stretch: what does not depend on what else the machine does. */
  readonly longestBusyMs: number;
  /** Median time that a bare spawn holds the event loop meanwhile. */
  readonly bareSpawnMs: number;
}

/** What a stretch may last where nothing else runs and a bare spawn holds the loop for 2.5 ms. */
export const busyMsMax = 250;

/** A machine on which a bare spawn takes longer is slower, or has something else to do. */
function stretchMsMax(bareSpawnMs: number): number {
  return busyMsMax * Math.max(1, bareSpawnMs / 2.5);
}

/** How often the event loop is looked at. */
const resolutionMs = 5;

export async function burst(runs: number): Promise<BurstReport> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-burst-")));
  const stateDir = join(root, "state");
  const config = { limits: { global: { concurrency: runs } }, shutdown: { grace: "300ms" } };
  const core = await createAgentCore({ stateDir, config });
  const database = await openStateDatabase({ directory: stateDir });
  try {
    const store = createSqliteJobStore(database);
    const workspaces = Array.from({ length: runs }, (_, n) => makeJobDirectory(root, `sleeper-${n}`));
    const before = await store.owners();
    const startedMs = performance.now();
    const watch = watchLoop();
    const bareSpawns = measureBareSpawns();
    await core.scheduler.submitAll(
      workspaces.map((workspace) => ({
        task: { worker: "shell", workspace, instructions: "echo x >began; exec sleep 600" },
      })),
    );
    const hasBegun = (workspace: string): boolean => existsSync(join(workspace, "began"));
    let first = 0;
    await until(
      () => {
        while (first < runs && hasBegun(workspaces[first]!)) first += 1;
        return first === runs;
      },
      { what: "the start of every run", deadlineMs: 120_000 },
    ).catch((error: unknown) => ignore(error, "the report says how many began"));
    const { longestStretchMs, longestBusyMs } = watch.stop();
    const bareSpawnMs = await bareSpawns.medianMs();
    const tookMs = performance.now() - startedMs;
    const { jobs } = await store.list({ limit: runs });
    const after = await store.owners();
    const begun = workspaces.filter(hasBegun).length;
    await core.close();
    return {
      runs,
      begun,
      owners: [...new Set([...before, ...after].map(({ owner }) => owner))],
      strayed: jobs
        .filter(({ state, attempt }) => state.kind !== "running" || attempt !== 1)
        .map(({ job, state, attempt }) => `${job.id}: ${state.kind}, attempt ${attempt}`),
      survivors: findSurvivors([root]).map(({ commandLine }) => commandLine),
      tookMs,
      longestStretchMs,
      longestBusyMs,
      bareSpawnMs,
    };
  } finally {
    await core.close();
    await database.close();
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

function watchLoop() {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  let before = process.threadCpuUsage();
  let longestBusyMs = 0;
  const look = (): void => {
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    longestBusyMs = Math.max(longestBusyMs, (user + system) / 1000);
  };
  const timer = setInterval(look, resolutionMs);
  delay.enable();
  return {
    stop() {
      clearInterval(timer);
      delay.disable();
      return { longestStretchMs: Math.max(0, delay.max / 1e6 - resolutionMs), longestBusyMs };
    },
  };
}

const betweenSpawnsMs = 100;

/** Spawns now and then while the burst goes on, so that both see the same machine. */
function measureBareSpawns() {
  const heldMs: number[] = [];
  const stop = new AbortController();
  const measured = (async () => {
    while (!stop.signal.aborted) {
      const startedMs = performance.now();
      const child = spawn("/bin/true", [], { stdio: ["pipe", "pipe", "pipe"], detached: true });
      heldMs.push(performance.now() - startedMs);
      await once(child, "exit");
      await pause(betweenSpawnsMs);
    }
  })();
  return {
    async medianMs(): Promise<number> {
      stop.abort();
      await measured;
      return heldMs.toSorted((a, b) => a - b)[Math.floor(heldMs.length / 2)] ?? Number.NaN;
    },
  };
}

/** By processor time: what else the machine does meanwhile lengthens the stretches by the clock, which are printed. */
export function isCalm({ runs, begun, owners, strayed, survivors, longestBusyMs }: BurstReport): boolean {
  const isCorrect = begun === runs && owners.length === 1 && strayed.length + survivors.length === 0;
  return isCorrect && longestBusyMs < busyMsMax;
}

export function burstLines(report: BurstReport): string[] {
  const { runs, begun, owners, strayed, survivors, tookMs, longestStretchMs, longestBusyMs, bareSpawnMs } =
    report;
  return [
    `began              ${begun} of ${runs}, within ${(tookMs / 1000).toFixed(1)} s`,
    `owners             ${owners.length}`,
    `lost or repeated   ${strayed.length}`,
    `survivors          ${survivors.length}`,
    `longest stretch    ${longestStretchMs.toFixed(0)} ms of the event loop (aim: ${stretchMsMax(bareSpawnMs).toFixed(0)})`,
    `longest busy       ${longestBusyMs.toFixed(0)} ms of processor time, at most ${busyMsMax}`,
    `bare spawn         ${bareSpawnMs.toFixed(1)} ms`,
    ...[...strayed, ...survivors].slice(0, 20).map((finding) => `! ${finding}`),
  ];
}
