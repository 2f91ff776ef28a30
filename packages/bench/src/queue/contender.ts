/** What a durable queue is asked to do here: the same for ours and for each peer. */

export interface Contender {
  readonly name: string;
  /** A queue that is empty, with whatever it needs running. */
  open(): Promise<OpenQueue>;
}

export interface OpenQueue {
  /** Resolves once the job is as durable as this queue makes it. */
  submit(index: number): Promise<unknown>;
  submitMany(from: number, count: number): Promise<unknown>;
  /** Starts to run jobs that do nothing. */
  work(concurrency: number, seen: WorkObserver): Promise<{ stop(): Promise<void> }>;
  close(): Promise<void>;
}

export interface WorkObserver {
  /** A job's handler begins. It ends when what this returns does. */
  readonly started: () => unknown;
  /** The queue has written that a job is done. */
  readonly done: () => void;
}

/** Why a contender cannot take part on this machine, and what to do about it. */
export class Unavailable extends Error {
  override name = "Unavailable";
}

/** About 220 bytes, as a prompt might be. */
export const payload = "x".repeat(220);
/** 0 to 9, higher first. */
export const priorityOf = (index: number): number => index % 10;
export const maxAttempts = 3;
