/**
 * Finds an agent that asks for the same again and again. A request that the provider refused or did not answer does not
 * count: an agent that repeats it does what it should. One that was accepted counts, even if its response was no use: agents
 * exist that then ask without end. What a request says about its own retries is no evidence.
 */
export class LoopDetector {
  readonly #most: number | null;
  #fingerprint: string | null = null;
  #repeats = 0;

  /** `most`: requests in a row that may ask for the same; null: any number. */
  constructor(most: number | null) {
    this.#most = most;
  }

  /** Whether a request would be one too many. */
  isLoop(fingerprint: string): boolean {
    return this.#most !== null && fingerprint === this.#fingerprint && this.#repeats >= this.#most;
  }

  /** Requests in a row that ask for the same, up to the last one. */
  get repeats(): number {
    return this.#repeats;
  }

  begun(fingerprint: string): void {
    this.#repeats = fingerprint === this.#fingerprint ? this.#repeats + 1 : 1;
    this.#fingerprint = fingerprint;
  }

  /** The provider has not accepted a request. */
  failed(fingerprint: string): void {
    if (fingerprint === this.#fingerprint) this.#repeats = Math.max(0, this.#repeats - 1);
  }
}
