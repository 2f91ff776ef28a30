/**
 * Records under which permit an attempt runs and which processes it has, so that it can be swept and charged after a crash.
 * An attempt whose worker can spend money does not start before its permit is recorded: otherwise its spending would be
 * unknown after a crash. The identity is recorded while the worker already runs. If the store does not accept a record, it
 * is retried, less and less often, until the store accepts it or reports it as stale, because the attempt has ended or has
 * another owner.
 */
import {
  backOffMs,
  sleep,
  type Clock,
  type Log,
  type PermitRecord,
  type RunIdentity,
} from "@agentcore/contract";
import { attemptRef, type JobRecord } from "../job-record.ts";
import type { Applied, JobStore } from "../job-store.ts";
import { aboutAttempt } from "../about-attempt.ts";

const againMsMin = 200;
const againMsMax = 10_000;
const triesBefore = 3;

export class StartedNotes {
  readonly #store: JobStore;
  readonly #clock: Clock;
  readonly #log: Log;
  #closed = false;

  constructor(store: JobStore, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /** Stops repeating notes. */
  close(): void {
    this.#closed = true;
  }

  /** Resolves once the note is durable; `unavailable` if the store does not accept it. */
  async permit(record: JobRecord, permit: PermitRecord): Promise<Applied | "unavailable"> {
    return this.#write(record, permit, null, triesBefore);
  }

  /** Written separately. */
  identity(record: JobRecord, permit: PermitRecord, identity: RunIdentity): void {
    void this.#write(record, permit, identity, Infinity);
  }

  async #write(
    record: JobRecord,
    permit: PermitRecord,
    identity: RunIdentity | null,
    triesMax: number,
  ): Promise<Applied | "unavailable"> {
    const started = { at: this.#clock.now(), identity, permit };
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#store.recordStarted(attemptRef(record), started);
      } catch (error) {
        if (tries === 1)
          this.#log.warn(
            { error, ...aboutAttempt(record) },
            "could not note that an attempt is started; trying again",
          );
        if (tries >= triesMax || this.#closed) return "unavailable";
      }
      await sleep(this.#clock, backOffMs(tries - triesBefore + 1, { minMs: againMsMin, maxMs: againMsMax }));
    }
  }
}
