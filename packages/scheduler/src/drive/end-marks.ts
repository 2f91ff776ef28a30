/**
 * Decides which ended jobs and journal streams may be deleted, from this process's own observation. The recorded end of a
 * job comes from the wall clock of the process that ended it, which may be wrong by a month, as may ours. So a job that
 * ends while this process runs is deleted only after it has been seen ended for the whole retention time, on the monotonic
 * clock. Jobs that ended before this process started are judged by the wall clock alone.
 */

interface Sample {
  readonly atMs: number;
  readonly mark: number;
}

/** Samples in one retention time. Jobs are kept a little longer than configured, by at most one sample. */
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

  /** `mark` is the store's current mark. */
  note(atMs: number, mark: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && atMs - last.atMs < this.#keepMs / samplesMax) return;
    this.#samples.push({ atMs, mark });
  }

  /** Jobs up to this mark were seen ended for the whole retention time, or had ended before this process began to watch. */
  deletableUpTo(nowMs: number): number {
    const old = this.#samples.findLastIndex(({ atMs }) => nowMs - atMs >= this.#keepMs);
    if (old > 0) this.#samples = this.#samples.slice(old);
    return this.#samples[0]?.mark ?? 0;
  }
}
