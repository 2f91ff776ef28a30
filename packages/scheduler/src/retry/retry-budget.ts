/**
 * A budget for retries across all jobs, so that retries do not multiply the load of an outage. It is a token bucket that
 * may go into debt: every first attempt earns a share of a retry, time earns a steady rate, and a retry without a token is
 * not refused but delayed until its token would be earned. Only failures of providers and workers use it.
 */
import { errorClassTraits, type ErrorClass } from "@agentcore/contract";

export interface RetryBudgetOptions {
  /** Retries earned by each first attempt. Default 0.2. */
  readonly perFirstAttempt?: number;
  /** Retries earned by time alone. Default 1 a second. */
  readonly perSecond?: number;
  /** Most retries that can be saved up, and the number at the start. Default 50. */
  readonly burst?: number;
}

export class RetryBudget {
  readonly #perFirstAttempt: number;
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #countedAtMs: number;

  /** `nowMs` is monotonic, here and below. */
  constructor(options: RetryBudgetOptions, nowMs: number) {
    this.#perFirstAttempt = options.perFirstAttempt ?? 0.2;
    this.#perSecond = options.perSecond ?? 1;
    this.#burst = options.burst ?? 50;
    this.#tokens = this.#burst;
    this.#countedAtMs = nowMs;
  }

  noteFirstAttempt(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + this.#perFirstAttempt);
  }

  /** Spends one retry. Returns how long it must wait for its token; 0 if one was available. */
  spend(nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - this.#countedAtMs);
    this.#countedAtMs = nowMs;
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsedMs / 1000) * this.#perSecond) - 1;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / this.#perSecond) * 1000);
  }
}

export function drawsOnBudget(errorClass: ErrorClass): boolean {
  const { fault } = errorClassTraits[errorClass];
  return fault === "provider" || fault === "worker";
}
