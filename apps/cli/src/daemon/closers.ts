/** Closes what was opened, the last first. */
export class Closers {
  #closers: (() => Promise<void> | void)[] = [];

  add(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  /** Closes everything, even after an error; then throws the first error. Idempotent. */
  async close(): Promise<void> {
    const errors: unknown[] = [];
    const closers = this.#closers.toReversed();
    this.#closers = [];
    for (const close of closers) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
