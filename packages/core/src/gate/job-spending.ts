/**
 * Tracks the spending of a job's attempts if the configuration limits jobs (`limits.job`). It keeps a bounded number of
 * recent jobs: an older one is looked up in the ledger when its next attempt's hold is refused there.
 */
import { BoundedMap } from "@agentcore/contract";

const jobsMax = 10_000;

export class JobSpending {
  readonly cap: number;
  readonly #spent = new BoundedMap<string, number>(jobsMax);

  /** `cap`: micro-dollars or tokens for all attempts of a job; `Infinity` for none. */
  constructor(cap: number) {
    this.cap = cap;
  }

  /** What is left of the job's ceiling, as far as this process knows; `Infinity` without a cap. */
  leftFor(jobId: string): number {
    return this.cap === Infinity ? Infinity : Math.max(0, this.cap - (this.#spent.get(jobId) ?? 0));
  }

  add(jobId: string, amount: number): void {
    if (amount > 0 && this.cap !== Infinity) this.learn(jobId, (this.#spent.get(jobId) ?? 0) + amount);
  }

  /** Adopts the amount that the ledger knows. */
  learn(jobId: string, amount: number): void {
    if (this.cap !== Infinity) this.#spent.set(jobId, amount);
  }
}
