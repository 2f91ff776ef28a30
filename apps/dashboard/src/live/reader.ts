/** Runs a reading at most 4 times a second, never two at once; what is asked during one leads to one more. */
const intervalMs = 250;

export class Reader {
  readonly #read: (signal: AbortSignal) => Promise<void>;
  readonly #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isReading = false;
  #isAsked = false;
  #startedAt = -Infinity;

  constructor(read: (signal: AbortSignal) => Promise<void>) {
    this.#read = read;
  }

  ask(): void {
    this.#isAsked = true;
    if (this.#isReading || this.#timer !== null || this.#abort.signal.aborted) return;
    const waitMs = this.#startedAt + intervalMs - performance.now();
    if (waitMs <= 0) void this.#run();
    else this.#timer = setTimeout(() => void this.#run(), waitMs);
  }

  /** Aborts what is being read. */
  close(): void {
    this.#abort.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    this.#timer = null;
    this.#isAsked = false;
    this.#isReading = true;
    this.#startedAt = performance.now();
    try {
      await this.#read(this.#abort.signal);
    } finally {
      this.#isReading = false;
      if (this.#isAsked) this.ask();
    }
  }
}
