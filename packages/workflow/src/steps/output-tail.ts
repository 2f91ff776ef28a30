/** Keeps the end of a job's output, to explain a failure. Bounded. */
const linesMax = 20;
const lineCharsMax = 300;

export class OutputTail {
  #lines: string[] = [];

  add(text: string): void {
    // Only the end of a large output is read.
    const end = text.slice(-linesMax * lineCharsMax);
    const lines = end.split(/\r\n|\n/).filter((line) => line.trim() !== "");
    const cut = lines.map((line) => (line.length > lineCharsMax ? `${line.slice(0, lineCharsMax)}…` : line));
    this.#lines = [...this.#lines, ...cut].slice(-linesMax);
  }

  /** At most 20 lines. */
  get text(): string {
    return this.#lines.join("\n");
  }
}
