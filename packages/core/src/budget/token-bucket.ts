/**
 * A start rate as a token bucket: `count` starts at once, then one every `per / count`. The level is computed from the time
 * that the caller passes in, so there is no timer, and a query changes nothing. In any period of length `per`, at most 2 ×
 * count starts fit (a full bucket and its refill).
 */

/** Tolerates the rounding of many small refills: a token within this fraction of one counts as complete. */
const epsilon = 1e-9;

export class TokenBucket {
  readonly count: number;
  readonly perMs: number;
  readonly #tokensPerMs: number;
  #tokens: number;
  #updatedAtMs = 0;

  /** Starts full. */
  constructor(count: number, perMs: number) {
    this.count = count;
    this.perMs = perMs;
    this.#tokensPerMs = count / perMs;
    this.#tokens = count;
  }

  /** Tokens at a moment of the monotonic clock, fractions included. */
  levelAt(nowMs: number): number {
    const refilled = this.#tokens + (nowMs - this.#updatedAtMs) * this.#tokensPerMs;
    return refilled < this.count ? refilled : this.count;
  }

  /** Time until a token is available; 0 if one is. */
  waitMs(nowMs: number): number {
    const missing = 1 - this.levelAt(nowMs);
    return missing <= epsilon ? 0 : Math.ceil(missing / this.#tokensPerMs - epsilon);
  }

  /** Takes one token. Call only if `waitMs` returned 0 for the same moment. */
  take(nowMs: number): void {
    const level = this.levelAt(nowMs) - 1;
    this.#tokens = level > 0 ? level : 0;
    this.#updatedAtMs = nowMs;
  }

  /** Returns a token that was taken for a start that did not happen. */
  giveBack(nowMs: number): void {
    const level = this.levelAt(nowMs) + 1;
    this.#tokens = level < this.count ? level : this.count;
    this.#updatedAtMs = nowMs;
  }
}
