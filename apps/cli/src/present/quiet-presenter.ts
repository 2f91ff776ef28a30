/**
 * `run --quiet`: only the result. For people and pipes the last message of the worker, on stdout, and a failure on stderr; with
 * `--json` the result line.
 */
import { cureOf, type ResultLine } from "@agentcore/contract";
import type { Output } from "../output.ts";
import { oneLine } from "../screen/text.ts";
import type { Presenter } from "./human-presenter.ts";
import type { LastMessage } from "./last-message.ts";

/** `message`: sees every event before this presenter does. */
export function quietPresenter(
  stdout: Output,
  stderr: Output,
  { json, message }: { readonly json: boolean; readonly message: LastMessage },
): Presenter {
  return {
    event: () => Promise.resolve(),
    remark: (text) => stderr.write(`agentcore: ${text}\n`),
    end: (result, refused) => {
      if (json) return stdout.json(result);
      const text = message.of(result);
      if (text !== "") stdout.write(`${text}\n`);
      if (result.outcome !== "succeeded") stderr.write(failureText(result, refused));
    },
    close: () => {},
  };
}

function failureText({ outcome, code, summary }: ResultLine, refused: boolean): string {
  const what = refused ? "refused" : outcome.replaceAll("_", " ");
  const why = oneLine(summary);
  const cure = cureOf(code, "command line");
  return `agentcore: ${what}${why === "" ? "" : `: ${why}`}${cure === "" ? "" : `\n  ${code}: ${cure}`}\n`;
}
