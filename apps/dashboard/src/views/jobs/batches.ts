/** Changes of all that match, batch by batch: each answer is quick, and the rest can be left undone. */

export type Place = string | number;

export interface BatchAnswer {
  /** Of this batch. */
  readonly done: number;
  readonly failed: number;
  /** Why the first of them failed. */
  readonly failure: string | null;
  /** Where the next batch begins; null: this was the last. */
  readonly next: Place | null;
}

export interface Progress {
  readonly done: number;
  readonly failed: number;
  readonly failure: string | null;
  readonly state: "working" | "stopped" | "finished";
}

export const noProgress: Progress = { done: 0, failed: 0, failure: null, state: "working" };

/** `onProgress` is called after each batch, and answers whether to go on. Rejects as `batch` does; what was done before stays. */
export async function runBatches(
  batch: (before: Place | undefined) => Promise<BatchAnswer>,
  onProgress: (progress: Progress) => boolean,
): Promise<Progress> {
  let progress = noProgress;
  let before: Place | undefined;
  for (;;) {
    const { done, failed, failure, next } = await batch(before);
    progress = {
      done: progress.done + done,
      failed: progress.failed + failed,
      failure: progress.failure ?? failure,
      state: next === null ? "finished" : "working",
    };
    const goesOn = onProgress(progress);
    if (next === null) return progress;
    if (!goesOn) return { ...progress, state: "stopped" };
    before = next;
  }
}
