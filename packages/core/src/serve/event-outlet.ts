/**
 * The way out for one execution's events, with back-pressure: at most a window of events is on its way beyond what the
 * client has acknowledged; further ones are held back, up to a bound of memory. What comes after that is not sent, and an
 * event in its place says how many were left out: the run is never slowed down by a slow client, memory stays bounded, and
 * nothing is silently cut (the logs and the result have everything).
 */
import type { Clock, Timer, WorkerEvent } from "@agentcore/contract";

/** Text held back for a client that does not keep up, in UTF-16 code units. */
const heldCharsMax = 16 * 1024 * 1024;

/** What an event takes beside its texts. */
const eventChars = 128;

/** How long the result waits for a client that acknowledges nothing. */
const ackTimeoutMs = 2000;

export interface OutletOptions {
  /** Most events sent and not acknowledged. */
  readonly window: number;
  readonly clock: Clock;
  /** Whether the stream to the client takes more just now. */
  readonly isOpen: () => boolean;
  readonly send: (seq: number, event: WorkerEvent) => void;
}

export class EventOutlet {
  readonly #options: OutletOptions;
  /** Held events are those from `head` on. */
  #held: WorkerEvent[] = [];
  #head = 0;
  #heldChars = 0;
  #omitted = 0;
  #sent = 0;
  #acknowledged = 0;
  #ackTimer: Timer | null = null;
  #emptied: (() => void) | null = null;

  constructor(options: OutletOptions) {
    this.#options = options;
  }

  push(event: WorkerEvent): void {
    if (this.#omitted > 0 || this.#heldChars > heldCharsMax) {
      this.#omitted += 1;
    } else {
      this.#held.push(event);
      this.#heldChars += charsOf(event);
    }
    this.flush();
  }

  /** The client has taken in all events up to this one. One that was never sent, or acknowledged before, changes nothing. */
  acknowledge(seq: number): void {
    if (seq > this.#sent || seq <= this.#acknowledged) return;
    this.#acknowledged = seq;
    this.#waitOn();
    this.flush();
  }

  /** Sends what may be sent; call when the stream has room again. */
  flush(): void {
    while (this.#head < this.#held.length && this.#mayPass) {
      const event = this.#held[this.#head];
      this.#head += 1;
      if (event === undefined) continue;
      this.#heldChars -= charsOf(event);
      this.#pass(event);
    }
    if (this.#head * 2 >= this.#held.length) {
      this.#held = this.#held.slice(this.#head);
      this.#head = 0;
    }
    if (this.#held.length > this.#head) return;
    if (this.#omitted > 0 && this.#mayPass) this.#reportOmitted(this.#omitted);
    if (this.#omitted === 0) this.#emptied?.();
  }

  get #mayPass(): boolean {
    return this.#sent - this.#acknowledged < this.#options.window && this.#options.isOpen();
  }

  #pass(event: WorkerEvent): void {
    this.#sent += 1;
    this.#options.send(this.#sent, event);
  }

  #reportOmitted(count: number): void {
    this.#omitted = 0;
    const text = `${count} events were not sent, because the client did not acknowledge earlier ones; the run's logs have them`;
    this.#pass({ type: "raw", text, truncated: true });
  }

  /** The run has ended: resolves when everything was sent, or the client has not acknowledged anything for too long. */
  async finish(): Promise<void> {
    this.flush();
    if (this.#held.length > this.#head || this.#omitted > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
        this.#waitOn();
      });
    }
    this.#ackTimer?.cancel();
    this.#emptied = null;
    const left = this.#held.length - this.#head + this.#omitted;
    this.#held = [];
    this.#head = 0;
    if (left > 0) this.#reportOmitted(left);
  }

  /** Gives the client time, from now, to acknowledge more. */
  #waitOn(): void {
    this.#ackTimer?.cancel();
    if (this.#emptied !== null) this.#ackTimer = this.#options.clock.setTimer(ackTimeoutMs, this.#emptied);
  }
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
