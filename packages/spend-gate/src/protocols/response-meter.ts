/** Reads a response, be it a stream of events or one JSON document, and lets a protocol's reader say what its values mean. */
import type { CallUsage } from "@agentcore/contract";
import { bufferOf } from "./bytes.ts";
import { type JsonScalar, JsonScanner } from "./json-scanner.ts";
import type { MissingUsage, ResponseMeter } from "./protocol.ts";
import { SseReader } from "./sse-reader.ts";

/** What a protocol makes of the values of a response. One object for one response. */
export interface UsageReader {
  /** The data of an event begins. That of the event before may have ended in the middle. */
  beginEvent(): void;
  /** A value of the document, or of the data of an event. */
  scalar(path: string, scalar: JsonScalar): void;
  /** An object or an array of it has ended. */
  close?(path: string): void;
  /** The data of an event has ended. `name` is that of the event. */
  endEvent(name: string | null): void;
  /** The document of a response that is no stream has ended. */
  endDocument(): void;
  /** The data of an event was `[DONE]`. */
  done(): void;
  usage(): CallUsage | null;
  missing(): MissingUsage;
  visibleOutputBytes(): number;
  isComplete(): boolean;
  /** The error that the provider reported in place of the end of its response, in words. */
  reportedError(): string | null;
  /** A fault in the values of the response, in words. */
  fault(): string | null;
}

const headBytes = 40;

export function createResponseMeter(contentType: string | null, reader: UsageReader): ResponseMeter {
  return new Meter(contentType, reader);
}

class Meter implements ResponseMeter {
  readonly #reader: UsageReader;
  #format: "unknown" | "events" | "document";
  readonly #events: SseReader;
  readonly #document: JsonScanner;
  readonly #data: JsonScanner;
  /** The data of an event has begun. */
  #isInData = false;
  /** The first bytes of the document, or of the data of the event that is being read. */
  #head: Buffer[] = [];
  #headBytes = 0;
  #eventsSeen = 0;
  #fault: string | null = null;
  #isDocumentRead = false;

  constructor(contentType: string | null, reader: UsageReader) {
    this.#reader = reader;
    this.#format = /^\s*text\/event-stream/i.test(contentType ?? "") ? "events" : "unknown";
    this.#document = new JsonScanner(reader);
    this.#data = new JsonScanner(reader);
    this.#events = new SseReader({
      data: (part) => this.#readData(part),
      dispatch: (name) => this.#endEvent(name),
      unknownLine: () => {
        if (this.#eventsSeen === 0) this.#setFault("The response is no event stream.");
      },
    });
  }

  push(bytes: Uint8Array): void {
    const chunk = bufferOf(bytes);
    if (this.#format === "unknown") this.#format = guessedFormat(chunk);
    if (this.#format === "events") this.#events.push(chunk);
    if (this.#format !== "document" || this.#isDocumentRead) return;
    this.#keepHead(chunk);
    this.#document.push(chunk);
    if (this.#document.hasFailed)
      this.#setFault(`The response is no JSON: it begins with ${JSON.stringify(this.#headText())}.`);
    if (!this.#document.isWhole) return;
    this.#isDocumentRead = true;
    this.#reader.endDocument();
  }

  usage(): CallUsage | null {
    // One number that cannot be true makes the others doubtful.
    return this.#reader.fault() === null ? this.#reader.usage() : null;
  }

  missing(): MissingUsage {
    return this.#reader.missing();
  }

  visibleOutputBytes(): number {
    return this.#reader.visibleOutputBytes();
  }

  isComplete(): boolean {
    return this.#isDocumentRead || this.#reader.isComplete();
  }

  openEventBytes(): number {
    return this.#format === "events" ? this.#events.openBytes : 0;
  }

  isErrorOfProvider(): boolean {
    return this.#fault === null && this.#reader.reportedError() !== null;
  }

  fault(): string | null {
    return this.#fault ?? this.#reader.reportedError() ?? this.#reader.fault();
  }

  #readData(part: Buffer): void {
    if (!this.#isInData) {
      this.#isInData = true;
      this.#clearHead();
      this.#reader.beginEvent();
      this.#data.restart();
    }
    this.#keepHead(part);
    this.#data.push(part);
  }

  #endEvent(name: string | null): void {
    const isRead = this.#isInData;
    this.#isInData = false;
    this.#eventsSeen++;
    if (isRead) this.#data.end();
    if (isRead && this.#data.isWhole) return this.#reader.endEvent(name);
    const head = isRead ? this.#headText().trim() : "";
    if (head === "[DONE]") return this.#reader.done();
    if (head !== "")
      this.#setFault(`The data of an event is no JSON: it begins with ${JSON.stringify(head)}.`);
  }

  #keepHead(part: Buffer): void {
    if (this.#headBytes >= headBytes) return;
    this.#head.push(part);
    this.#headBytes += part.length;
  }

  #clearHead(): void {
    this.#head = [];
    this.#headBytes = 0;
  }

  #headText(): string {
    return Buffer.concat(this.#head).toString("latin1", 0, headBytes);
  }

  #setFault(fault: string): void {
    this.#fault ??= fault;
  }
}

/** An event begins with the name of a field, or with a colon; a document does not. Some servers name the wrong type. */
function guessedFormat(chunk: Uint8Array): "unknown" | "events" | "document" {
  for (const byte of chunk) {
    const character = String.fromCharCode(byte);
    if (/[:a-z\u{ef}]/u.test(character)) return "events";
    if (!/\s/.test(character)) return "document";
  }
  return "unknown";
}

/** Says what the provider reported in place of the end of its response. */
export function providerError(code: string | null, message: string | null): string {
  return `The provider reported ${code ?? "an error"}${message === null ? "" : `: ${message.slice(0, 300)}`}`;
}
