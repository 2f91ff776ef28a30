/**
 * Keeps under which permit an attempt is executed and who its processes are, so that after a crash it can be swept and
 * charged. An attempt whose worker can spend money does not start before its permit is noted: else nobody would know
 * after a crash that there is something to account for. The identity follows while the worker already runs; a note that
 * the store does not take is repeated until the attempt has ended and the note is stale.
 */
import type { Clock, Log, PermitRecord, RunIdentity } from "@agentcore/contract";
import { attemptRef, type JobRecord } from "../job-record.ts";
import type { Applied, JobStore } from "../job-store.ts";

const againMs = 200;
const triesBefore = 3;
const triesAfter = 50;

export class StartedNotes {
  readonly #store: JobStore;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(store: JobStore, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /** Resolves once it is durable; `unavailable` where the store does not take it. */
  async permit(record: JobRecord, permit: PermitRecord): Promise<Applied | "unavailable"> {
    return this.#write(record, permit, null, triesBefore);
  }

  /** Is written by itself. */
  identity(record: JobRecord, permit: PermitRecord, identity: RunIdentity): void {
    void this.#write(record, permit, identity, triesAfter);
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
        this.#log.warn({ error, jobId: record.job.id, tries }, "could not note that an attempt is started");
        if (tries >= triesMax) return "unavailable";
      }
      await new Promise<void>((resolve) => this.#clock.setTimer(againMs, resolve));
    }
  }
}
