/** Wakes the run when the wait before a further attempt is over. */
import type { Clock, Timer } from "@agentcore/contract";
import { retryDelayMsMax } from "../retry-delay.ts";

export class RetryTimer {
  readonly #clock: Clock;
  readonly #wake: () => void;
  #running: { readonly at: number; readonly timer: Timer } | null = null;
  #waitedUntil = 0;

  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** Waits up to this time are over, even if the wall clock was set back since. */
  get waitedUntil(): number {
    return this.#waitedUntil;
  }

  /**
   * `at`: the end of the next wait, by the wall clock; `Infinity` if there is none. `lastAt`: the latest time that was journaled.
   * A wait that ends after it began no later, so it lasts no longer than from then, even if the clock was set back since.
   */
  follow(at: number, lastAt: number): void {
    if (this.#running?.at === at) return;
    this.close();
    if (at === Infinity) return;
    const longestMs = at > lastAt ? at - lastAt : retryDelayMsMax;
    const waitMs = Math.min(longestMs, retryDelayMsMax, Math.max(0, at - this.#clock.now()));
    const timer = this.#clock.setTimer(waitMs, () => {
      this.#waitedUntil = at;
      this.#running = null;
      this.#wake();
    });
    this.#running = { at, timer };
  }

  close(): void {
    this.#running?.timer.cancel();
    this.#running = null;
  }
}
