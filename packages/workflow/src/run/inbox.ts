/** What happened and has not been looked at yet. One reader, which waits where there is nothing. */
export class Inbox<T> {
  #items: T[] = [];
  #failure: { readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;

  put(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** The reader gets the error instead of anything else. The first one counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  /** All there is, in order; at least one. */
  async take(): Promise<readonly T[]> {
    while (this.#items.length === 0 && this.#failure === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    if (this.#failure !== null) throw this.#failure.error;
    const items = this.#items;
    this.#items = [];
    return items;
  }
}
