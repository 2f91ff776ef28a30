/**
 * The event stream of jobs, from submit to terminal state. Listeners are called synchronously, in order; an error of a
 * listener is logged and does not affect others. `follow` is for consumers with their own pace: it buffers a bounded number
 * of events, drops worker output beyond it, and reports how many.
 */
import type { Log, RunEvent } from "@agentcore/contract";

export type RunEventListener = (event: RunEvent) => void;

/** Events kept for one slow consumer. */
export const bufferedEventsMax = 10_000;

export class RunEvents {
  readonly #everything = new Set<RunEventListener>();
  readonly #byJob = new Map<string, Set<RunEventListener>>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Calls the listener with the events of every job, or of one. Returns a function that unsubscribes. */
  subscribe(listener: RunEventListener, jobId?: string): () => void {
    if (jobId === undefined) {
      this.#everything.add(listener);
      return () => this.#everything.delete(listener);
    }
    const listeners = this.#byJob.get(jobId) ?? new Set();
    this.#byJob.set(jobId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#byJob.delete(jobId);
    };
  }

  /** Whether anybody listens: for output that nobody watches, no event is created. */
  isHeard(jobId: string): boolean {
    return this.#everything.size > 0 || this.#byJob.has(jobId);
  }

  publish(event: RunEvent): void {
    for (const listener of this.#everything) this.#call(listener, event);
    for (const listener of this.#byJob.get(event.jobId) ?? []) this.#call(listener, event);
  }

  #call(listener: RunEventListener, event: RunEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#log.error(
        {
          error,
          job: event.jobId,
          ...("attempt" in event ? { attempt: event.attempt } : {}),
          event: event.type,
        },
        "a listener of run events threw",
      );
    }
  }

  /** The job's events from now until its `job_ended`, which is the last. Leaving the loop unsubscribes. */
  follow(jobId: string): FollowedJob {
    const buffer = new EventBuffer(jobId);
    const unsubscribe = this.subscribe((event) => buffer.push(event), jobId);
    const stop = (): void => {
      unsubscribe();
      buffer.close();
    };
    const events: AsyncIterableIterator<RunEvent> = {
      async next() {
        const result = await buffer.take();
        if (result.done === true) unsubscribe();
        return result;
      },
      async return() {
        stop();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
    return { events, push: (event) => buffer.push(event), stop };
  }
}

export interface FollowedJob {
  readonly events: AsyncIterableIterator<RunEvent>;
  /** Adds an event that was not published here; ignored after the job's end. */
  push(event: RunEvent): void;
  /** Ends the iteration without an event. */
  stop(): void;
}

class EventBuffer {
  readonly #jobId: string;
  #events: RunEvent[] = [];
  #dropped: { count: number; at: number } | null = null;
  #ended = false;
  readonly #waiting: ((result: IteratorResult<RunEvent>) => void)[] = [];

  constructor(jobId: string) {
    this.#jobId = jobId;
  }

  push(event: RunEvent): void {
    if (this.#ended) return;
    if (event.type === "worker_event" && this.#events.length >= bufferedEventsMax) {
      this.#dropped = { count: (this.#dropped?.count ?? 0) + 1, at: event.at };
      return;
    }
    this.#flushDropped();
    this.#events.push(event);
    if (event.type === "job_ended") this.#ended = true;
    this.#serve();
  }

  take(): Promise<IteratorResult<RunEvent>> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#serve();
    });
  }

  close(): void {
    this.#ended = true;
    this.#events = [];
    this.#serve();
  }

  #flushDropped(): void {
    if (this.#dropped === null) return;
    this.#events.push({ type: "events_dropped", jobId: this.#jobId, ...this.#dropped });
    this.#dropped = null;
  }

  #serve(): void {
    while (this.#waiting.length > 0) {
      const event = this.#events.shift();
      if (event !== undefined) this.#waiting.shift()?.({ done: false, value: event });
      else if (this.#ended) this.#waiting.shift()?.({ done: true, value: undefined });
      else return;
    }
  }
}
