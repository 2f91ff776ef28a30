/** Decides how an attempt ends, with this scheduler's policies, and publishes the end after it is written. */
import type { ResolvedOptions } from "../scheduler-options.ts";
import type { SettledAndClaimed, Settlement } from "../job-store.ts";
import { RetryBudget } from "../retry/retry-budget.ts";
import { decideRetry, type RetryPolicyFunction } from "../retry/retry-policy.ts";
import type { QueueClient } from "../submit/queue-client.ts";
import { settleResult, type EndedAttempt } from "./settlement.ts";
import { aboutAttempt, originOf } from "../about-attempt.ts";

export class AttemptSettler {
  readonly #options: ResolvedOptions;
  readonly #client: QueueClient;
  readonly #budget: RetryBudget;

  constructor(options: ResolvedOptions, client: QueueClient) {
    this.#options = options;
    this.#client = client;
    this.#budget = new RetryBudget(options.retryBudget, options.clock.monotonicMs());
  }

  /** Never throws: if a policy throws, the default policy is used for this attempt. */
  decide(ended: EndedAttempt): Settlement {
    const { clock, random, log } = this.#options;
    if (ended.record.attempt === 1) this.#budget.noteFirstAttempt();
    const decideWith = (retry: RetryPolicyFunction): Settlement =>
      settleResult(ended, {
        retry,
        budget: this.#budget,
        random,
        now: clock.now(),
        nowMs: clock.monotonicMs(),
      });
    try {
      return decideWith(this.#client.policies.retry);
    } catch (error) {
      log.error({ error, ...aboutAttempt(ended.record) }, "the retry policy threw; the default one decides");
      return decideWith(decideRetry);
    }
  }

  /** Call when the end was committed, or was stale because the attempt no longer belongs to this scheduler. */
  announce(settlement: Settlement, { applied, record }: SettledAndClaimed["settled"][number]): void {
    const { log, clock } = this.#options;
    const { jobId, attempt } = settlement.ref;
    if (applied === "stale")
      log.warn(
        { job: jobId, ...(record && originOf(record.job)), attempt, kind: settlement.kind },
        "the end of an attempt came too late",
      );
    if (applied === "applied" && settlement.kind === "retry" && record?.state.kind === "queued") {
      const { delayMs, reason } = settlement;
      this.#client.events.publish({
        type: "retry_scheduled",
        jobId,
        at: clock.now(),
        attempt,
        delayMs,
        ...reason,
      });
    }
    if (record !== undefined) this.#client.announceEnd(record);
  }
}
