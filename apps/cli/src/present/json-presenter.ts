/**
 * `--json`: one event a line, the result last. A reader that falls behind holds up this printing, not the run: events of
 * the worker beyond what the scheduler keeps for a slow follower are left out, and a line says how many. Decisions and
 * the result are never left out, and the logs on disk have everything.
 */
import type { Output } from "../output.ts";
import type { Presenter } from "./presenter.ts";

export function jsonPresenter(stdout: Output, stderr: Output): Presenter {
  return {
    event: (event) => {
      stdout.json(event);
      return stdout.drained();
    },
    remark: (text) => stderr.write(`agentcore: ${text}\n`),
    end: (result) => stdout.json(result),
    close: () => {},
  };
}
