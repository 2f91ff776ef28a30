/**
 * The pause of a provider target after "too many requests", "overloaded" or a retry-after. It applies to all jobs, because
 * it is a fact about the provider. The target is closed until the pause ends. Then runs are let in up to a limit, which was
 * cut at the refusal and grows by one with each round of successes (additive increase, multiplicative decrease, as in TCP
 * congestion avoidance, RFC 5681 §3.1), until it no longer restricts anything.
 */
import { backOffMs } from "@agentcore/contract";
import type { ProviderPauseConfig } from "../config/watchdog-config.ts";

export class ProviderPause {
  readonly #config: ProviderPauseConfig;
  /** Runs in flight at this target. */
  inFlight = 0;
  /** Most runs in flight; `Infinity` while the provider has no limit. */
  allowed = Infinity;
  #pausedUntilMs = -Infinity;
  #pausedAtMs = -Infinity;
  /** Runs in flight when the provider first refused: at this number the limit ends. */
  #peak = 0;
  #refusalsInRow = 0;

  constructor(config: ProviderPauseConfig) {
    this.#config = config;
  }

  /** Time until the pause is over; 0 if there is none. */
  waitMs(nowMs: number): number {
    return nowMs >= this.#pausedUntilMs ? 0 : Math.ceil(this.#pausedUntilMs - nowMs);
  }

  get isFull(): boolean {
    return this.inFlight >= Math.floor(this.allowed);
  }

  enter(): void {
    this.inFlight += 1;
  }

  leave(): void {
    this.inFlight -= 1;
  }

  /**
   * The provider refused a run that had started at `startedAtMs`. Runs that were in progress when the last pause began get the
   * same refusal: they may lengthen the pause, but do not cut the limit again. Call before the run leaves.
   */
  refused(nowMs: number, startedAtMs: number, retryAfterMs: number | null): void {
    const isNews = startedAtMs >= this.#pausedAtMs;
    if (isNews) {
      if (this.allowed === Infinity) this.#peak = Math.max(1, this.inFlight);
      this.allowed = Math.max(1, Math.floor(Math.min(this.allowed, this.inFlight) * this.#config.decrease));
      this.#pausedAtMs = nowMs;
      this.#refusalsInRow += 1;
    }
    const { first, max } = this.#config;
    const pauseMs = Math.min(
      retryAfterMs ?? backOffMs(this.#refusalsInRow, { minMs: first, maxMs: max }),
      max,
    );
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + pauseMs);
  }

  succeeded(): void {
    this.#refusalsInRow = 0;
    if (this.allowed === Infinity) return;
    this.allowed += 1 / Math.floor(this.allowed);
    if (this.allowed > this.#peak) this.allowed = Infinity;
  }
}
