/**
 * `--json`: one event a line, the result last. A reader that falls behind holds up this printing, not the run: events of
 * the worker beyond what the scheduler keeps for a slow follower are left out, and a line says how many. Decisions and
 * the result are never left out, and the logs on disk have everything.
 */
import type { ScreenStream } from "../screen/terminal.ts";
import { drained } from "./drained.ts";
import type { Presenter } from "./presenter.ts";

export function jsonLines(stdout: ScreenStream, stderr: ScreenStream): Presenter {
  const write = (line: unknown): void => void stdout.write(`${JSON.stringify(line)}\n`);
  return {
    event: (event) => {
      write(event);
      return drained(stdout);
    },
    remark: (text) => void stderr.write(`agentcore: ${text}\n`),
    end: (result) => write(result),
    close: () => {},
  };
}
