/**
 * The paths of the values of a document, as JSON pointers with `*` for every index of an array. The events of a stream have
 * the same fields, so a path is written once, and found by the bytes of its key after that.
 */
import { isWord } from "./bytes.ts";

const deepPath = "/…";
const depthMax = 12;
/** Of one object, and of all: the input of a tool may have any number of fields. */
const membersMax = 32;
const keptMax = 1000;

interface Member {
  readonly key: Buffer;
  readonly path: JsonPath;
}

export class JsonPath {
  readonly text: string;
  readonly #depth: number;
  readonly #kept: { count: number };
  readonly #members: Member[] = [];
  #element: JsonPath | null = null;

  private constructor(text: string, depth: number, kept: { count: number }) {
    this.text = text;
    this.#depth = depth;
    this.#kept = kept;
  }

  static root(): JsonPath {
    return new JsonPath("", 0, { count: 0 });
  }

  /** Of every element, if the value is an array. */
  get element(): JsonPath {
    if (this.#element !== null) return this.#element;
    const element = this.#child("*");
    if (this.#isRoom()) this.#element = element;
    return element;
  }

  /** Of a member, if the value is an object. Its key is between two places of the bytes, and `decode` reads it. */
  member(bytes: Buffer, from: number, to: number, decode: () => string): JsonPath {
    for (const { key, path } of this.#members) if (isWord(key, bytes, from, to)) return path;
    const path = this.#child(decode().replaceAll(/[~/*]/g, (character) => `~${character}`));
    // A copy, because the bytes are a part of a chunk.
    if (this.#members.length < membersMax && this.#isRoom())
      this.#members.push({ key: Buffer.from(bytes.subarray(from, to)), path });
    return path;
  }

  #child(name: string): JsonPath {
    const text = this.#depth >= depthMax ? deepPath : `${this.text}/${name}`;
    return new JsonPath(text, this.#depth + 1, this.#kept);
  }

  #isRoom(): boolean {
    this.#kept.count += 1;
    return this.#kept.count <= keptMax;
  }
}
