/** A run for people: lines as things happen, a status line below them on a terminal, the summary at the end. */
import type { Clock, ResultLine, RunEvent } from "@agentcore/contract";
import type { Output } from "../output.ts";
import { span } from "../screen/line.ts";
import { advance, emptyView, type ViewedJob } from "../screen/run-view.ts";
import { frameMs, statusLine } from "../screen/status-line.ts";
import { summaryLines } from "../screen/summary.ts";
import { createScreen, plainScreen } from "../screen/terminal.ts";

/** Shows one job while it runs and when it has ended: as JSON lines for programs, or as lines on a screen for people. */
export interface Presenter {
  /** Resolves when the reader accepts more. */
  event(event: RunEvent): Promise<void>;
  /** A remark of this program, such as what Ctrl-C does now. Not part of the result. */
  remark(text: string): void;
  /** `refused`: the gate permitted no attempt. */
  end(result: ResultLine, refused: boolean): void;
  /** Restores the screen, even without a result. Idempotent. */
  close(): void;
}

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
