/**
 * Everything that outlives a process: the clock, the store, the ledger of budgets, the spool, the truth; and the processes
 * that come and go, each a real scheduler with a real runtime of `@agentcore/core` in it.
 */
import {
  AgentCoreError,
  type Random,
  type RunEvent,
  type SpooledResult,
  type WorkerAdapter,
} from "@agentcore/contract";
import {
  createMemoryLedger,
  createRuntime,
  reconcileHolds,
  runtimeConfigSchema,
  type Ledger,
} from "@agentcore/core";
import { fakeAdapter } from "@agentcore/core/testing";
import {
  createMemoryStore,
  createScheduler,
  type JobStore,
  type ResultSpool,
  type Scheduler,
} from "@agentcore/scheduler";
import {
  createSeverable,
  createVirtualClock,
  type Severable,
  type VirtualClock,
} from "@agentcore/scheduler/testing";
import { seededRandom } from "@agentcore/contract/testing";
import { hash, providerOf, scriptOf, workers, type Plan } from "./plan.ts";
import { SimRunner } from "./sim-runner.ts";
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

const ownerOf = (pid: number) => ({ pid, startTicks: pid, bootId: "simulated" });

export class World {
  readonly plan: Plan;
  readonly clock: VirtualClock = createVirtualClock(1_700_000_000_000, 1);
  readonly store: JobStore = createMemoryStore();
  readonly ledger: Ledger = createMemoryLedger();
  readonly truth = new Truth();
  readonly spooled: SpooledResult[] = [];
  readonly events: SeenEvent[] = [];
  readonly alive = new Map<number, SimProcess>();
  /** Share of store calls that fail now, and whether they take effect. */
  failing: { readonly share: number; readonly effect: boolean } | null = null;
  readonly #runners: SimRunner[] = [];
  readonly #chance: Random;
  #boots = 0;

  readonly trace: (atMs: number, who: string, what: object) => void;

  constructor(plan: Plan, trace: World["trace"] = () => {}) {
    this.plan = plan;
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
      store: this.store,
      clock: this.clock,
      before: () => this.#failMaybe(false),
      beforeQuery: () => this.#failMaybe(false),
      after: () => this.#failMaybe(true),
    });
    const runner = this.#createRunner(name);
    const process: SimProcess = {
      name,
      pid,
      severable,
      runner,
      booting: this.#createScheduler(name, pid, severable, runner),
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

  #createRunner(name: string): SimRunner {
    const runner = new SimRunner({
      process: name,
      clock: this.clock,
      truth: this.truth,
      scriptOf: (jobId, attempt) => scriptOf(this.plan.seed, jobId, attempt),
      onSpooled: ({ jobId, attempt }, permitId, result) =>
        void this.spooled.push({ version: 1, permitId, jobId, attempt, result }),
    });
    this.#runners.push(runner);
    return runner;
  }

  async #createScheduler(
    name: string,
    pid: number,
    severable: Severable,
    runner: SimRunner,
  ): Promise<Scheduler> {
    const { plan } = this;
    const random = seededRandom(hash(`${plan.seed} ${name}`));
    const ids = countingIds(name);
    await reconcileHolds(this.ledger, {
      ownerIsDead: (owner) => !this.isAlive(owner.pid),
      now: this.clock.now(),
    });
    const runtime = createRuntime({
      config: runtimeConfigSchema.parse(plan.config),
      adapters: adapters(),
      runner: severable.wrap(runner),
      clock: severable.clock,
      ids,
      ledger: severable.wrap(this.ledger),
      owner: ownerOf(pid),
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
      spool: severable.wrap(this.#spool()),
      process: { host: "simulated", bootId: "simulated", pid, startTicks: pid },
      processState: (process) => this.#processState(process.pid),
      proveGone: async ({ jobId, attempt }) => this.#runners.every((other) => other.sweep(jobId, attempt)),
      neverBegan: async ({ jobId, attempt }) =>
        this.truth.of(jobId).every((line) => line.attempt !== attempt),
    });
  }

  #spool(): ResultSpool {
    return {
      list: async () => [...this.spooled],
      remove: async ({ permitId }) => {
        const index = this.spooled.findIndex((result) => result.permitId === permitId);
        if (index >= 0) this.spooled.splice(index, 1);
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
