/** Machines that share one store, under a virtual clock: one of them is cut off from it. */
import { describe, expect, it } from "vitest";
import { AgentCoreError, type Runtime } from "@agentcore/contract";
import { createMemoryStore } from "../memory/memory-store.ts";
import { createScheduler, type Scheduler } from "../scheduler.ts";
import type { SchedulerOptions } from "../scheduler-options.ts";
import { createFakeRuntime, takeTime, type FakeRuntime } from "../testing/fake-runtime.ts";
import { testResult } from "../testing/fixtures.ts";
import { countingIds, middle, simpleJob } from "../testing/rig.ts";
import { createSeverable, type Severable } from "../testing/severable.ts";
import { createVirtualClock, type VirtualClock } from "../testing/virtual-clock.ts";

const leaseMs = 10_000;
const takesMs = 60_000;

interface Machine {
  readonly scheduler: Scheduler;
  readonly runtime: FakeRuntime;
  readonly severable: Severable;
  /** Calls to the store fail from now on, or arrive only once the machine is healed. */
  cutOff(how: "fails" | "hangs"): void;
  heal(): void;
}

interface Run {
  readonly on: string;
  readonly attempt: number;
  readonly fromMs: number;
  toMs: number;
}

class Fleet {
  readonly clock: VirtualClock = createVirtualClock();
  readonly store = createMemoryStore();
  readonly #runs: Run[] = [];

  async boot(name: string, options: Partial<SchedulerOptions> = {}): Promise<Machine> {
    const { clock, store } = this;
    let cut: "fails" | "hangs" | null = null;
    let healed = Promise.withResolvers<void>();
    const severable = createSeverable({ store, clock });
    const runtime = createFakeRuntime({
      clock,
      execute: async (execution) => {
        const { attempt } = execution.permit;
        const run: Run = { on: name, attempt, fromMs: clock.monotonicMs(), toMs: Infinity };
        this.#runs.push(run);
        const result = await takeTime(execution, takesMs, testResult(), clock);
        run.toMs = clock.monotonicMs();
        return result;
      },
    });
    const arrive = async (call: () => unknown): Promise<unknown> => {
      if (cut === "fails") throw new AgentCoreError("AC_STORE_UNAVAILABLE", "cut off");
      if (cut === "hangs") await healed.promise;
      return call();
    };
    const reachable = new Proxy(severable.store, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== "function" || property === "onChange" || property === "holds") return value;
        return (...args: unknown[]) => arrive(() => Reflect.apply(value, target, args));
      },
    });
    const scheduler = await createScheduler({
      store: reachable,
      clock: severable.clock,
      runtime: severable.wrap<Runtime>(runtime),
      random: middle,
      ids: countingIds(name),
      process: { host: name, bootId: name, pid: 1, startTicks: 1, place: `${name}:/state` },
      processState: () => "gone",
      proveGone: async () => false,
      leaseMs,
      ...options,
    });
    return {
      scheduler,
      runtime,
      severable,
      cutOff: (how: "fails" | "hangs") => void (cut = how),
      heal: () => {
        cut = null;
        healed.resolve();
        healed = Promise.withResolvers();
      },
    };
  }

  async owners(): Promise<readonly string[]> {
    const names = (await this.store.owners()).map(({ owner }) => owner.split("-")[0] ?? "");
    return names.toSorted();
  }

  /** When each attempt began and ended, on any machine. */
  runs(): readonly Run[] {
    return this.#runs.toSorted((a, b) => a.fromMs - b.fromMs);
  }
}

/** One job runs on the first of two machines. */
async function running(options: Partial<SchedulerOptions> = {}, ofOther: Partial<SchedulerOptions> = {}) {
  const fleet = new Fleet();
  const a = await fleet.boot("a", options);
  const { id } = await a.scheduler.submit(simpleJob({ limits: { maxAttempts: 2, timeoutMs: 300_000 } }));
  await fleet.clock.advance(10);
  const b = await fleet.boot("b", ofOther);
  await fleet.clock.advance(leaseMs);
  return { fleet, a, b, id };
}

const ways = ["fails", "hangs"] as const;

describe("a machine that is cut off from a store that machines share", () => {
  it.each(ways)("for 0.4 of its lease keeps its run (the store %s)", async (how) => {
    const { fleet, a, id } = await running();
    // The beat before may be a fifth of a lease old.
    await fleet.clock.advance(leaseMs / 5 - (fleet.clock.monotonicMs() % (leaseMs / 5)) + 1);
    a.cutOff(how);
    await fleet.clock.advance(0.4 * leaseMs);
    a.heal();
    await fleet.clock.advance(takesMs);
    expect(fleet.runs()).toMatchObject([{ on: "a", attempt: 1 }]);
    expect(await fleet.store.get(id)).toMatchObject({ state: { kind: "succeeded" }, attempt: 1 });
  });

  it.each([
    ["fails", 0],
    ["hangs", 0],
    ["hangs", 3_600_000],
    ["fails", -3_600_000],
  ] as const)(
    "stops its run in half of the lease, before another begins it (the store %s, wall clocks set by %d ms)",
    async (how, byMs) => {
      const { fleet, a, id } = await running();
      const { clock } = fleet;
      a.cutOff(how);
      const cutAtMs = clock.monotonicMs();
      clock.setWall(clock.now() + byMs);
      await clock.advance(3 * leaseMs);
      const [first, second] = fleet.runs();
      expect(first).toMatchObject({ on: "a", attempt: 1 });
      expect(first!.toMs - cutAtMs).toBeLessThanOrEqual(leaseMs / 2);
      expect(second).toMatchObject({ on: "b", attempt: 2 });
      expect(second!.fromMs - first!.toMs).toBeGreaterThan(leaseMs / 4);
      a.heal();
      await clock.advance(takesMs);
      expect(await fleet.store.get(id)).toMatchObject({ state: { kind: "succeeded" }, attempt: 2 });
      expect(fleet.runs().length).toBe(2);
    },
  );

  it.each(ways)("is a new owner once the store answers, and goes on (the store %s)", async (how) => {
    const { fleet, a, b } = await running();
    a.cutOff(how);
    await fleet.clock.advance(3 * leaseMs);
    expect(await fleet.owners()).toEqual(["b"]);
    a.heal();
    await fleet.clock.advance(leaseMs);
    expect(await fleet.owners()).toEqual(["a", "b"]);
    await b.scheduler.close();
    const { id } = await a.scheduler.submit(simpleJob());
    await fleet.clock.advance(takesMs + leaseMs);
    expect(await fleet.store.get(id)).toMatchObject({ state: { kind: "succeeded" }, attempt: 1 });
    expect(fleet.runs().at(-1)).toMatchObject({ on: "a" });
  });

  it("drains as a new owner, too, if it was asked to", async () => {
    const hosting = { name: "a", workers: ["shell"], capacity: 1, version: "1.0.0", isDraining: false };
    const process = { host: "a", bootId: "a", pid: 1, startTicks: 1, place: "a:/state", hosting };
    const { fleet, a, b } = await running({ process });
    const ownOf = async () => (await fleet.store.owners()).find(({ owner }) => owner.startsWith("a-"));
    expect(await fleet.store.setDraining((await ownOf())!.owner, true)).toBe(true);
    await fleet.clock.advance(leaseMs);
    a.cutOff("fails");
    await fleet.clock.advance(3 * leaseMs);
    a.heal();
    await fleet.clock.advance(leaseMs);
    expect((await ownOf())?.process?.hosting?.isDraining).toBe(true);
    await b.scheduler.close();
  });

  it("puts its job back at once if the store answers before another takes over", async () => {
    const { fleet, a, id } = await running();
    a.cutOff("fails");
    await fleet.clock.advance(0.6 * leaseMs);
    a.heal();
    await fleet.clock.advance(leaseMs / 4);
    const [lost] = await fleet.store.attempts(id);
    expect(lost).toMatchObject({ attempt: 1, decision: "retry", result: { outcome: "cancelled" } });
    expect((await fleet.store.decisions(id)).map(({ code }) => code)).toEqual(["AC_LEASE_LOST"]);
    await fleet.clock.advance(2 * takesMs);
    expect(await fleet.store.get(id)).toMatchObject({ state: { kind: "succeeded" }, attempt: 2 });
  });

  it("keeps what it finished meanwhile as a late result, and the end that was told stands", async () => {
    const { fleet, a, id } = await running();
    a.severable.pause();
    await fleet.clock.advance(2 * takesMs);
    expect(await fleet.store.get(id)).toMatchObject({ state: { kind: "succeeded" }, attempt: 2 });
    a.severable.resume();
    await fleet.clock.advance(leaseMs);
    expect(await fleet.store.get(id)).toMatchObject({ state: { kind: "succeeded" }, attempt: 2 });
    expect((await fleet.store.lateResults(id)).map(({ ref }) => ref.attempt)).toEqual([1]);
  });

  it("has its holds settled before its attempts end as lost, however often that fails at first", async () => {
    const settled: string[] = [];
    const { fleet, a, id } = await running(
      {},
      {
        settleHolds: async () => {
          settled.push((await fleet.store.get(id))?.state.kind ?? "none");
          if (settled.length < 3) throw new Error("no answer");
        },
      },
    );
    a.cutOff("fails");
    await fleet.clock.advance(2 * leaseMs + 10_000);
    expect(settled).toEqual(["running", "running", "running"]);
    expect(fleet.runs()).toMatchObject([{ on: "a" }, { on: "b" }]);
  });

  it("gives its runtime the lease from the moment at which an answered beat was sent", async () => {
    const { fleet, a } = await running();
    const beats = a.runtime.leases.map((untilMs) => untilMs - leaseMs / 2);
    expect(beats).toEqual([0, 2000, 4000, 6000, 8000, 10_000]);
    a.cutOff("hangs");
    await fleet.clock.advance(leaseMs);
    expect(a.runtime.leases.length).toBe(beats.length);
  });
});
