/**
 * The newest events of each topic, serialized once for all clients, bounded in bytes. Sequence numbers count over all topics. They
 * begin at the time of the start, so that a number of an earlier process is older than everything here.
 */
import { eventTopics, jsonDocument, type EventTopic } from "@agentcore/contract";
import type { ApiEvent } from "../ports.ts";

export interface StreamEntry {
  readonly sequence: number;
  /** As it is sent. */
  readonly bytes: Uint8Array;
  readonly event: Pick<ApiEvent, "job" | "run" | "trigger">;
}

export interface EventRingsOptions {
  /** In ms since the epoch. */
  readonly startedAt: number;
  /** Of each topic. Default 1 MiB. */
  readonly bytesMax?: number | undefined;
}

const bytesMaxDefault = 1024 * 1024;
/** An event above it is announced without its content. */
const eventBytesMax = 256 * 1024;
/** More than there are events in a millisecond. */
const sequencesPerMs = 1000;

export class EventRings {
  readonly #rings: ReadonlyMap<EventTopic, Ring>;
  #last: number;

  constructor({ startedAt, bytesMax = bytesMaxDefault }: EventRingsOptions) {
    this.#last = startedAt * sequencesPerMs;
    this.#rings = new Map(eventTopics.map((topic) => [topic, new Ring(bytesMax, this.#last)]));
  }

  /** Number of the newest event. */
  get last(): number {
    return this.#last;
  }

  push({ topic, document, ...event }: ApiEvent): StreamEntry {
    this.#last += 1;
    const sequence = this.#last;
    const ring = this.#ring(topic);
    const entry = { sequence, bytes: ring.store(eventText(topic, document, sequence)), event };
    ring.push(entry);
    return entry;
  }

  /** Whether every event of the topics after the number is here. */
  hasAllAfter(sequence: number, topics: readonly EventTopic[]): boolean {
    if (sequence > this.#last) return false;
    return topics.every((topic) => sequence >= this.#ring(topic).lostUpTo);
  }

  /** Events of the topics after the number, oldest first, until one reaches `bytesMax` in all. */
  after(
    sequence: number,
    topics: readonly EventTopic[],
    accepts: (entry: StreamEntry) => boolean,
    bytesMax: number,
  ): { readonly entries: readonly StreamEntry[]; readonly upTo: number } {
    const heads = topics.map((topic) => this.#ring(topic).readerAfter(sequence));
    const entries: StreamEntry[] = [];
    let bytes = 0;
    while (bytes < bytesMax) {
      const head = oldest(heads);
      if (head === undefined) return { entries, upTo: this.#last };
      const entry = head.take();
      if (!accepts(entry)) continue;
      entries.push(entry);
      bytes += entry.bytes.length;
    }
    return { entries, upTo: entries.at(-1)?.sequence ?? sequence };
  }

  #ring(topic: EventTopic): Ring {
    return this.#rings.get(topic)!;
  }
}

class Ring {
  readonly #bytesMax: number;
  readonly #memory = new MessageMemory();
  #entries: StreamEntry[] = [];
  /** Index of the oldest in `#entries`; those before it are gone. */
  #head = 0;
  #bytes = 0;
  lostUpTo: number;

  constructor(bytesMax: number, start: number) {
    this.#bytesMax = bytesMax;
    this.lostUpTo = start;
  }

  store(message: string): Uint8Array {
    return this.#memory.store(message);
  }

  push(entry: StreamEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes.length;
    while (this.#bytes > this.#bytesMax) this.#drop();
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  readerAfter(sequence: number): RingReader {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle]!.sequence > sequence) high = middle;
      else low = middle + 1;
    }
    return new RingReader(this.#entries, low);
  }

  #drop(): void {
    const [oldest] = this.#entries.splice(this.#head, 1, placeholder);
    this.#head += 1;
    this.#bytes -= oldest!.bytes.length;
    this.lostUpTo = oldest!.sequence;
  }
}

/** In place of what is gone, so that its bytes are free at once. */
const placeholder: StreamEntry = { sequence: 0, bytes: new Uint8Array(0), event: {} };

class RingReader {
  readonly #entries: readonly StreamEntry[];
  #index: number;

  constructor(entries: readonly StreamEntry[], index: number) {
    this.#entries = entries;
    this.#index = index;
  }

  get next(): StreamEntry | undefined {
    return this.#entries[this.#index];
  }

  take(): StreamEntry {
    const entry = this.#entries[this.#index]!;
    this.#index += 1;
    return entry;
  }
}

function oldest(readers: readonly RingReader[]): RingReader | undefined {
  let found: RingReader | undefined;
  for (const reader of readers) {
    if (reader.next === undefined) continue;
    if (found?.next === undefined || reader.next.sequence < found.next.sequence) found = reader;
  }
  return found;
}

function eventText(topic: EventTopic, document: ApiEvent["document"], sequence: number): string {
  const text = messageText(topic, JSON.stringify(jsonDocument(document)), sequence);
  const bytes = Buffer.byteLength(text);
  if (bytes <= eventBytesMax) return text;
  const omitted = { type: "omitted", of: document.type, bytes };
  return messageText(topic, JSON.stringify(jsonDocument(omitted)), sequence);
}

/** One message of an event stream. JSON has no line breaks, so one `data` line holds it. */
const messageText = (event: string, data: string, sequence: number): string =>
  `id: ${sequence}\nevent: ${event}\ndata: ${data}\n\n`;

export const messageBytes = (event: string, data: string, sequence: number): Uint8Array =>
  Buffer.from(messageText(event, data, sequence));

const chunkBytes = 64 * 1024;

/**
 * Messages of one topic, side by side in chunks: memory of its own for each small message would cost as much again. Node's pool
 * would not do, because a rare message there keeps what others have left behind. Here neighbors go at the same time.
 */
class MessageMemory {
  #chunk = Buffer.alloc(0);
  #used = 0;

  store(message: string): Uint8Array {
    const bytes = Buffer.byteLength(message);
    if (bytes > chunkBytes / 4) return new TextEncoder().encode(message);
    if (this.#used + bytes > this.#chunk.length) {
      this.#chunk = Buffer.allocUnsafeSlow(chunkBytes);
      this.#used = 0;
    }
    const begin = this.#used;
    this.#used += this.#chunk.write(message, begin);
    return this.#chunk.subarray(begin, this.#used);
  }
}
