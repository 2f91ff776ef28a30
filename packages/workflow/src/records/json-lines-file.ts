/**
 * Writes a file with one JSON object per line, for people and other programs, without delaying the run. Lines that cannot
 * be written fast enough are buffered up to a bound and dropped beyond it; a line in the file says how many. A write error
 * is logged once and stops nothing.
 */
import type { Log } from "@agentcore/contract";
import { appendToFile } from "../own-place.ts";

/** Most text that waits for the disk. */
const heldCharsMax = 4 * 1024 * 1024;

export class JsonLinesFile {
  readonly #path: string;
  readonly #log: Log;
  #held: string[] = [];
  #heldChars = 0;
  #leftOut = 0;
  #writing: Promise<void> | null = null;
  #isBroken = false;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  append(value: object): void {
    if (this.#isBroken) return;
    const line = `${JSON.stringify(value)}\n`;
    if (this.#heldChars + line.length > heldCharsMax) {
      this.#leftOut += 1;
      return;
    }
    this.#held.push(line);
    this.#heldChars += line.length;
    this.#writing ??= this.#write();
  }

  /** Resolves when everything so far is written, or cannot be. */
  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async #write(): Promise<void> {
    try {
      while (this.#held.length > 0) {
        const text = this.#held.join("");
        const leftOut = this.#leftOut;
        this.#held = [];
        this.#heldChars = 0;
        this.#leftOut = 0;
        const note = leftOut === 0 ? "" : `${JSON.stringify({ type: "left_out", lines: leftOut })}\n`;
        await appendToFile(this.#path, text + note);
      }
    } catch (error) {
      this.#isBroken = true;
      this.#held = [];
      this.#log.warn({ error, path: this.#path }, "a record of the run cannot be written; the run goes on");
    } finally {
      // In the same tick as the last check of `#held`: a line that follows at once starts its own write.
      this.#writing = null;
    }
  }
}
