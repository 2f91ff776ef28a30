/**
 * Splits a stream of bytes into lines of at most a given length. A longer line is reported and skipped to its end, so that
 * memory stays bounded; then the reader continues with the next line.
 */

export type WireLine =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "too_large" }
  /** Not UTF-8. */
  | { readonly kind: "not_text" };

const newline = 0x0a;

export class LineReader {
  readonly #bytesMax: number;
  #parts: Buffer[] = [];
  #bytes = 0;
  #isSkipping = false;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * Returns the lines that a chunk completes, and one `too_large` as soon as a line exceeds the limit. Empty lines are
   * omitted.
   */
  push(chunk: Buffer): WireLine[] {
    const lines: WireLine[] = [];
    let from = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
      this.#keep(chunk.subarray(from, end), lines);
      this.#finish(lines);
      from = end + 1;
    }
    this.#keep(chunk.subarray(from), lines);
    return lines;
  }

  #keep(part: Buffer, lines: WireLine[]): void {
    if (this.#isSkipping || part.length === 0) return;
    this.#bytes += part.length;
    if (this.#bytes <= this.#bytesMax) {
      this.#parts.push(part);
      return;
    }
    this.#isSkipping = true;
    this.#parts = [];
    lines.push({ kind: "too_large" });
  }

  #finish(lines: WireLine[]): void {
    if (!this.#isSkipping && this.#bytes > 0) lines.push(this.#decoded(Buffer.concat(this.#parts)));
    this.#isSkipping = false;
    this.#parts = [];
    this.#bytes = 0;
  }

  #decoded(bytes: Buffer): WireLine {
    try {
      return { kind: "text", text: this.#decoder.decode(bytes) };
    } catch {
      return { kind: "not_text" };
    }
  }
}
