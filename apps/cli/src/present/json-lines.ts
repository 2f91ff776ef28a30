/**
 * `--json`: one event a line, the result last. A reader that falls behind does not hold up the run (a run that waits for
 * its reader could not be stopped in time): beyond a bound the worker's events are left out, and a line says how many.
 * Decisions and the result are never left out, and the logs on disk have everything.
 */
import type { RunEvent } from "@agentcore/contract";
import type { ScreenStream } from "../screen/terminal.ts";
import type { Presenter } from "./presenter.ts";

/** Bytes waiting for a slow reader beyond which worker events are left out. */
export const backlogBytesMax = 16 * 1024 * 1024;

export function jsonLines(stdout: ScreenStream, stderr: ScreenStream): Presenter {
  let dropped = 0;
  let last: RunEvent | undefined;
  const write = (line: unknown): void => void stdout.write(`${JSON.stringify(line)}\n`);
  const tellDropped = (): void => {
    if (dropped === 0 || last === undefined) return;
    const { jobId, at } = last;
    write({ type: "events_dropped", jobId, at, count: dropped } satisfies RunEvent);
    dropped = 0;
  };
  return {
    event: (event) => {
      last = event;
      if (event.type === "worker_event" && stdout.writableLength > backlogBytesMax) {
        dropped += 1;
        return;
      }
      tellDropped();
      write(event);
    },
    remark: (text) => void stderr.write(`agentcore: ${text}\n`),
    end: (result) => {
      tellDropped();
      write(result);
    },
    close: () => {},
  };
}
