/**
 * Sends events to clients. A client has no buffer of its own: it has a place in the shared rings, and gets the next piece when its
 * connection has taken the one before. One that does not take a piece for too long, or whose place is gone from the rings, is
 * dropped; it may come back and learns that it missed events.
 */
import { AgentCoreError, type Clock, type EventTopic, type Log, type Timer } from "@agentcore/contract";
import type { EventsPort } from "../ports.ts";
import { EventRings, messageBytes, type StreamEntry } from "./event-rings.ts";

export interface EventHubOptions {
  readonly events: EventsPort;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<StreamLimits> | undefined;
}

export interface StreamLimits {
  /** Clients at once. Default 256. */
  readonly clients: number;
  /** Newest events kept of each topic, and so the most that a client may be behind. Default 1 MiB. */
  readonly topicBytes: number;
  /** A client that takes nothing for this long is dropped. Default 30 s. */
  readonly stuckMs: number;
  /** Between two comments that keep a connection alive. Default 15 s. */
  readonly commentMs: number;
}

const limitDefaults: StreamLimits = {
  clients: 256,
  topicBytes: 1024 * 1024,
  stuckMs: 30_000,
  commentMs: 15_000,
};

export interface Subscription {
  readonly topics: readonly EventTopic[];
  readonly job?: string | undefined;
  readonly run?: string | undefined;
  readonly trigger?: string | undefined;
  /** Number of the last event that the client has; null: it begins now. */
  readonly lastEventId: number | null;
  /** Cuts the connection. */
  readonly drop: () => void;
}

/** Bytes that a client gets at a time. */
const pieceBytes = 64 * 1024;
const comment = new TextEncoder().encode(": \n\n");

export class EventHub {
  readonly #options: EventHubOptions;
  readonly #limits: StreamLimits;
  readonly #rings: EventRings;
  readonly #clients = new Set<StreamClient>();
  readonly #unsubscribe: () => void;
  #timer: Timer | null = null;
  #dropped = 0;
  #isClosed = false;

  constructor(options: EventHubOptions) {
    const { events, clock, limits } = options;
    this.#options = options;
    this.#limits = { ...limitDefaults, ...limits };
    this.#rings = new EventRings({ startedAt: clock.now(), bytesMax: this.#limits.topicBytes });
    this.#unsubscribe = events.subscribe((event) => {
      const entry = this.#rings.push(event);
      for (const client of this.#clients) client.onEvent(event.topic, entry);
    });
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Clients that were dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Throws `AC_API_BUSY`. */
  open(subscription: Subscription): ReadableStream<Uint8Array> {
    if (this.#isClosed || this.#clients.size >= this.#limits.clients) {
      const message = `${this.#clients.size} clients follow events; no more are taken`;
      throw new AgentCoreError("AC_API_BUSY", message, { evidence: { limit: this.#limits.clients } });
    }
    const { clock } = this.#options;
    const client = new StreamClient(subscription, {
      rings: this.#rings,
      clock,
      onGone: () => this.#clients.delete(client),
      onBehind: (why) => this.#drop(client, why),
    });
    this.#clients.add(client);
    this.#timer ??= this.#watch();
    return client.stream;
  }

  /** Ends every stream. */
  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#timer?.cancel();
    for (const client of this.#clients) client.end();
  }

  /** Looks at the clients while there are any. */
  #watch(): Timer {
    const { stuckMs, commentMs } = this.#limits;
    return this.#options.clock.setTimer(Math.min(stuckMs, commentMs) / 3, () => {
      for (const client of this.#clients) client.look(stuckMs, commentMs);
      this.#timer = this.#clients.size > 0 ? this.#watch() : null;
    });
  }

  #drop(client: StreamClient, why: string): void {
    if (!this.#clients.delete(client)) return;
    this.#dropped += 1;
    this.#options.log.warn({ why }, "a client that follows events was dropped");
    client.cut();
  }
}

interface ClientOptions {
  readonly rings: EventRings;
  readonly clock: Clock;
  readonly onGone: () => void;
  readonly onBehind: (why: string) => void;
}

class StreamClient {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #subscription: Subscription;
  readonly #options: ClientOptions;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  /** Set while the connection takes more and nothing is there. */
  #hungry: (() => void) | null = null;
  /** Number of the last event that it got or does not want. */
  #at: number;
  /** Monotonic time of the last piece. */
  #gaveAt: number;
  #greeting: Uint8Array | null;
  #isOver = false;

  constructor(subscription: Subscription, options: ClientOptions) {
    const { rings, clock } = options;
    const { lastEventId, topics } = subscription;
    this.#subscription = subscription;
    this.#options = options;
    const isComplete = lastEventId === null || rings.hasAllAfter(lastEventId, topics);
    this.#at = isComplete ? (lastEventId ?? rings.last) : rings.last;
    this.#greeting = messageBytes(isComplete ? "ready" : "resync", `{"v":1}`, this.#at);
    this.#gaveAt = clock.monotonicMs();
    this.stream = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.#finish(),
      },
      { highWaterMark: 0 },
    );
  }

  onEvent(topic: EventTopic, entry: StreamEntry): void {
    const { topics } = this.#subscription;
    if (this.#isOver || !topics.includes(topic)) return;
    if (this.#hungry !== null) {
      this.#feed();
      return;
    }
    // What it does not want does not bring it behind.
    if (this.#at === entry.sequence - 1 && !this.#wants(entry)) this.#at = entry.sequence;
    if (!this.#options.rings.hasAllAfter(this.#at, topics)) this.#options.onBehind("too many bytes behind");
  }

  look(stuckMs: number, commentMs: number): void {
    const sinceMs = this.#options.clock.monotonicMs() - this.#gaveAt;
    if (this.#hungry !== null) {
      if (sinceMs >= commentMs) this.#give(comment);
    } else if (sinceMs >= stuckMs) this.#options.onBehind("took nothing for too long");
  }

  end(): void {
    if (this.#isOver) return;
    this.#finish();
    this.#controller.close();
  }

  cut(): void {
    if (this.#isOver) return;
    this.#subscription.drop();
    this.end();
  }

  #pull(): Promise<void> | undefined {
    if (this.#greeting !== null) {
      const greeting = this.#greeting;
      this.#greeting = null;
      this.#give(greeting);
      return undefined;
    }
    return new Promise((resolve) => {
      this.#hungry = resolve;
      this.#feed();
    });
  }

  #feed(): void {
    const { rings } = this.#options;
    const wants = (entry: StreamEntry): boolean => this.#wants(entry);
    const { entries, upTo } = rings.after(this.#at, this.#subscription.topics, wants, pieceBytes);
    this.#at = Math.max(this.#at, upTo);
    if (entries.length === 1) this.#give(entries[0]!.bytes);
    else if (entries.length > 1) this.#give(Buffer.concat(entries.map(({ bytes }) => bytes)));
  }

  #give(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#gaveAt = this.#options.clock.monotonicMs();
    this.#controller.enqueue(bytes);
    const resolve = this.#hungry;
    this.#hungry = null;
    resolve?.();
  }

  #wants({ event }: StreamEntry): boolean {
    const { job, run, trigger } = this.#subscription;
    return (
      (job === undefined || event.job === job) &&
      (run === undefined || event.run === run) &&
      (trigger === undefined || event.trigger === trigger)
    );
  }

  #finish(): void {
    this.#isOver = true;
    this.#options.onGone();
    this.#hungry?.();
    this.#hungry = null;
  }
}
