/**
 * Writes events as JSON lines for a reader that may be slow. The unread backlog is bounded: above the bound, events of
 * workers are dropped first and others much later; a line says how many. The logs on disk have all of them.
 */
import type { Output } from "../output.ts";

const workerEventsBytesMax = 1024 * 1024;
const anyBytesMax = 16 * workerEventsBytesMax;

/** `isOutput`: the event is worker output, of which there may be any amount. */
export function eventLines<E extends { readonly type: string; readonly at: number }>(
  output: Output,
  isOutput: (event: E) => boolean,
): {
  /** `line`: how it is printed, if not as it is. */
  write(event: E, line?: object): void;
} {
  let left = 0;
  return {
    write(event, line = event) {
      if (output.pendingBytes > (isOutput(event) ? workerEventsBytesMax : anyBytesMax)) {
        left += 1;
        return;
      }
      if (left > 0) output.json({ type: "events_dropped", jobId: "", at: event.at, count: left });
      left = 0;
      output.json(line);
    },
  };
}
