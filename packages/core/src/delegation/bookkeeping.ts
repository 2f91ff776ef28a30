/**
 * The runtime's side of the ledger: turns permits into holds and ends into settlements. The gate has decided in memory; a
 * permit with a ceiling is then held in the ledger before its worker starts. A refusal tells the gate what other processes
 * spent. A settlement that the store refuses is kept and retried; until then the hold stays, which is the safe side.
 */
import {
  errorText,
  isAgentCoreError,
  type Clock,
  type Log,
  type PermitRequest,
  type Timer,
} from "@agentcore/contract";
import type { BudgetCounter } from "../budget/budget-counter.ts";
import { budgetDenied, type Denied, deferred } from "../gate/denials.ts";
import type { Gate } from "../gate/gate.ts";
import type { LivePermit } from "../gate/permit.ts";
import type { BudgetChain } from "../gate/targets.ts";
import {
  type BudgetWindow,
  type CappedCounter,
  type CounterLevel,
  type HoldEntry,
  type HoldOutcome,
  type Ledger,
  type LedgerOwner,
  type SettleOutcome,
  type Spent,
  windowEndOf,
  windowStartOf,
} from "../ledger/ledger.ts";
import { aboutPermit } from "../gate/about-permit.ts";

const windows: readonly BudgetWindow[] = ["hour", "day", "month", "total"];

/** Delays between tries to settle while the store is unavailable. */
const retryDelaysMs = [50, 200, 1000, 5000];

const nothingSpent = { costMicroUsd: 0, tokens: 0, basis: "none" } as const;

/** Settlements that may wait for the store. Above it, permits with a ceiling are no longer granted. */
const pendingMax = 10_000;

interface Pending {
  readonly entry: HoldEntry;
  readonly spent: Spent;
  /**
   * `hold`: settles a hold. `charge`: books an attempt that held nothing. `doubtful`: ends a hold whose write failed. It may
   * exist all the same: a commit can fail after it took effect.
   */
  readonly kind: "hold" | "charge" | "doubtful";
}

export interface BookkeepingOptions {
  readonly ledger: Ledger;
  readonly gate: Gate;
  readonly owner: LedgerOwner;
  readonly clock: Clock;
  readonly log: Log;
}

export class Bookkeeping {
  readonly #ledger: Ledger;
  readonly #gate: Gate;
  readonly #owner: LedgerOwner;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Permits whose hold is in the ledger. */
  readonly #held = new Map<string, HoldEntry>();
  readonly #pending: Pending[] = [];
  #failures = 0;
  /** The store may be closed: a settlement that fails now is not retried. */
  #isClosed = false;
  #retryTimer: Timer | null = null;
  #flushing: Promise<void> | null = null;

  constructor(options: BookkeepingOptions) {
    this.#ledger = options.ledger;
    this.#gate = options.gate;
    this.#owner = options.owner;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Whether a permit needs a hold that is not in the ledger yet. */
  needsHold(permit: LivePermit): boolean {
    const { cost, tokens } = permit.holds;
    return (cost !== null || tokens !== null) && !this.#held.has(permit.id);
  }

  /** Whether a permit's hold is in the ledger. */
  isHeld(permit: LivePermit): boolean {
    return this.#held.has(permit.id);
  }

  /** Writes a permit's hold. A refusal leaves the permit unchanged: the caller ends it. */
  async hold(permit: LivePermit): Promise<Denied | null> {
    if (this.#pending.length >= pendingMax) return storeDenied("too many settlements wait for the store");
    const entry = this.#entryOf(permit);
    let outcome: HoldOutcome;
    try {
      outcome = await this.#ledger.hold(entry);
    } catch (error) {
      this.#log.error({ error, ...aboutPermit(permit) }, "the ledger could not take a hold");
      void this.#book({ entry, spent: { ...nothingSpent, settledAt: this.#clock.now() }, kind: "doubtful" });
      return storeDenied(errorText(error));
    }
    if (!outcome.ok) return this.#learn(permit.holds.chain, permit.request.jobId, outcome, entry);
    this.#held.set(permit.id, entry);
    return null;
  }

  /** Books what an ended permit spent. Resolves when the entry is durable, or is queued for another try. */
  async settle(permit: LivePermit, spent: Omit<Spent, "settledAt">): Promise<void> {
    const entry = this.#held.get(permit.id);
    this.#held.delete(permit.id);
    const isNothing = spent.costMicroUsd === 0 && spent.tokens === 0;
    if (entry === undefined && isNothing) return;
    await this.#book({
      entry: entry ?? this.#entryOf(permit),
      spent: { ...spent, settledAt: this.#clock.now() },
      kind: entry === undefined ? "charge" : "hold",
    });
  }

  async #book(one: Pending): Promise<void> {
    this.#pending.push(one);
    // While the store fails, a new request does not cause another try.
    if (one.kind === "doubtful" && this.#retryTimer !== null) return;
    await this.flush();
  }

  /** Reads what the ledger knows about a request's budgets. Spending by other processes may have changed a denial. */
  async refresh(chain: BudgetChain, jobId: string): Promise<void> {
    const now = this.#clock.now();
    const counters = [...chain.cost.counters, ...chain.tokens.counters];
    const keys = counters.map(({ scope, window }) => ({
      scope,
      window,
      windowStart: windowStartOf(window, now),
    }));
    const levels = await this.#ledger.levels([
      ...keys,
      { scope: `job:${jobId}`, window: "total", windowStart: 0 },
    ]);
    for (const [index, counter] of counters.entries()) {
      const level = levels[index];
      if (level !== undefined) counter.learn(level, now);
    }
    const job = levels.at(-1);
    if (job !== undefined) this.#learnJob(jobId, job);
  }

  /** Tries to settle everything that waits. Stops at the first failure; the timer tries again. */
  async flush(): Promise<void> {
    this.#flushing ??= this.#flushPending().finally(() => {
      this.#flushing = null;
    });
    await this.#flushing;
    // Something may have been added after the last one was taken.
    if (this.#pending.length > 0 && this.#retryTimer === null && !this.#isClosed) await this.flush();
  }

  async #flushPending(): Promise<void> {
    this.#retryTimer?.cancel();
    this.#retryTimer = null;
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0);
      const failed = await Promise.all(batch.map((one) => this.#write(one)));
      const again = batch.filter((_, index) => failed[index]);
      this.#pending.unshift(...again);
      if (again.length > 0) {
        this.#retryLater();
        return;
      }
    }
    this.#failures = 0;
  }

  /** Whether the write failed and must be repeated. */
  async #write({ entry, spent, kind }: Pending): Promise<boolean> {
    try {
      if (kind === "charge") await this.#ledger.charge(entry, spent);
      else this.#checkSettled(entry, await this.#ledger.settle(entry.holdId, spent), kind);
      return false;
    } catch (error) {
      if (isAgentCoreError(error) && error.code === "AC_INTERNAL") {
        this.#log.error({ error, ...aboutHold(entry), spent }, "the ledger refused a settlement for good");
        return false;
      }
      this.#log.warn(
        { error, ...aboutHold(entry) },
        "the ledger could not take a settlement; it will be tried again",
      );
      return true;
    }
  }

  #checkSettled(entry: HoldEntry, outcome: SettleOutcome, kind: Pending["kind"]): void {
    if (outcome === "settled" || outcome === "corrected" || kind === "doubtful") return;
    this.#log.error({ ...aboutHold(entry), outcome }, "a hold was not there to be settled");
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    const delayMs = retryDelaysMs[Math.min(this.#failures, retryDelaysMs.length - 1)] ?? 5000;
    this.#failures += 1;
    this.#retryTimer = this.#clock.setTimer(delayMs, () => {
      this.#retryTimer = null;
      void this.flush();
    });
  }

  /** Last try before the end. The rest stays held in the ledger; the reconciliation of the next start charges it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
    this.#retryTimer?.cancel();
    this.#retryTimer = null;
    if (this.#pending.length > 0) {
      this.#log.error(
        { count: this.#pending.length },
        "settlements are left to be reconciled at the next start",
      );
    }
  }

  #entryOf(permit: LivePermit): HoldEntry {
    const { holds, request } = permit;
    return {
      holdId: permit.id,
      jobId: request.jobId,
      attempt: request.attempt,
      worker: request.worker,
      owner: this.#owner,
      heldAt: holds.issuedAt,
      costMicroUsd: holds.cost?.amount ?? 0,
      tokens: holds.tokens?.amount ?? 0,
      counters: countersOf(holds.chain, request, holds.issuedAt, this.#jobCaps()),
    };
  }

  #jobCaps(): { cost: number; tokens: number } {
    return { cost: this.#gate.cost.job.cap, tokens: this.#gate.tokens.job.cap };
  }

  #learn(
    chain: BudgetChain,
    jobId: string,
    outcome: Extract<HoldOutcome, { ok: false }>,
    entry: HoldEntry,
  ): Denied {
    const { level, kind, cap } = outcome;
    const { scope, window } = level;
    const now = this.#clock.now();
    if (scope === `job:${jobId}`) this.#learnJob(jobId, level);
    const counters = kind === "cost_usd" ? chain.cost.counters : chain.tokens.counters;
    const counter = counters.find((one) => one.scope === scope && one.window === window);
    counter?.learn(level, now);
    const [spent, held, ask] =
      kind === "cost_usd"
        ? [level.costSpentMicroUsd, level.costHeldMicroUsd, entry.costMicroUsd]
        : [level.tokensSpent, level.tokensHeld, entry.tokens];
    const setting = counter?.setting ?? `limits.job.${kind}`;
    const windowEndsAt = windowEndOf(window, now);
    return budgetDenied({ kind, scope, window, setting, cap, spent, held, ask, windowEndsAt }, now);
  }

  #learnJob(jobId: string, level: CounterLevel): void {
    this.#gate.cost.job.learn(jobId, level.costSpentMicroUsd + level.costHeldMicroUsd);
    this.#gate.tokens.job.learn(jobId, level.tokensSpent + level.tokensHeld);
  }
}

function capOf(counters: readonly BudgetCounter[], scope: string, window: BudgetWindow): number | null {
  return counters.find((counter) => counter.scope === scope && counter.window === window)?.cap ?? null;
}

function countersOf(
  chain: BudgetChain,
  request: PermitRequest,
  heldAt: number,
  jobCaps: { cost: number; tokens: number },
): CappedCounter[] {
  const starts = windows.map((window) => ({ window, windowStart: windowStartOf(window, heldAt) }));
  const counters = chain.ledgerScopes.flatMap((scope) =>
    starts.map(({ window, windowStart }) => ({
      scope,
      window,
      windowStart,
      costCapMicroUsd: capOf(chain.cost.counters, scope, window),
      tokensCap: capOf(chain.tokens.counters, scope, window),
    })),
  );
  if (jobCaps.cost === Infinity && jobCaps.tokens === Infinity) return counters;
  const finite = (cap: number) => (cap === Infinity ? null : cap);
  const caps = { costCapMicroUsd: finite(jobCaps.cost), tokensCap: finite(jobCaps.tokens) };
  return [...counters, { scope: `job:${request.jobId}`, window: "total", windowStart: 0, ...caps }];
}

function storeDenied(why: string): Denied {
  return deferred("AC_STORE_UNAVAILABLE", "global", 1000, `the ledger cannot be written just now: ${why}`);
}

const aboutHold = ({ holdId, jobId: job, attempt }: HoldEntry) => ({ holdId, job, attempt });
