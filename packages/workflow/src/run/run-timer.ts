/** The time limit of a run: it does not pass while the run only waits for an approval, nor in `finally`. */
import type { Clock, Timer } from "@agentcore/contract";
import type { RunRecord } from "../records/run-record.ts";

export interface RunTimerOptions {
  readonly clock: Clock;
  readonly record: () => RunRecord;
  readonly onEnd: () => void;
}

export class RunTimer {
  readonly #options: RunTimerOptions;
  #running: { readonly timer: Timer; readonly deadlineMs: number } | null = null;

  constructor(options: RunTimerOptions) {
    this.#options = options;
  }

  /** Stops or goes on as the record says. */
  follow(): void {
    const { isPaused, state } = this.#options.record();
    const runs = !isPaused && !state.isInFinally;
    if (runs === (this.#running !== null)) return;
    if (!runs) return this.close();
    const { clock, onEnd } = this.#options;
    const leftMs = this.leftMs();
    this.#running = { timer: clock.setTimer(leftMs, onEnd), deadlineMs: clock.monotonicMs() + leftMs };
  }

  /** At least 1. */
  leftMs(): number {
    const { clock, record } = this.#options;
    const { created, activeMsBefore } = record();
    const leftMs =
      this.#running === null
        ? created.timeoutMs - activeMsBefore
        : this.#running.deadlineMs - clock.monotonicMs();
    return Math.max(1, leftMs);
  }

  close(): void {
    this.#running?.timer.cancel();
    this.#running = null;
  }
}
