/**
 * Two processes on one ledger, with random requests, runs, cancels, expiries and crashes that overlap in time. Checked from
 * the ledger and from what the runs' callers were told: spent + held never passes a cap, what was told is booked to the
 * micro-dollar, a crashed attempt is charged its bound, and in the end nothing is held.
 */
import assert from "node:assert/strict";
import { createIds, type PermitRequest, type WorkerResult, workerTaskSchema } from "@agentcore/contract";
import { expect, it } from "vitest";
import { reconcileHolds } from "../ledger/ledger-reconcile.ts";
import { type Ledger, type LedgerOwner, microUsdOf, windowStartOf } from "../ledger/ledger.ts";
import { createMemoryLedger } from "../ledger/memory-ledger.ts";
import { createFakeRunner, fakeAdapter, type FakeRunner } from "../testing/fake-worker.ts";
import { createManualClock } from "../testing/manual-clock.ts";
import { permitRequest, runtimeConfig } from "../testing/requests.ts";
import { testSeed, patienceMs, seededRandom } from "@agentcore/contract/testing";
import { createRuntime } from "./create-runtime.ts";
import type { InProcessRuntime } from "./runtime-options.ts";

/** A minimum: the number of holds that are open at a crash is random, and a test of lost ones needs enough of them. */
const operations = 10_000;
const operationsMax = 100_000;
const lostMin = 20;
const hourlyCapUsd = 60;

const config = runtimeConfig({
  limits: { global: { concurrency: 8, cost_usd: { hour: hourlyCapUsd } }, attempt: { cost_usd: 3 } },
  breakers: { consecutive_failures: 10_000, failure_share: 0.99, window: 10_000 },
  watchdog: { concentration_runs: 1000 },
});

interface Process {
  readonly runtime: InProcessRuntime;
  readonly runner: FakeRunner;
  readonly owner: LedgerOwner;
  /** Nothing that it does reaches the ledger or its callers any longer. */
  isDead: boolean;
}

const never = new Promise<never>(() => {});

class World {
  readonly clock = createManualClock();
  readonly ids = createIds(this.clock);
  readonly ledger = createMemoryLedger();
  readonly random = seededRandom(testSeed("crashes"));
  #booted = 0;
  processes = [this.#boot(), this.#boot()];
  /** What callers were told, and the bounds of crashed attempts. */
  toldMicroUsd = 0;
  boundsMicroUsd = 0;
  counts = { granted: 0, crashes: 0, lost: 0 };

  #boot(): Process {
    this.#booted += 1;
    const runner = createFakeRunner();
    const owner = { pid: this.#booted, startTicks: null, bootId: null };
    const { clock, ids } = this;
    const { ledger } = this;
    const ifAlive = <T>(call: () => Promise<T>): Promise<T> => (process.isDead ? never : call());
    const cut: Ledger = {
      hold: (entry) => ifAlive(() => ledger.hold(entry)),
      settle: (holdId, spent) => ifAlive(() => ledger.settle(holdId, spent)),
      charge: (entry, spent) => ifAlive(() => ledger.charge(entry, spent)),
      levelsBelow: (prefix, windows) => ifAlive(() => ledger.levelsBelow(prefix, windows)),
      levels: (keys) => ifAlive(() => ledger.levels(keys)),
      openHolds: () => ifAlive(() => ledger.openHolds()),
    };
    const runtime = createRuntime({
      config,
      adapters: [fakeAdapter()],
      runner,
      clock,
      ids,
      ledger: cut,
      owner,
    });
    const process: Process = { runtime, runner, owner, isDead: false };
    return process;
  }

  #chance(): number {
    return this.random.next();
  }

  async step(): Promise<void> {
    const process = this.processes[this.#chance() < 0.5 ? 0 : 1] as Process;
    const dice = this.#chance();
    if (dice < 0.45) void this.#request(process);
    else if (dice < 0.75) this.#endOne(process);
    else if (dice < 0.85) this.clock.advance(Math.floor(this.#chance() * 60_000));
    else if (dice < 0.99) await settleDown();
    else await this.#crash(process);
    await this.#check();
  }

  /** Requests a permit, and executes it, releases it, or forgets it. */
  async #request(process: Process): Promise<void> {
    const request = permitRequest({ maxCostUsd: Math.ceil(this.#chance() * 5), timeoutMs: 600_000 });
    const fate = this.#chance();
    const decision = await process.runtime.requestPermit(request);
    if (decision.kind !== "granted" || process.isDead) return;
    this.counts.granted += 1;
    const { id } = decision.permit;
    if (fate < 0.1) return;
    if (fate < 0.2) await process.runtime.releasePermit(id);
    else
      await process.runtime
        .execute(id, taskOf(request))
        .then((result) => this.#hear(process, result), wasTooLate);
    if (fate > 0.9) await process.runtime.cancel(id, { reason: "too late" });
  }

  #hear(process: Process, result: WorkerResult): void {
    if (!process.isDead) this.toldMicroUsd += microUsdOf(result.costUsd ?? 0);
  }

  #endOne({ runner, runtime }: Process): void {
    const run = runner.runs.findLast(({ cause, isFinished }) => cause === null && !isFinished);
    if (run === undefined) return;
    const { permit } = run.request;
    if (this.#chance() < 0.2) void runtime.cancel(permit.id, { reason: "enough" });
    else run.finish({ costUsd: this.#chance() * (permit.grants.maxCostUsd ?? 0), costBasis: "reported" });
  }

  /** The process is suddenly gone; another one replaces it and reconciles first. */
  async #crash(process: Process): Promise<void> {
    await settleDown();
    process.isDead = true;
    const lost = (await this.ledger.openHolds()).filter(({ owner }) => owner.pid === process.owner.pid);
    for (const hold of lost) this.boundsMicroUsd += hold.costMicroUsd;
    this.counts = { ...this.counts, crashes: this.counts.crashes + 1, lost: this.counts.lost + lost.length };
    this.processes = [...this.processes.filter((one) => one !== process), this.#boot()];
    const ownerIsDead = ({ pid }: LedgerOwner) => this.processes.every(({ owner }) => owner.pid !== pid);
    await reconcileHolds(this.ledger, { ownerIsDead, now: this.clock.now() });
  }

  async #check(): Promise<void> {
    const windowStart = windowStartOf("hour", this.clock.now());
    const [level] = await this.ledger.levels([{ scope: "global", window: "hour", windowStart }]);
    assert.ok(level !== undefined && level.costHeldMicroUsd >= 0 && level.costSpentMicroUsd >= 0);
    const sum = level.costSpentMicroUsd + level.costHeldMicroUsd;
    assert.ok(sum <= hourlyCapUsd * 1e6, `spent and held are ${sum}`);
  }
}

function taskOf({ worker, workspace, capabilities }: PermitRequest) {
  return workerTaskSchema.parse({ worker, workspace, capabilities, instructions: "x" });
}

/** Time passed between the grant and its use, and the permit expired. */
function wasTooLate(error: { code?: string }): void {
  assert.equal(error.code, "AC_PERMIT_INVALID");
}

/** Waits until everything that was begun is at rest. */
async function settleDown(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}

it(
  "budgets survive crashes: never over, nothing unaccounted, nothing left held",
  async () => {
    const world = new World();
    const goesOn = (done: number): boolean =>
      done < operations || (world.counts.lost <= lostMin && done < operationsMax);
    for (let done = 0; goesOn(done); done += 1) await world.step();
    await settleDown();
    await Promise.all(world.processes.map(({ runtime }) => runtime.close()));
    await settleDown();
    const [level] = await world.ledger.levels([{ scope: "global", window: "total", windowStart: 0 }]);
    expect(await world.ledger.openHolds()).toEqual([]);
    expect(level?.costHeldMicroUsd).toBe(0);
    expect(level?.costSpentMicroUsd).toBe(world.toldMicroUsd + world.boundsMicroUsd);
    expect(world.counts.granted).toBeGreaterThan(200);
    expect(world.counts.lost).toBeGreaterThan(lostMin);
  },
  patienceMs(60_000),
);
