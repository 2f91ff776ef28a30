/**
 * Keeps who the processes of a started attempt are. The worker does not wait for it, so a note that the store does not
 * take is repeated; once the attempt has ended the note is stale and that is the end of it.
 */
import type { Clock, Log, PermitRecord, RunIdentity } from "@agentcore/contract";
import { attemptRef, type JobRecord } from "../job-record.ts";
import type { JobStore } from "../job-store.ts";

const againMs = 200;
const triesMax = 50;

export class StartedNotes {
  readonly #store: JobStore;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(store: JobStore, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  write(record: JobRecord, identity: RunIdentity, permit: PermitRecord): void {
    const started = { at: this.#clock.now(), identity, permit };
    const tryOnce = async (tries: number): Promise<void> => {
      try {
        await this.#store.recordStarted(attemptRef(record), started);
      } catch (error) {
        this.#log.warn({ error, jobId: record.job.id, tries }, "could not note that an attempt was started");
        if (tries < triesMax) this.#clock.setTimer(againMs, () => void tryOnce(tries + 1));
      }
    };
    void tryOnce(1);
  }
}
