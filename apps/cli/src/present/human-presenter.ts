/** A run for people: lines as things happen, a status line below them on a terminal, the summary at the end. */
import type { Clock } from "@agentcore/contract";
import type { Output } from "../output.ts";
import { span } from "../screen/line.ts";
import { advance, emptyView, type ViewedJob } from "../screen/run-view.ts";
import { frameMs, statusLine } from "../screen/status-line.ts";
import { summaryLines } from "../screen/summary.ts";
import { createScreen, plainScreen } from "../screen/terminal.ts";
import type { Presenter } from "./presenter.ts";

export function humanPresenter(
  stdout: Output,
  clock: Pick<Clock, "now" | "setTimer">,
  job: ViewedJob,
): Presenter {
  let view = emptyView(job);
  const screen = createScreen(stdout, { line: () => statusLine(view, clock.now()), everyMs: frameMs, clock });
  return {
    event: (event) => {
      const step = advance(view, event);
      view = step.view;
      screen.print(step.lines);
      return stdout.drained();
    },
    remark: (text) => screen.print([[span(text, "warn")]]),
    end: (result, refused) => {
      screen.close();
      plainScreen(stdout).print(summaryLines(result, refused));
    },
    close: () => screen.close(),
  };
}
