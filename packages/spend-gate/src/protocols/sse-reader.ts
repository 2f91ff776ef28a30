/**
 * Reads server-sent events as they arrive, in any division, and passes their data on in pieces. It keeps no line, so its
 * memory is the same for a line of 100 MB.
 */

export interface SseVisitor {
  /** A part of the data of an event. Two `data` lines of one event are passed with a line feed between them. */
  data(part: Uint8Array): void;
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
const fieldCharsMax = 8;
const nameCharsMax = 128;
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

  push(chunk: Uint8Array): void {
    let i = 0;
    while (i < chunk.length)
      i = this.#isInData(chunk, i) ? this.#readData(chunk, i) : this.#readByte(chunk, i);
  }

  #isInData(chunk: Uint8Array, at: number): boolean {
    if (this.#field !== "data" || this.#part === "field") return false;
    return !isLineEnd(chunk[at] ?? 0) && (this.#part === "value" || chunk[at] !== 0x20);
  }

  /** Passes on all of the line that the chunk has. */
  #readData(chunk: Uint8Array, from: number): number {
    let to = from;
    while (to < chunk.length && !isLineEnd(chunk[to] ?? 0)) to++;
    this.#part = "value";
    this.#position += to - from;
    this.#visitor.data(chunk.subarray(from, to));
    return to;
  }

  #readByte(chunk: Uint8Array, at: number): number {
    const byte = chunk[at] ?? 0;
    this.#position++;
    if (byte === lineFeed && this.#skipsLineFeed) {
      this.#skipsLineFeed = false;
      if (this.openBytes === 1) this.#boundary = this.#position;
      return at + 1;
    }
    this.#skipsLineFeed = byte === carriageReturn;
    if (isLineEnd(byte)) this.#endLine();
    else this.#readCharacter(byte);
    return at + 1;
  }

  #readCharacter(byte: number): void {
    this.#isLineEmpty = false;
    if (this.#part === "field") {
      if (byte === colon) this.#endField();
      else if (this.#field.length <= fieldCharsMax) this.#field += String.fromCharCode(byte);
      return;
    }
    if (this.#part === "space") {
      this.#part = "value";
      if (byte === 0x20) return;
    }
    if (this.#field === "event" && (this.#name?.length ?? 0) < nameCharsMax)
      this.#name = (this.#name ?? "") + String.fromCharCode(byte);
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

function isLineEnd(byte: number): boolean {
  return byte === lineFeed || byte === carriageReturn;
}

function withoutMark(field: string): string {
  const text = Buffer.from(field, "latin1").toString("utf8");
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text;
}
