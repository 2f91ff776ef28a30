/**
 * Everything that outlives a process: the clock, the store, the ledger of budgets, the spool, the truth; and the processes
 * that come and go, each a real scheduler with a real runtime of `@agentcore/core` in it.
 */
import {
  AgentCoreError,
  type Clock,
  type Random,
  type RunEvent,
  type SpooledResult,
  type Timer,
  type WorkerAdapter,
} from "@agentcore/contract";
import {
  createRuntime,
  reconcileHolds,
  runtimeConfigSchema,
  type Ledger,
  type LeaseGuard,
} from "@agentcore/core";
import { fakeAdapter } from "@agentcore/core/testing";
import { createScheduler, type JobStore, type ResultSpool, type Scheduler } from "@agentcore/scheduler";
import {
  createSeverable,
  createVirtualClock,
  type Severable,
  type VirtualClock,
} from "@agentcore/scheduler/testing";
import { seededRandom } from "@agentcore/contract/testing";
import { hash, providerOf, scriptOf, workers, type Plan } from "./plan.ts";
import { SimRunner } from "./sim-runner.ts";
import { memoryStores, type Stores } from "./stores.ts";
import { Truth } from "./truth.ts";

export interface SimProcess {
  readonly name: string;
  readonly pid: number;
  readonly severable: Severable;
  readonly runner: SimRunner;
  readonly booting: Promise<Scheduler>;
  /** Set once it has started. */
  scheduler: Scheduler | null;
}

export interface SeenEvent {
  readonly atMs: number;
  readonly process: string;
  readonly event: RunEvent;
}

type Cut = { readonly how: "fails" | "hangs"; readonly healed: PromiseWithResolvers<void> };

export interface WorldOptions {
  /** Whether machines that share the store stop without a lease, as they must. Default true. */
  readonly isFenced?: boolean;
  /** Default: in memory. */
  readonly stores?: Stores;
}

export class World {
  readonly plan: Plan;
  readonly clock: VirtualClock;
  readonly store: JobStore;
  readonly ledger: Ledger;
  readonly truth = new Truth();
  /** In all spools together. */
  get spooled(): readonly SpooledResult[] {
    return this.#spools.flat();
  }
  readonly events: SeenEvent[] = [];
  readonly alive = new Map<number, SimProcess>();
  /** Share of store calls that fail now, and whether they take effect. */
  failing: { readonly share: number; readonly effect: boolean } | null = null;
  /** Each machine has its own; processes of one machine share it. */
  readonly #runners: SimRunner[][] = [];
  readonly #spools: SpooledResult[][] = [];
  readonly #cuts = new Map<number, Cut>();
  readonly #isFenced: boolean;
  readonly #stores: Stores;
  readonly #chance: Random;
  #boots = 0;

  readonly trace: (atMs: number, who: string, what: object) => void;

  constructor(
    plan: Plan,
    trace: World["trace"] = () => {},
    { isFenced = true, stores = memoryStores() }: WorldOptions = {},
  ) {
    this.plan = plan;
    this.clock = createVirtualClock(1_700_000_000_000, stores.settle);
    this.store = stores.store;
    this.ledger = stores.ledger;
    this.#stores = stores;
    this.#isFenced = isFenced;
    this.trace = trace;
    this.#chance = seededRandom(hash(`faults of ${plan.seed}`));
  }

  /** Starts the process of that slot; one that is there already stays. */
  boot(slot: number): void {
    if (this.alive.has(slot)) return;
    this.#boots += 1;
    const pid = this.#boots;
    const name = `p${slot}.${pid}`;
    const severable = createSeverable({
      store: this.#reached(slot, this.#stores.reachedBy(slot).store),
      clock: this.#clockOf(slot),
      before: () => this.#failMaybe(false),
      beforeQuery: () => this.#failMaybe(false),
      after: () => this.#failMaybe(true),
    });
    const runner = this.#createRunner(name, slot);
    const process: SimProcess = {
      name,
      pid,
      severable,
      runner,
      booting: this.#createScheduler(slot, { name, pid, severable, runner }),
      scheduler: null,
    };
    this.alive.set(slot, process);
    process.booting.then(
      (scheduler) => {
        process.scheduler = scheduler;
        scheduler.subscribe((event) => this.#note(name, event));
      },
      // The store failed during the start: the process gives up and is started again.
      () => this.kill(slot, 500),
    );
  }

  /** `kill -9`, and a new process after a while. */
  kill(slot: number, downMs: number): void {
    const process = this.alive.get(slot);
    if (process === undefined) return;
    process.severable.sever();
    process.runner.kill();
    this.alive.delete(slot);
    this.clock.setTimer(downMs, () => this.boot(slot));
  }

  /** SIGSTOP, and SIGCONT after a while. */
  stop(slot: number, stoppedMs: number): void {
    const process = this.alive.get(slot);
    if (process === undefined || process.severable.isPaused) return;
    process.severable.pause();
    this.clock.setTimer(stoppedMs, () => process.severable.resume());
  }

  /** The machine does not reach the store for a while. */
  cutOff(slot: number, how: Cut["how"], forMs: number): void {
    if (this.#cuts.has(slot)) return;
    this.#cuts.set(slot, { how, healed: Promise.withResolvers() });
    this.clock.setTimer(forMs, () => this.#healOne(slot));
  }

  heal(): void {
    for (const slot of this.#cuts.keys()) this.#healOne(slot);
  }

  #healOne(slot: number): void {
    this.#cuts.get(slot)?.healed.resolve();
    this.#cuts.delete(slot);
  }

  /** What a machine sees of something that is elsewhere. */
  #reached<T extends object>(slot: number, target: T): T {
    return new Proxy(target, {
      get: (object, property) => {
        const value: unknown = Reflect.get(object, property);
        if (typeof value !== "function" || property === "onChange" || property === "holds") return value;
        return async (...args: unknown[]) => {
          const cut = this.#cuts.get(slot);
          if (cut?.how === "fails") throw new AgentCoreError("AC_STORE_UNAVAILABLE", "cut off");
          await cut?.healed.promise;
          return Reflect.apply(value, object, args) as unknown;
        };
      },
    });
  }

  #clockOf(slot: number): Clock {
    const skewMs = this.plan.machines?.[slot] ?? 0;
    const { clock } = this;
    return {
      now: () => clock.now() + skewMs,
      monotonicMs: () => clock.monotonicMs(),
      setTimer: (delayMs, fire) => clock.setTimer(delayMs, fire),
    };
  }

  /** The machine of a slot. */
  #machineOf(slot: number): number {
    return this.plan.machines === null ? 0 : slot;
  }

  isAlive(pid: number): boolean {
    return [...this.alive.values()].some((process) => process.pid === pid);
  }

  /** In half of the worlds nobody can see whether a stopped process lives, as across pid namespaces. */
  #processState(pid: number): "alive" | "gone" | "unknown" {
    if (!this.isAlive(pid)) return "gone";
    return hash(`namespaces of ${this.plan.seed}`) % 2 === 0 ? "alive" : "unknown";
  }

  /** A started, answering scheduler, if there is any. */
  anyScheduler(): Scheduler | null {
    for (const { scheduler, severable } of this.alive.values()) {
      if (scheduler !== null && !severable.isPaused) return scheduler;
    }
    return null;
  }

  #note(process: string, event: RunEvent): void {
    const atMs = this.clock.monotonicMs();
    this.events.push({ atMs, process, event });
    this.trace(atMs, process, event);
  }

  #failMaybe(effect: boolean): void {
    if (this.failing === null || this.failing.effect !== effect) return;
    if (this.#chance.next() < this.failing.share)
      throw new AgentCoreError("AC_STORE_UNAVAILABLE", "simulated");
  }

  #createRunner(name: string, slot: number): SimRunner {
    const machine = this.#machineOf(slot);
    const spool = (this.#spools[machine] ??= []);
    const runner = new SimRunner({
      process: name,
      clock: this.clock,
      truth: this.truth,
      isSealed: this.plan.machines !== null,
      scriptOf: (jobId, attempt) => scriptOf(this.plan.seed, jobId, attempt),
      onSpooled: ({ jobId, attempt }, permitId, result) =>
        void spool.push({ version: 1, permitId, jobId, attempt, result }),
    });
    (this.#runners[machine] ??= []).push(runner);
    return runner;
  }

  async #createScheduler(
    slot: number,
    { name, pid, severable, runner }: Pick<SimProcess, "name" | "pid" | "severable" | "runner">,
  ): Promise<Scheduler> {
    const { plan } = this;
    const random = seededRandom(hash(`${plan.seed} ${name}`));
    const ids = countingIds(name);
    const machine = this.#machineOf(slot);
    const host = plan.machines === null ? "simulated" : `machine${machine}`;
    const place = plan.machines === null || !this.#isFenced ? {} : { place: `${host}:/state` };
    const owner = { pid, startTicks: pid, bootId: host, ...place };
    const settleHolds = (): Promise<void> => this.#settleHolds(owner);
    await settleHolds();
    const runtime = createRuntime({
      config: runtimeConfigSchema.parse(plan.config),
      adapters: adapters(),
      runner: severable.wrap(runner),
      clock: severable.clock,
      ids,
      ledger: severable.wrap(this.#reached(slot, this.#stores.reachedBy(slot).ledger)),
      owner,
      leaseGuard: this.#guardOf(slot, pid),
    });
    return createScheduler({
      store: severable.store,
      runtime,
      concurrency: plan.concurrency,
      leaseMs: plan.leaseMs,
      // The checker wants to see every job, also after the wall clock was set by a month.
      keepEndedMs: 1000 * 86_400_000,
      clock: severable.clock,
      random,
      ids,
      spool: severable.wrap(this.#spoolOf(machine)),
      process: { host, ...owner },
      processState: (process) => this.#processState(process.pid),
      proveGone: async ({ jobId, attempt }) =>
        this.#runners[machine]?.every((other) => other.sweep(jobId, attempt)) !== false,
      neverBegan: async ({ jobId, attempt }) =>
        this.truth.of(jobId).every((line) => line.attempt !== attempt),
      settleHolds,
    });
  }

  async #settleHolds({ place }: { readonly place?: string }): Promise<void> {
    const owners = await this.store.owners();
    const registered = new Set(owners.flatMap(({ process }) => process?.place ?? []));
    await reconcileHolds(this.ledger, {
      ownerIsDead: (owner) => !this.isAlive(owner.pid),
      ...(place !== undefined && { places: { own: place, registered } }),
      now: this.clock.now(),
    });
  }

  /** A process of its own, which goes on when the guarded one is stopped. */
  #guardOf(slot: number, pid: number): LeaseGuard {
    let timer: Timer | undefined;
    const kill = (): void => {
      if (this.alive.get(slot)?.pid === pid) this.kill(slot, 500);
    };
    return {
      renew: (forMs) => {
        timer?.cancel();
        timer = this.clock.setTimer(forMs, kill);
      },
      standDown: () => timer?.cancel(),
    };
  }

  #spoolOf(machine: number): ResultSpool {
    const spool = (this.#spools[machine] ??= []);
    return {
      list: async () => [...spool],
      remove: async ({ permitId }) => {
        const index = spool.findIndex((result) => result.permitId === permitId);
        if (index >= 0) spool.splice(index, 1);
      },
    };
  }
}

function adapters(): WorkerAdapter[] {
  return workers.map((name) => fakeAdapter({ name, provider: providerOf[name] ?? null }));
}

function countingIds(prefix: string): { next(): string } {
  let count = 0;
  return {
    next: () => {
      count += 1;
      return `${prefix}-${String(count).padStart(6, "0")}`;
    },
  };
}
