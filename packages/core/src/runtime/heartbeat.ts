/**
 * The runtime's only timer: it fires when the next time limit is due and at least every second while a permit is live, and
 * not otherwise. If it fires much too late, the process was stopped, and it reports that.
 */
import type { Clock, Timer } from "@agentcore/contract";

/** Longest time between two beats. */
const beatMsMax = 1000;

/** A beat this late means that the process was suspended, not only busy. */
const sleptMsMin = 5000;

export interface HeartbeatOptions {
  readonly clock: Clock;
  /** When the next limit is due, on the monotonic clock; null to stop beating. */
  readonly nextDueMs: () => number | null;
  readonly beat: (sleptMs: number) => void;
  /** Called when it begins to beat and when it stops; may be called again with the same answer. */
  readonly onBeating: (isBeating: boolean) => void;
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

  /** Ensures that the next beat is no later than the next due limit. */
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
    this.#options.onBeating(true);
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
    this.#options.onBeating(false);
  }
}
