/**
 * A live permit: its grants and all its holds. Only the gate creates and ends permits; the holds are released exactly once,
 * at the first end. Budget and breaker levels are rarely needed and are computed on demand.
 */
import {
  type BreakerLevel,
  type BudgetLevel,
  Cancellation,
  type CancelSignal,
  type Degradation,
  type Grants,
  type Permit,
  type PermitRecord,
  type PermitRequest,
  type StopCause,
} from "@agentcore/contract";
import type { BreakerEntry } from "../breaker/breaker.ts";
import type { WindowLevel } from "../budget/budget-counter.ts";
import type { WorkspaceNode } from "../workspace/workspace-locks.ts";
import type { BudgetChain } from "./targets.ts";

/** `granted` until it is executed, `executing` until its run ends, then `ended`. It never goes back. */
export type PermitState = "granted" | "executing" | "ended";

/** An amount, held in the current window of every counter of the chain that caps this kind. */
export interface AmountHold {
  /** Micro-dollars or tokens. */
  readonly amount: number;
  readonly windows: readonly WindowLevel[];
}

/** What the gate took for a permit. */
export interface Holds {
  /** On the wall clock. */
  readonly issuedAt: number;
  /** The same moment on the monotonic clock. */
  readonly issuedAtMs: number;
  readonly chain: BudgetChain;
  readonly workspace: WorkspaceNode;
  readonly locksWorkspace: boolean;
  readonly workerEntry: BreakerEntry;
  readonly providerEntry: BreakerEntry | null;
  readonly cost: AmountHold | null;
  readonly tokens: AmountHold | null;
}

/** Computes the levels of a permit on request. */
export interface LevelsSource {
  budgetLevels(chain: BudgetChain): BudgetLevel[];
  breakerLevels(chain: BudgetChain): BreakerLevel[];
}

export interface LivePermitOptions {
  readonly id: string;
  readonly request: PermitRequest;
  readonly grants: Grants;
  readonly degraded: Degradation[];
  readonly holds: Holds;
  readonly source: LevelsSource;
}

export class LivePermit implements Permit {
  readonly id: string;
  readonly request: PermitRequest;
  readonly grants: Grants;
  readonly degraded: Degradation[];
  readonly holds: Holds;
  /** Stops the attempt. */
  readonly cancellation = new Cancellation<StopCause>();
  state: PermitState = "granted";
  readonly #source: LevelsSource;

  constructor({ id, request, grants, degraded, holds, source }: LivePermitOptions) {
    this.id = id;
    this.request = request;
    // Receivers must not change these: the watch and the runner rely on them.
    Object.freeze(grants.capabilities);
    this.grants = Object.freeze(grants);
    for (const one of degraded) Object.freeze(one);
    this.degraded = degraded;
    Object.freeze(degraded);
    this.holds = holds;
    this.#source = source;
  }

  get jobId(): string {
    return this.request.jobId;
  }
  get attempt(): number {
    return this.request.attempt;
  }
  get worker(): string {
    return this.request.worker;
  }
  get provider(): string | null {
    return this.request.provider ?? this.holds.chain.worker.adapter.provider;
  }
  get workspace(): string {
    return this.request.workspace;
  }
  get issuedAt(): number {
    return this.holds.issuedAt;
  }
  get deadline(): number {
    return this.issuedAt + this.grants.timeoutMs;
  }

  /** The current levels; in a record, the levels at issue. */
  get budgets(): BudgetLevel[] {
    return this.#source.budgetLevels(this.holds.chain);
  }
  get breakers(): BreakerLevel[] {
    return this.#source.breakerLevels(this.holds.chain);
  }

  get signal(): CancelSignal<StopCause> {
    return this.cancellation;
  }

  toJSON(): PermitRecord {
    return recordOf(this);
  }
}

/** The data of a live permit for a caller in this process, which must not have the permit itself. Its levels are current. */
export class PermitView implements PermitRecord {
  readonly #permit: LivePermit;

  constructor(permit: LivePermit) {
    this.#permit = permit;
    Object.freeze(this);
  }

  get id(): string {
    return this.#permit.id;
  }
  get jobId(): string {
    return this.#permit.jobId;
  }
  get attempt(): number {
    return this.#permit.attempt;
  }
  get worker(): string {
    return this.#permit.worker;
  }
  get provider(): string | null {
    return this.#permit.provider;
  }
  get workspace(): string {
    return this.#permit.workspace;
  }
  get issuedAt(): number {
    return this.#permit.issuedAt;
  }
  get deadline(): number {
    return this.#permit.deadline;
  }
  /** Frozen. */
  get grants(): Grants {
    return this.#permit.grants;
  }
  /** Frozen. */
  get degraded(): Degradation[] {
    return this.#permit.degraded;
  }
  get budgets(): BudgetLevel[] {
    return this.#permit.budgets;
  }
  get breakers(): BreakerLevel[] {
    return this.#permit.breakers;
  }

  toJSON(): PermitRecord {
    return recordOf(this);
  }
}

/** The part of a permit that is data. */
export function recordOf(permit: PermitRecord): PermitRecord {
  return {
    id: permit.id,
    jobId: permit.jobId,
    attempt: permit.attempt,
    worker: permit.worker,
    provider: permit.provider,
    workspace: permit.workspace,
    issuedAt: permit.issuedAt,
    deadline: permit.deadline,
    grants: permit.grants,
    degraded: permit.degraded,
    budgets: permit.budgets,
    breakers: permit.breakers,
  };
}
