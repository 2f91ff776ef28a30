/** Events for one reader, who may come late or be slow: what does not fit is counted and left out. */

export class EventQueue<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  readonly #max: number;
  #wake: (() => void) | null = null;
  #ended = false;
  /** Events that were left out. */
  dropped = 0;

  /** `max`: events kept for a reader that does not read. */
  constructor(max: number) {
    this.#max = max;
  }

  /** `keep`: the event is kept even if too many wait. */
  push(event: T, keep: boolean): void {
    if (this.#ended) return;
    if (this.#waiting.length >= this.#max && !keep) {
      this.dropped += 1;
      return;
    }
    this.#waiting.push(event);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    while (true) {
      yield* this.#waiting.splice(0);
      if (this.#waiting.length > 0) continue;
      if (this.#ended) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = null;
    }
  }
}
