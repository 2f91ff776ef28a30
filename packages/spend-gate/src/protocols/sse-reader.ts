/**
 * Reads server-sent events as they arrive, in any division, and passes their data on in pieces. It keeps no line, so its
 * memory is the same for a line of 100 MB.
 */
import { isWord } from "./bytes.ts";

export interface SseVisitor {
  /** A part of the data of an event. Two `data` lines of one event are passed with a line feed between them. */
  data(part: Buffer): void;
  /** The event is whole. `name` is the value of its field `event`; null if it has none. Called only if it had data. */
  dispatch(name: string | null): void;
  /** A line with a field that no event has. */
  unknownLine(): void;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const colon = 0x3a;
const byteOrderMark = 0xfeff;
const newline = Buffer.from("\n");
/** Longer than every field that is known, with a byte order mark. */
const fieldCharsMax = 9;
const nameCharsMax = 128;
const frequentFields = ["data", "event"].map((name) => ({ name, bytes: Buffer.from(name) }));
const knownFields = new Set(["data", "event", "id", "retry", ""]);

export class SseReader {
  readonly #visitor: SseVisitor;
  #position = 0;
  /** Offset after the last whole event. */
  #boundary = 0;
  #part: "field" | "space" | "value" = "field";
  #field = "";
  #isLineEmpty = true;
  #skipsLineFeed = false;
  #hasData = false;
  #name: string | null = null;

  constructor(visitor: SseVisitor) {
    this.#visitor = visitor;
  }

  /** Bytes after the last whole event. */
  get openBytes(): number {
    return this.#position - this.#boundary;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const byte = chunk[at] ?? 0;
      at = isLineEnd(byte) ? this.#readLineEnd(byte, at) : this.#readInLine(chunk, at);
    }
  }

  #readLineEnd(byte: number, at: number): number {
    this.#position++;
    if (byte === lineFeed && this.#skipsLineFeed) {
      this.#skipsLineFeed = false;
      if (this.openBytes === 1) this.#boundary = this.#position;
      return at + 1;
    }
    this.#skipsLineFeed = byte === carriageReturn;
    this.#endLine();
    return at + 1;
  }

  /** Reads as much of the field, or of its value, as the chunk has; gives the place after it. */
  #readInLine(chunk: Buffer, from: number): number {
    this.#skipsLineFeed = false;
    this.#isLineEmpty = false;
    const to = this.#part === "field" ? this.#readField(chunk, from) : this.#readValue(chunk, from);
    this.#position += to - from;
    return to;
  }

  #readField(chunk: Buffer, from: number): number {
    let to = from;
    while (to < chunk.length && chunk[to] !== colon && !isLineEnd(chunk[to] ?? 0)) to++;
    const frequent =
      this.#field === "" ? frequentFields.find(({ bytes }) => isWord(bytes, chunk, from, to)) : undefined;
    this.#field = frequent?.name ?? longer(this.#field, chunk, from, to, fieldCharsMax);
    if (chunk[to] !== colon) return to;
    this.#endField();
    return to + 1;
  }

  #readValue(chunk: Buffer, from: number): number {
    const isSpace = this.#part === "space" && chunk[from] === 0x20;
    this.#part = "value";
    if (isSpace) return from + 1;
    let to = from;
    while (to < chunk.length && !isLineEnd(chunk[to] ?? 0)) to++;
    if (this.#field === "data") this.#visitor.data(chunk.subarray(from, to));
    else if (this.#field === "event") this.#name = longer(this.#name ?? "", chunk, from, to, nameCharsMax);
    return to;
  }

  #endField(): void {
    this.#part = "space";
    // A byte order mark may precede the first field.
    if (this.#field.charCodeAt(0) === 0xef) this.#field = withoutMark(this.#field);
    if (!knownFields.has(this.#field)) this.#visitor.unknownLine();
    if (this.#field === "event") this.#name = "";
    if (this.#field !== "data") return;
    if (this.#hasData) this.#visitor.data(newline);
    this.#hasData = true;
  }

  #endLine(): void {
    if (this.#isLineEmpty) {
      if (this.#hasData) this.#visitor.dispatch(this.#name === "" ? null : this.#name);
      this.#hasData = false;
      this.#name = null;
      this.#boundary = this.#position;
    } else if (this.#part === "field") this.#endField();
    this.#part = "field";
    this.#field = "";
    this.#isLineEmpty = true;
  }
}

/** Appends as much as there is room for. */
function longer(text: string, chunk: Buffer, from: number, to: number, charsMax: number): string {
  const added = chunk.toString("latin1", from, Math.min(to, from + charsMax - text.length));
  return text === "" ? added : text + added;
}

function isLineEnd(byte: number): boolean {
  return byte === lineFeed || byte === carriageReturn;
}

function withoutMark(field: string): string {
  const text = Buffer.from(field, "latin1").toString("utf8");
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text;
}
