/**
 * Reports when jobs may have changed: at once for commits of this process, within an interval for commits of others. All
 * parts of a scheduler share one watch, so that an idle scheduler queries the store only four times a second.
 */
import { ignore, type Clock, type Log, type Timer } from "@agentcore/contract";
import type { JobStore } from "./job-store.ts";

/**
 * `here`: a commit of this process, reported at once, once for each. `elsewhere`: another process may have changed something.
 * `tick`: 250 ms have passed without news; for work that is too expensive for every commit.
 */
export type Change = "here" | "elsewhere" | "tick";

/** `by`: see `JobStore.onChange`. */
export type ChangeListener = (change: Change, by: string | null) => void;

/** Longest time until a change by another process is noticed. */
const externalPollMs = 250;

export class ChangeWatch {
  readonly #store: JobStore;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #listeners = new Set<ChangeListener>();
  #stopListening: (() => void) | undefined;
  #timer: Timer | undefined;
  #version: number | undefined;
  #failing = false;

  constructor(store: JobStore, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /** Returns a function that unsubscribes. The watch polls while there are listeners. */
  subscribe(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stop();
    };
  }

  #start(): void {
    this.#stopListening = this.#store.onChange((by) => this.#announce("here", by));
    this.#arm();
  }

  #stop(): void {
    this.#stopListening?.();
    this.#timer?.cancel();
    this.#version = undefined;
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(externalPollMs, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    try {
      const version = await this.#store.externalVersion();
      const changed = version !== this.#version;
      // After a failed poll, something may have changed meanwhile; at the first look, since the listener began.
      const missed = this.#failing;
      this.#version = version;
      this.#failing = false;
      this.#announce(changed || missed ? "elsewhere" : "tick");
    } catch (error) {
      if (!this.#failing) this.#log.warn({ error }, "the job store does not answer; asking again");
      this.#failing = true;
    }
    if (this.#listeners.size > 0) this.#arm();
  }

  #announce(change: Change, by: string | null = null): void {
    for (const listener of this.#listeners) {
      try {
        listener(change, by);
      } catch (error) {
        ignore(error, "a listener's failure is its own; the others must receive the change");
        this.#log.error({ error }, "a listener of job changes threw");
      }
    }
  }
}
