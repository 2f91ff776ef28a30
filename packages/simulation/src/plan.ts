/**
 * What happens in one simulated run, decided from the seed before it begins: jobs, the behavior of every attempt, faults.
 * Which kinds of fault there are is itself left to chance for each seed ("swarm testing", Groce et al., ISSTA 2012), since
 * a run with every fault in it seldom gets anywhere.
 */
import type { ErrorClass, JobSubmission, Random } from "@agentcore/contract";
import type { RuntimeConfigInput } from "@agentcore/core";
import { seededRandom } from "@agentcore/contract/testing";

export interface PlannedJob {
  readonly atMs: number;
  readonly job: JobSubmission & { readonly id: string };
  /** When somebody asks for its cancel; null: nobody does. */
  readonly cancelAtMs: number | null;
}

export type PlannedFault =
  /** `kill -9`, and a new process after a while. */
  | { readonly kind: "kill"; readonly atMs: number; readonly process: number; readonly downMs: number }
  /** SIGSTOP and SIGCONT. */
  | { readonly kind: "stop"; readonly atMs: number; readonly process: number; readonly stoppedMs: number }
  /** Store calls fail, with or without having taken effect. */
  | {
      readonly kind: "store";
      readonly atMs: number;
      readonly forMs: number;
      readonly share: number;
      readonly effect: boolean;
    }
  /** The wall clock is set. */
  | { readonly kind: "clock"; readonly atMs: number; readonly byMs: number }
  /** One machine does not reach the store: its calls fail, or arrive only afterwards. */
  | {
      readonly kind: "partition";
      readonly atMs: number;
      readonly process: number;
      readonly forMs: number;
      readonly how: "fails" | "hangs";
    };

/** How one attempt goes, unless it is stopped. */
export interface AttemptScript {
  /** Infinity: it hangs. */
  readonly durationMs: number;
  readonly errorClass: ErrorClass | null;
  readonly retryAfterMs: number | null;
  /** Share of its ceiling that it really spends. */
  readonly costShare: number;
  /** How long it takes to end after it was told to stop. */
  readonly graceMs: number;
  /** How long its processes outlive a killed runtime, unless they are swept. */
  readonly lingerMs: number;
  /** It finishes although its scheduler is killed, and the runtime spools the result. */
  readonly spooledAfterKill: boolean;
}

export interface Plan {
  readonly seed: number;
  readonly processes: number;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly config: RuntimeConfigInput;
  readonly jobs: readonly PlannedJob[];
  readonly faults: readonly PlannedFault[];
  /** After this there are no more faults, and everything has to end. */
  readonly healMs: number;
  /** By how much the wall clock of each machine is wrong. Null: all processes are on one machine. */
  readonly machines: readonly number[] | null;
}

export const workers = ["shell", "codex", "opencode"] as const;
/** The provider of each worker; null: it calls none. */
export const providerOf: Readonly<Record<string, string | null>> = {
  shell: null,
  codex: "openai",
  opencode: "anthropic",
};

const activeMs = 60_000;

class Chance {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** A whole number from 0 up to but not including the limit. */
  below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  is(share: number): boolean {
    return this.#random.next() < share;
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

export function planOf(seed: number): Plan {
  const chance = new Chance(seed);
  const processes = chance.between(1, 3);
  return {
    seed,
    processes,
    concurrency: chance.between(1, 8),
    leaseMs: chance.oneOf([2000, 5000, 10_000]),
    config: planConfig(chance),
    jobs: Array.from({ length: chance.between(10, 40) }, (_, index) => planJob(chance, seed, index)),
    faults: planFaults(chance, processes),
    healMs: activeMs + 30_000,
    machines: null,
  };
}

/** The same jobs on machines that share a store: each has a process, its own wall clock, and is cut off now and then. */
export function planOfMachines(seed: number): Plan {
  const plan = planOf(seed);
  const chance = new Chance(hash(`machines of ${seed}`));
  const processes = chance.between(2, 4);
  const hourMs = 3_600_000;
  const partitions = Array.from({ length: chance.between(1, 5) }, () => ({
    kind: "partition" as const,
    atMs: chance.below(activeMs),
    process: chance.below(processes),
    forMs: Math.round(plan.leaseMs * chance.oneOf([0.2, 0.4, 0.6, 1, 1.5, 4])),
    how: chance.oneOf(["fails", "hangs"] as const),
  }));
  const stops = Array.from({ length: chance.between(0, 3) }, () => ({
    kind: "stop" as const,
    atMs: chance.below(activeMs),
    process: chance.below(processes),
    stoppedMs: Math.round(plan.leaseMs * chance.oneOf([0.3, 0.7, 1.2, 3])),
  }));
  const kept = plan.faults.filter(({ kind }) => kind !== "stop");
  return {
    ...plan,
    processes,
    faults: [...kept, ...partitions, ...stops].sort((a, b) => a.atMs - b.atMs),
    machines: Array.from({ length: processes }, () => chance.oneOf([0, 0, hourMs, -hourMs, 300])),
  };
}

function planConfig(chance: Chance): RuntimeConfigInput {
  return {
    limits: {
      global: {
        concurrency: chance.between(1, 8),
        ...(chance.is(0.3) ? { cost_usd: { total: 10_000 } } : {}),
        ...(chance.is(0.2) ? { start_rate: { count: chance.between(1, 5), per: "1s" } } : {}),
      },
      workers: chance.is(0.3) ? { codex: { concurrency: chance.between(1, 2) } } : {},
    },
    // The queue of a pace also takes real time, which would make a plan end differently each time.
    pacing: { provider_interval: "0ms" },
    breakers: { cool_down: "2s", cool_down_max: "20s" },
    provider_pause: { first: "1s", max: "30s" },
    watchdog: {
      silence: "20s",
      isolation: "20s",
      step: "5s",
      concentration_within: "30s",
      // Stopping everything for good is right in life and ends the game here.
      isolated_workers_max: 1000,
      uncontained_max: 1000,
    },
  };
}

function planJob(chance: Chance, seed: number, index: number): PlannedJob {
  const worker = chance.oneOf(workers);
  const atMs = chance.below(activeMs);
  const id = `${String(seed).padStart(10, "0")}-${String(index).padStart(4, "0")}`;
  return {
    atMs,
    cancelAtMs: chance.is(0.12) ? atMs + chance.below(20_000) : null,
    job: {
      id,
      priority: { class: chance.is(0.2) ? "interactive" : "batch", value: chance.between(-5, 5) },
      ...(chance.is(0.35)
        ? {
            key: `key-${chance.below(4)}`,
            dedup: chance.oneOf(["coalesce", "latest-wins", "reject"] as const),
          }
        : {}),
      task: {
        worker,
        workspace: `/projects/${chance.below(8)}`,
        instructions: "simulated",
        capabilities: ["read"],
      },
      limits: {
        timeoutMs: chance.between(5, 60) * 1000,
        maxAttempts: chance.between(1, 6),
        ...(chance.is(0.4) ? { maxCostUsd: chance.between(1, 10) } : {}),
      },
      retry: { baseDelayMs: 200, maxDelayMs: 5000 },
      context: chance.is(0.5) ? { tenant: chance.oneOf(["acme", "globex"]) } : {},
    },
  };
}

function planFaults(chance: Chance, processes: number): PlannedFault[] {
  const atMs = (): number => chance.below(activeMs);
  const process = (): number => chance.below(processes);
  const some = <T>(share: number, most: number, make: () => T): T[] =>
    chance.is(share) ? Array.from({ length: chance.between(1, most) }, make) : [];
  const faults: PlannedFault[] = [
    ...some(0.7, 6, () => ({
      kind: "kill" as const,
      atMs: atMs(),
      process: process(),
      downMs: chance.oneOf([1, 200, 3000, 15_000]),
    })),
    ...some(0.4, 3, () => ({
      kind: "stop" as const,
      atMs: atMs(),
      process: process(),
      stoppedMs: chance.oneOf([500, 5000, 30_000]),
    })),
    ...some(0.5, 4, () => ({
      kind: "store" as const,
      atMs: atMs(),
      forMs: chance.oneOf([1, 100, 4000]),
      share: chance.oneOf([0.2, 1]),
      effect: chance.is(0.5),
    })),
    ...some(0.3, 3, () => ({
      kind: "clock" as const,
      atMs: atMs(),
      byMs: chance.oneOf([3_600_000, -3_600_000, 30 * 86_400_000, -30 * 86_400_000, 1500]),
    })),
  ];
  return faults.sort((a, b) => a.atMs - b.atMs);
}

const failures: readonly ErrorClass[] = [
  "task_failed",
  "task_failed",
  "task_failed",
  "provider_unavailable",
  "worker_crashed",
  "rate_limited",
  "quota_exhausted",
  "auth",
];

/** The same whatever else happens: it depends on the seed, the job and the attempt only. */
export function scriptOf(seed: number, jobId: string, attempt: number): AttemptScript {
  const chance = new Chance(hash(`${seed} ${jobId} ${attempt}`));
  const errorClass = chance.is(0.3) ? chance.oneOf(failures) : null;
  const waits = errorClass === "rate_limited" || (errorClass === "quota_exhausted" && chance.is(0.7));
  return {
    durationMs: chance.is(0.04) ? Infinity : chance.oneOf([0, 1, 50, 700, 3000, 12_000]),
    errorClass,
    retryAfterMs: waits ? chance.between(100, 20_000) : null,
    costShare: chance.is(0.3) ? chance.below(100) / 200 : 0,
    graceMs: chance.oneOf([0, 1, 200, 2000]),
    lingerMs: chance.oneOf([0, 0, 50, 3000]),
    spooledAfterKill: chance.is(0.3),
  };
}

/** FNV-1a, for spreading names over seeds. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const char of text) value = Math.imul(value ^ char.codePointAt(0)!, 0x01000193) >>> 0;
  return value;
}
