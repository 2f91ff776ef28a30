/**
 * The last message of a worker: the last text that it wrote in the attempt that decided the run. A worker that writes no texts,
 * such as a shell, has the summary of its result instead.
 */
import type { ResultLine, RunEvent } from "@agentcore/contract";

export class LastMessage {
  #text: string | null = null;

  see(event: RunEvent): void {
    if (event.type === "attempt_started") this.#text = null;
    if (event.type === "worker_event" && event.event.type === "text") this.#text = event.event.text;
  }

  /** Without a line end. */
  of(result: ResultLine): string {
    return (this.#text ?? (result.outcome === "succeeded" ? result.summary : "")).trimEnd();
  }
}
