/** The same ten jobs, killed before and after every single store write, and with every single store call failing. */
import { describe, expect, it } from "vitest";
import { AgentCoreError, type Runtime, type WorkerResult } from "@agentcore/contract";
import type { JobStore } from "./job-store.ts";
import { createMemoryStore } from "./memory/memory-store.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import {
  createFakeRuntime,
  takeTime,
  type FakeExecution,
  type FakeRuntime,
  type LedgerLine,
} from "./testing/fake-runtime.ts";
import { testFailure, testResult } from "./testing/fixtures.ts";
import { countingIds, middle, simpleJob } from "./testing/rig.ts";
import { createSeverable, type Severable, type StoreCall } from "./testing/severable.ts";
import { createVirtualClock, type VirtualClock } from "./testing/virtual-clock.ts";

const jobCount = 10;
const maxAttempts = 6;

/** One process after another on one store; all their fake runtimes share one ledger. */
class World {
  readonly clock: VirtualClock = createVirtualClock();
  readonly store: JobStore = createMemoryStore();
  readonly acknowledged = new Set<string>();
  readonly runtimes: FakeRuntime[] = [];
  processes = 0;

  boot(hooks: Hooks = {}): Booted {
    this.processes += 1;
    const pid = this.processes;
    const severable: Severable = createSeverable({
      store: this.store,
      clock: this.clock,
      before: (call) => hooks.before?.(call, severable),
      beforeQuery: (call) => hooks.beforeQuery?.(call, severable),
      after: (call) => hooks.after?.(call, severable),
    });
    const runtime = createFakeRuntime({ clock: this.clock, execute: (execution) => this.execute(execution) });
    this.runtimes.push(runtime);
    const booting = createScheduler({
      store: severable.store,
      clock: severable.clock,
      runtime: severable.wrap<Runtime>(runtime),
      random: middle,
      ids: countingIds(`p${pid}`),
      process: { host: "h", bootId: null, pid, startTicks: null },
      processState: (process) => (process.pid === this.processes ? "alive" : "gone"),
      // The workers of a dead process die with it; the ledger of its runtime says when.
      proveGone: async ({ jobId, attempt }) =>
        !this.lines().some(
          (line) => line.jobId === jobId && line.attempt === attempt && line.endedAt === null,
        ),
    });
    return { severable, booting, runtime };
  }

  /** Job number n fails n mod 3 times before it succeeds; every job takes a little. */
  execute(execution: FakeExecution): Promise<WorkerResult> {
    const failures = Number(execution.task.instructions) % 3;
    const before = this.lines().filter(
      (line) => line.jobId === execution.permit.jobId && line.endedAt !== null,
    ).length;
    return takeTime(execution, 20, before < failures ? testFailure : testResult(), this.clock);
  }

  lines() {
    return this.runtimes.flatMap(({ ledger }) => ledger);
  }

  async kill({ severable, runtime }: Booted): Promise<void> {
    severable.sever();
    await runtime.close();
  }

  async submitAll(scheduler: Scheduler): Promise<void> {
    for (let n = 0; n < jobCount; n += 1) {
      const task = { worker: "shell", workspace: `/w/${n % 4}`, instructions: String(n) };
      const id = `job-${n}`;
      if (this.acknowledged.has(id)) continue;
      await scheduler.submit(
        simpleJob({ id, task, limits: { maxAttempts }, ...(n % 2 === 0 ? { key: `k${n}` } : {}) }),
      );
      this.acknowledged.add(id);
    }
  }

  /** Everything that must be true, regardless of the history; judged by the ledger of the runtimes and the stored ends. */
  async faults(): Promise<string[]> {
    const faults = this.runtimes.flatMap((runtime) => runtime.violations);
    for (const id of this.acknowledged) {
      const state = (await this.store.get(id))?.state;
      if (state?.kind !== "succeeded") faults.push(`${id} is ${state?.kind ?? "gone"}`);
      faults.push(
        ...overlaps(
          id,
          this.lines().filter((line) => line.jobId === id),
        ),
      );
    }
    const { ready, delayed, running } = await this.store.stats(this.clock.now());
    if (ready + delayed + running > 0) faults.push(`${ready} ready, ${delayed} delayed, ${running} running`);
    return faults;
  }
}

function overlaps(id: string, lines: readonly LedgerLine[]): string[] {
  const sorted = [...lines].sort((a, b) => a.startedAt - b.startedAt);
  const faults = sorted.slice(1).flatMap((line, index) => {
    const endOfPrevious = sorted[index]?.endedAt ?? Infinity;
    return endOfPrevious > line.startedAt
      ? `attempt ${line.attempt} of ${id} began before the previous one ended`
      : [];
  });
  if (lines.length > maxAttempts) faults.push(`${id} ran ${lines.length} times`);
  if (new Set(lines.map(({ attempt }) => attempt)).size < lines.length)
    faults.push(`an attempt of ${id} ran twice`);
  return faults;
}

type Hook = (call: StoreCall, severable: Severable) => void;

interface Hooks {
  readonly before?: Hook;
  readonly beforeQuery?: Hook;
  readonly after?: Hook;
}

interface Booted {
  readonly severable: Severable;
  readonly booting: Promise<Scheduler>;
  readonly runtime: FakeRuntime;
}

async function until(clock: VirtualClock, done: () => boolean): Promise<void> {
  for (let step = 0; step < 5000 && !done(); step += 1) if (!(await clock.next())) return;
}

/** Lets a process run the scenario until it is idle or killed. */
async function runUntilDeadOrIdle(world: World, booted: Booted): Promise<void> {
  let finished = false;
  void (async () => {
    const scheduler = await booted.booting;
    await world.submitAll(scheduler);
    await scheduler.whenIdle();
    await scheduler.close();
  })().then(() => (finished = true));
  await until(world.clock, () => finished || booted.severable.isSevered);
  if (booted.severable.isSevered) await world.kill(booted);
}

/** A process that dies at write `n`, then one that finishes the work. */
async function crashAt(n: number, when: "before" | "after"): Promise<{ world: World; crashed: boolean }> {
  const world = new World();
  const cut: Hook = ({ write }, severable) => {
    if (write === n) severable.sever();
  };
  const booted = world.boot({ [when]: cut });
  await runUntilDeadOrIdle(world, booted);
  const crashed = booted.severable.isSevered;
  if (crashed) await runUntilDeadOrIdle(world, world.boot());
  return { world, crashed };
}

describe("a scheduler that is killed at any store write", () => {
  it.each(["before", "after"] as const)("%s the write: every acknowledged job ends once", async (when) => {
    let points = 0;
    for (let n = 1; ; n += 1) {
      const { world, crashed } = await crashAt(n, when);
      expect(await world.faults()).toEqual([]);
      expect(world.acknowledged.size).toBe(jobCount);
      if (!crashed) break;
      points += 1;
    }
    expect(points).toBeGreaterThan(30);
    process.stdout.write(`crash points ${when} a write: ${points}\n`);
  });
});

const unavailable = () => new AgentCoreError("AC_STORE_UNAVAILABLE", "injected");

/** A submitter that gets "unavailable" repeats the call with the same ids. */
async function submitAndFinish(world: World, booted: Booted): Promise<void> {
  const scheduler = await booted.booting;
  while (world.acknowledged.size < jobCount) {
    try {
      await world.submitAll(scheduler);
    } catch (error) {
      if (!(error instanceof AgentCoreError)) throw error;
      await new Promise<void>((resolve) => void world.clock.setTimer(50, resolve));
    }
  }
  await scheduler.whenIdle();
  await scheduler.close();
}

describe("a store whose calls fail", () => {
  it.each(["before", "after"] as const)(
    "once, %s taking effect, for each call: the work is done all the same",
    async (when) => {
      for (let n = 2; ; n += 1) {
        const world = new World();
        let failed = false;
        const fail: Hook = ({ write }) => {
          if (write !== n) return;
          failed = true;
          throw unavailable();
        };
        const booted = world.boot({ [when]: fail });
        let finished = false;
        void submitAndFinish(world, booted).then(() => (finished = true));
        await until(world.clock, () => finished);
        expect(finished, `write ${n}`).toBe(true);
        expect(await world.faults()).toEqual([]);
        expect(world.runtimes[0]?.permitsLive).toBe(0);
        if (!failed) break;
      }
    },
  );

  it("from each call on, for ten seconds: the work is done all the same", async () => {
    for (let n = 2; ; n += 1) {
      const world = new World();
      let healAtMs = Infinity;
      const fail: Hook = ({ write }) => {
        const nowMs = world.clock.monotonicMs();
        if (write === n) healAtMs = Math.min(healAtMs, nowMs + 10_000);
        if (write >= n && nowMs < healAtMs) throw unavailable();
      };
      const booted = world.boot({ before: fail });
      let finished = false;
      void submitAndFinish(world, booted).then(() => (finished = true));
      await until(world.clock, () => finished);
      expect(finished, `from write ${n}`).toBe(true);
      expect(await world.faults(), `from write ${n}`).toEqual([]);
      if (healAtMs === Infinity) break;
    }
  });

  it("once, at each query: the work is done all the same", async () => {
    let points = 0;
    // The first write is part of the start, which may fail.
    for (let n = 2; ; n += 1) {
      const world = new World();
      let failed = false;
      const booted = world.boot({
        beforeQuery: ({ query }) => {
          if (query !== n) return;
          failed = true;
          throw unavailable();
        },
      });
      let finished = false;
      void submitAndFinish(world, booted).then(() => (finished = true));
      await until(world.clock, () => finished);
      expect(finished, `query ${n}`).toBe(true);
      expect(await world.faults(), `query ${n}`).toEqual([]);
      if (!failed) break;
      points += 1;
    }
    expect(points).toBeGreaterThan(20);
  });

  it("for a while: nothing is lost, and work goes on by itself", async () => {
    const world = new World();
    let failing = false;
    const booted = world.boot({
      before: () => {
        if (failing) throw unavailable();
      },
    });
    await world.clock.advance(1);
    const scheduler = await booted.booting;
    await world.submitAll(scheduler);
    failing = true;
    await expect(scheduler.submit(simpleJob())).rejects.toMatchObject({ code: "AC_STORE_UNAVAILABLE" });
    await world.clock.advance(60_000);
    failing = false;
    const idle = scheduler.whenIdle();
    await world.clock.advance(60_000);
    await idle;
    await scheduler.close();
    expect(await world.faults()).toEqual([]);
  });
});
