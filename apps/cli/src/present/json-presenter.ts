/**
 * `--json`: prints one event per line, the result last. A slow reader delays only this output, not the run: worker events
 * beyond the scheduler's buffer are dropped, and a line says how many. Decisions and the result are never dropped, and the
 * logs on disk have everything.
 */
import type { Output } from "../output.ts";
import type { Presenter } from "./human-presenter.ts";

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
