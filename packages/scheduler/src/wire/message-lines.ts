/**
 * Cuts a byte stream into lines of JSON. A line longer than the limit is skipped to its end and reported instead of
 * being kept, so that whatever the other side writes, memory stays bounded.
 */
import { wireMessageBytesMax } from "@agentcore/contract";

export type IncomingLine =
  | { readonly kind: "line"; readonly text: string }
  /** `bytes` counts what was skipped so far. */
  | { readonly kind: "oversized"; readonly bytes: number };

const newline = 0x0a;

export class MessageLines {
  readonly #limitBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;
  #skipping = false;

  constructor(limitBytes = wireMessageBytesMax) {
    this.#limitBytes = limitBytes;
  }

  /** The lines that the chunk completes, in order. Empty ones are left out. */
  push(chunk: Buffer): IncomingLine[] {
    const lines: IncomingLine[] = [];
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(newline, from);
      const part = chunk.subarray(from, end === -1 ? chunk.length : end);
      this.#take(part);
      if (end === -1) return lines;
      const line = this.#finish();
      if (line !== undefined) lines.push(line);
      from = end + 1;
    }
  }

  #take(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > this.#limitBytes) {
      this.#skipping = true;
      this.#parts = [];
    } else if (!this.#skipping && part.length > 0) {
      this.#parts.push(part);
    }
  }

  #finish(): IncomingLine | undefined {
    const bytes = this.#bytes;
    const skipped = this.#skipping;
    const text = skipped ? "" : Buffer.concat(this.#parts).toString("utf8");
    this.#parts = [];
    this.#bytes = 0;
    this.#skipping = false;
    if (skipped) return { kind: "oversized", bytes };
    return text.trim() === "" ? undefined : { kind: "line", text };
  }
}
