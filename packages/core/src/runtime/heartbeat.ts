/**
 * The one timer of the runtime: fires when the next limit of time is due and at least every second while something is
 * live, and not at all otherwise. It notices when it fires much too late, which means that the process was stopped.
 */
import type { Clock, Timer } from "@agentcore/contract";

/** Longest time between two beats. */
const beatMsMax = 1000;

/** A beat later than this means that the process was stopped, not merely busy. */
const sleptMsMin = 5000;

export interface HeartbeatOptions {
  readonly clock: Clock;
  /** When the next limit is due, on the monotonic clock; null to stop beating. */
  readonly nextDueMs: () => number | null;
  readonly beat: (sleptMs: number) => void;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: Timer | null = null;
  #dueMs = Infinity;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  get isBeating(): boolean {
    return this.#timer !== null;
  }

  /** Makes sure that the next beat is not later than what is due. */
  arm(): void {
    const { clock, nextDueMs } = this.#options;
    const next = nextDueMs();
    if (next === null) {
      this.stop();
      return;
    }
    const nowMs = clock.monotonicMs();
    const dueMs = Math.min(Math.max(next, nowMs + 1), nowMs + beatMsMax);
    if (this.#timer !== null && this.#dueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = clock.setTimer(dueMs - nowMs, () => this.#fire());
  }

  #fire(): void {
    const lateMs = this.#options.clock.monotonicMs() - this.#dueMs;
    this.#timer = null;
    this.#dueMs = Infinity;
    this.#options.beat(lateMs >= sleptMsMin ? lateMs : 0);
    this.arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#dueMs = Infinity;
  }
}
