/** A queue of events with one reader, which waits while it is empty. */
export class Inbox<T> {
  #items: T[] = [];
  #failure: { readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;
  #isWoken = false;

  put(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** The reader receives the error instead of items. The first error counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  /** Lets the reader continue, even without an item. */
  wake(): void {
    this.#isWoken = true;
    this.#wake?.();
  }

  get isEmpty(): boolean {
    return this.#items.length === 0 && this.#failure === null;
  }

  /** All items, in order. Waits until there is one, or for `wake`. */
  async take(): Promise<readonly T[]> {
    while (this.isEmpty && !this.#isWoken) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    this.#isWoken = false;
    if (this.#failure !== null) throw this.#failure.error;
    const items = this.#items;
    this.#items = [];
    return items;
  }
}
