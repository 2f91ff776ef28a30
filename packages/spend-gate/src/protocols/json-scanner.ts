/**
 * Reads JSON as it arrives, in any division, and calls a visitor for each value. It keeps no value, so its memory is the same
 * for a document of 100 MB, and it knows where each value is, so that one field can be replaced without writing the others
 * again. `JSON.parse` can do neither.
 */
import { JsonPath } from "./json-path.ts";

export interface JsonScalar {
  readonly kind: "string" | "number" | "true" | "false" | "null";
  /** A string is decoded; of a long one it is the first part. To be read during the call only. */
  readonly text: string;
  /** Length of a string in UTF-8; 0 for other kinds. */
  readonly bytes: number;
  /** Offsets of its first byte and of the byte after its last one. */
  readonly start: number;
  readonly end: number;
}

/**
 * A path is a JSON pointer, such as `/usage/input_tokens`, with `*` for every index of an array. It is `/…` for
 * values that are nested deeper than any that are looked for.
 */
export interface JsonVisitor {
  scalar(path: string, scalar: JsonScalar): void;
  /** An object or an array begins. */
  open?(path: string, start: number): void;
  close?(path: string, end: number): void;
}

const depthMax = 500;
const textBytesMax = 1024;
const tokenCharsMax = 64;

type Expect = "value" | "element or end" | "key" | "key or end" | "colon" | "comma or end" | "nothing";

interface Container {
  readonly path: JsonPath;
  readonly isArray: boolean;
}

const quote = 0x22;
const backslash = 0x5c;
const literals = new Map([
  ["true", "true"],
  ["false", "false"],
  ["null", "null"],
] as const);
const numberPattern = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const simpleEscapes = new Set(Buffer.from('"\\/bfnrt'));

/** Decodes a string when somebody reads it: most strings are only counted. */
class StringScalar implements JsonScalar {
  readonly kind = "string";
  readonly #place: StringPlace;
  readonly bytes: number;
  readonly start: number;
  readonly end: number;

  constructor(place: StringPlace, bytes: number, start: number, end: number) {
    this.#place = place;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  get text(): string {
    return textAt(this.#place);
  }
}

/** Where the first part of a string is, between its quotes. */
interface StringPlace {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  readonly isWhole: boolean;
}

function textAt({ bytes, from, to, isWhole }: StringPlace): string {
  const raw = bytes.toString("utf8", from, to);
  return isWhole && raw.includes("\\") ? (JSON.parse(`"${raw}"`) as string) : raw;
}

export class JsonScanner {
  readonly #visitor: JsonVisitor;
  readonly #root = JsonPath.root();
  readonly #containers: Container[] = [];
  #expect: Expect = "value";
  #hasFailed = false;
  /** Bytes of all chunks before this one. */
  #offset = 0;
  /** Path of the value that comes next. */
  #path = this.#root;

  #isInString = false;
  /** Characters that an escape still needs: 0 outside of one, -1 for the one after the backslash. */
  #escape = 0;
  #escapeCode = 0;
  /** Beginning of a string that is in several chunks. */
  #carried: Buffer | null = null;
  #carriedLength = 0;
  #isCarriedWhole = true;
  #stringBytes = 0;

  #token = "";
  #start = 0;

  constructor(visitor: JsonVisitor) {
    this.#visitor = visitor;
  }

  /** What comes next is another document. */
  restart(): void {
    this.#containers.length = 0;
    this.#expect = "value";
    this.#hasFailed = false;
    this.#offset = 0;
    this.#path = this.#root;
    this.#isInString = false;
    this.#escape = 0;
    this.#token = "";
  }

  /** What was read so far is no JSON. Nothing more is read then. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** One whole value was read. A number outside of any container is whole only at its end. */
  get isWhole(): boolean {
    return !this.#hasFailed && this.#expect === "nothing";
  }

  push(chunk: Buffer): void {
    let i = 0;
    while (i < chunk.length && !this.#hasFailed) {
      if (this.#isInString) i = this.#readString(chunk, i);
      else i = this.#readStructure(chunk, i);
    }
    this.#offset += chunk.length;
  }

  /** No more comes. */
  end(): void {
    if (this.#hasFailed) return;
    if (this.#token !== "") this.#endToken(this.#offset);
    if (this.#expect !== "nothing") this.#hasFailed = true;
  }

  #readStructure(chunk: Buffer, at: number): number {
    const byte = chunk[at] ?? 0;
    const position = this.#offset + at;
    if (this.#token !== "" && !isTokenByte(byte)) this.#endToken(position);
    if (this.#hasFailed || isSpace(byte)) return at + 1;
    if (isTokenByte(byte)) this.#readToken(byte, position);
    else if (byte === quote) this.#openString(position);
    else this.#readPunctuation(byte, position);
    return at + 1;
  }

  #readPunctuation(byte: number, position: number): void {
    switch (byte) {
      case 0x7b: // {
      case 0x5b: // [
        return this.#open(byte === 0x5b, position);
      case 0x7d: // }
        return this.#close(false, this.#expect === "key or end", position + 1);
      case 0x5d: // ]
        return this.#close(true, this.#expect === "element or end", position + 1);
      case 0x3a: // :
        if (this.#expect !== "colon") return this.#fail();
        this.#expect = "value";
        return;
      case 0x2c: // ,
        if (this.#expect !== "comma or end") return this.#fail();
        this.#expect = this.#containers.at(-1)?.isArray === true ? "value" : "key";
        return;
      default:
        return this.#fail();
    }
  }

  #open(isArray: boolean, position: number): void {
    if (!this.#expectsValue() || this.#containers.length >= depthMax) return this.#fail();
    const path = this.#path;
    this.#containers.push({ path, isArray });
    this.#visitor.open?.(path.text, position);
    this.#expect = isArray ? "element or end" : "key or end";
    if (isArray) this.#path = path.element;
  }

  #close(isArray: boolean, isEmpty: boolean, end: number): void {
    const container = this.#containers.at(-1);
    if (container?.isArray !== isArray || !(isEmpty || this.#expect === "comma or end")) return this.#fail();
    this.#containers.pop();
    this.#visitor.close?.(container.path.text, end);
    this.#afterValue();
  }

  #openString(position: number): void {
    if (!this.#expectsValue() && !this.#expectsKey()) return this.#fail();
    this.#isInString = true;
    this.#carriedLength = 0;
    this.#isCarriedWhole = true;
    this.#stringBytes = 0;
    this.#start = position;
  }

  /** Reads as much of a string as the chunk has; gives the place after it. */
  #readString(chunk: Buffer, from: number): number {
    let i = from;
    while (i < chunk.length) {
      const plainFrom = i;
      if (this.#escape === 0) while (i < chunk.length && isPlain(chunk[i] ?? 0)) i++;
      this.#stringBytes += i - plainFrom;
      const byte = chunk[i];
      if (byte === undefined || (byte === quote && this.#escape === 0)) break;
      if (this.#escape !== 0) this.#readEscape(byte);
      else if (byte === backslash) this.#escape = -1;
      else this.#fail();
      if (this.#hasFailed) return i;
      i++;
    }
    if (i === chunk.length || this.#carriedLength > 0) this.#carry(chunk.subarray(from, i));
    if (i === chunk.length) return i;
    this.#endString(
      this.#carriedLength > 0 ? this.#carriedPlace() : placeIn(chunk, from, i),
      this.#offset + i + 1,
    );
    return i + 1;
  }

  #readEscape(byte: number): void {
    if (this.#escape === -1) {
      this.#escape = byte === 0x75 ? 4 : 0;
      this.#escapeCode = 0;
      if (byte === 0x75) return;
      if (simpleEscapes.has(byte)) this.#stringBytes++;
      else this.#fail();
      return;
    }
    const digit = Number.parseInt(String.fromCharCode(byte), 16);
    if (Number.isNaN(digit)) return this.#fail();
    this.#escapeCode = this.#escapeCode * 16 + digit;
    this.#escape--;
    if (this.#escape === 0) this.#stringBytes += utf8Length(this.#escapeCode);
  }

  #carry(part: Uint8Array): void {
    this.#carried ??= Buffer.allocUnsafe(textBytesMax);
    const fits = part.subarray(0, textBytesMax - this.#carriedLength);
    this.#carried.set(fits, this.#carriedLength);
    this.#carriedLength += fits.length;
    if (fits.length < part.length) this.#isCarriedWhole = false;
  }

  #carriedPlace(): StringPlace {
    const bytes = this.#carried ?? Buffer.of();
    return { bytes, from: 0, to: this.#carriedLength, isWhole: this.#isCarriedWhole };
  }

  #endString(place: StringPlace, end: number): void {
    this.#isInString = false;
    if (this.#expectsKey()) {
      const { bytes, from, to } = place;
      const object = this.#containers.at(-1)?.path ?? this.#root;
      this.#path = object.member(bytes, from, to, () => textAt(place));
      this.#expect = "colon";
      return;
    }
    this.#visitor.scalar(this.#path.text, new StringScalar(place, this.#stringBytes, this.#start, end));
    this.#afterValue();
  }

  #readToken(byte: number, position: number): void {
    if (this.#token === "") this.#start = position;
    this.#token += String.fromCharCode(byte);
    if (this.#token.length > tokenCharsMax || !this.#expectsValue()) this.#fail();
  }

  #endToken(end: number): void {
    const text = this.#token;
    this.#token = "";
    const kind = literals.get(text as "true") ?? (numberPattern.test(text) ? "number" : null);
    if (kind === null) return this.#fail();
    this.#visitor.scalar(this.#path.text, { kind, text, bytes: 0, start: this.#start, end });
    this.#afterValue();
  }

  #afterValue(): void {
    const container = this.#containers.at(-1);
    this.#expect = container === undefined ? "nothing" : "comma or end";
    if (container?.isArray === true) this.#path = container.path.element;
  }

  #expectsValue(): boolean {
    return this.#expect === "value" || this.#expect === "element or end";
  }

  #expectsKey(): boolean {
    return this.#expect === "key" || this.#expect === "key or end";
  }

  #fail(): void {
    this.#hasFailed = true;
  }
}

function placeIn(bytes: Buffer, from: number, end: number): StringPlace {
  const to = Math.min(end, from + textBytesMax);
  return { bytes, from, to, isWhole: to === end };
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** A byte of a string that stands for itself. */
function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte !== quote && byte !== backslash;
}

/** Digits, letters and signs: what numbers and literals are made of. */
function isTokenByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e ||
    byte === 0x45
  );
}

/** A half of a surrogate pair counts as half of its four bytes. */
function utf8Length(code: number): number {
  if (code < 0x80) return 1;
  return code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 2 : 3;
}
