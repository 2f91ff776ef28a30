/**
 * Sends the events of one execution with back-pressure: at most a window of events is unacknowledged; later events are
 * buffered up to a memory bound. Events beyond that are dropped, and an event in their place says how many. So a slow
 * client never slows the run down, memory stays bounded, and no loss is silent (the logs and the result have everything).
 * `outlet-state.ts` decides what is sent and when.
 */
import type { Clock, Timer, WorkerEvent } from "@agentcore/contract";
import {
  initialOutlet,
  nextOutlet,
  type OutletEffect,
  type OutletEvent,
  type OutletFacts,
} from "./outlet-state.ts";

/** Most text held back for a client that does not keep up, in UTF-16 code units. */
const heldCharsMax = 16 * 1024 * 1024;

/** Size of an event without its texts. */
const eventChars = 128;

/** How long the result waits for a client that acknowledges nothing. */
const ackTimeoutMs = 2000;

export interface OutletOptions {
  /** Most events sent and not acknowledged. */
  readonly window: number;
  readonly clock: Clock;
  /** Whether the stream to the client accepts more now. */
  readonly isOpen: () => boolean;
  readonly send: (seq: number, event: WorkerEvent) => void;
}

export class EventOutlet {
  readonly #options: OutletOptions;
  readonly #finished = Promise.withResolvers<void>();
  #state = initialOutlet;
  /** Held events are those from `head` on. */
  #held: WorkerEvent[] = [];
  #head = 0;
  #heldChars = 0;
  #ackTimer: Timer | undefined;

  constructor(options: OutletOptions) {
    this.#options = options;
  }

  push(event: WorkerEvent): void {
    this.#handle({ type: "pushed", event });
  }

  /** The client has received all events up to this one. Ignored for an event that was never sent, or was acknowledged before. */
  acknowledge(seq: number): void {
    this.#handle({ type: "acknowledged", seq });
  }

  /** Sends what may be sent. Call when the stream has room again. */
  flush(): void {
    this.#handle({ type: "flushed" });
  }

  /** The run has ended. Resolves when everything was sent, or the client has acknowledged nothing for too long. */
  finish(): Promise<void> {
    this.#handle({ type: "ended" });
    return this.#finished.promise;
  }

  #handle(event: OutletEvent): void {
    for (let due: OutletEvent | null = event; due !== null;) {
      const { state, effects } = nextOutlet(this.#state, due, this.#facts());
      this.#state = state;
      let hasSent = false;
      for (const effect of effects) hasSent = this.#perform(effect) || hasSent;
      due = hasSent ? { type: "flushed" } : null;
    }
  }

  #facts(): OutletFacts {
    const { window, isOpen } = this.#options;
    const held = this.#held.length - this.#head;
    return { window, held, isFull: this.#heldChars > heldCharsMax, isOpen: isOpen() };
  }

  /** Returns whether an event was sent. */
  #perform(effect: OutletEffect): boolean {
    switch (effect.type) {
      case "hold":
        this.#held.push(effect.event);
        this.#heldChars += charsOf(effect.event);
        return false;
      case "send_held":
        this.#options.send(effect.seq, this.#takeHeld());
        return true;
      case "report_omitted":
        this.#options.send(effect.seq, omission(effect.count));
        return true;
      case "await_acknowledgement":
        this.#ackTimer?.cancel();
        this.#ackTimer = this.#options.clock.setTimer(ackTimeoutMs, () =>
          this.#handle({ type: "timed_out" }),
        );
        return false;
      case "finish":
        this.#ackTimer?.cancel();
        this.#held = [];
        this.#head = 0;
        this.#finished.resolve();
        return false;
    }
  }

  #takeHeld(): WorkerEvent {
    const event = this.#held[this.#head];
    if (event === undefined) throw new RangeError("no event is held");
    this.#head += 1;
    this.#heldChars -= charsOf(event);
    if (this.#head * 2 >= this.#held.length) {
      this.#held = this.#held.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }
}

function omission(count: number): WorkerEvent {
  const text = `${count} events were not sent, because the client did not acknowledge earlier ones; the run's logs have them`;
  return { type: "raw", text, truncated: true };
}

function charsOf(event: WorkerEvent): number {
  switch (event.type) {
    case "text":
    case "progress":
    case "stdout":
    case "stderr":
    case "raw":
    case "denied":
    case "warning":
      return eventChars + event.text.length;
    case "tool_call":
    case "tool_result":
      return eventChars + event.summary.length;
    case "probe":
      return eventChars + probeChars(event);
    default:
      return eventChars;
  }
}

function probeChars({
  fingerprints,
  reasons,
  summary,
  stderr = "",
}: Extract<WorkerEvent, { type: "probe" }>) {
  return JSON.stringify([fingerprints, reasons, summary]).length + stderr.length;
}
