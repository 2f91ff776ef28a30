/**
 * Which ended jobs, and streams of the journal, may be deleted by what this process has seen itself. The moment at which a job
 * ended is the wall clock of the process that ended it, which may be a month wrong, as may ours. So of the jobs that ended
 * while this process looks on, none is deleted before it was seen ended for the whole time of retention, on the monotonic
 * clock. What had ended before this process began is judged by the wall clock alone.
 */

interface Sample {
  readonly atMs: number;
  readonly mark: number;
}

/** Samples within one time of retention: what is kept is kept a little longer than asked for. */
const samplesMax = 200;

export class EndMarks {
  readonly #keepMs: number;
  #samples: Sample[] = [];

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  get isEmpty(): boolean {
    return this.#samples.length === 0;
  }

  /** `mark` is the store's now. */
  note(atMs: number, mark: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && atMs - last.atMs < this.#keepMs / samplesMax) return;
    this.#samples.push({ atMs, mark });
  }

  /** What had ended by then was seen ended for long enough, or had ended before this process began to look. */
  deletableUpTo(nowMs: number): number {
    const old = this.#samples.findLastIndex(({ atMs }) => nowMs - atMs >= this.#keepMs);
    if (old > 0) this.#samples = this.#samples.slice(old);
    return this.#samples[0]?.mark ?? 0;
  }
}
