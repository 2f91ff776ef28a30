/**
 * Prints lines to a stream. On a terminal, the status line stays at the bottom: it is erased before lines are printed and
 * redrawn after them, cut to the width so that it never wraps. Elsewhere there is no status line. This file has the escape
 * sequences; pure functions in this directory decide the content.
 */
import type { Clock, Timer } from "@agentcore/contract";
import type { Output } from "../output.ts";
import { cutLine, paint, type Line } from "./line.ts";

const wipeLine = "\r\u001b[2K";
/** Columns of a plain line on a terminal; longer lines end in an ellipsis. In a file or pipe each line is whole. */
const terminalColumns = 1000;

export interface Screen {
  print(lines: readonly Line[]): void;
  /** Erases the status line. Idempotent. */
  close(): void;
}

export function createScreen(
  output: Output,
  status: { readonly line: () => Line; readonly everyMs: number; readonly clock: Pick<Clock, "setTimer"> },
): Screen {
  return output.stream.isTTY === true ? liveScreen(output, status) : plainScreen(output);
}

export function plainScreen(output: Output): Screen {
  return {
    print: (lines) => {
      if (lines.length === 0) return;
      const { isTTY, columns } = output.stream;
      const fitted =
        isTTY === true && columns !== undefined && columns > 0
          ? lines.flatMap((line) => line.fit?.(columns) ?? [line])
          : lines;
      const shown = isTTY === true ? fitted.map((line) => cutLine(line, terminalColumns)) : fitted;
      output.raw(shown.map((line) => `${paint(line, output.stream)}\n`).join(""));
    },
    close: () => {},
  };
}

function liveScreen(
  output: Output,
  status: { readonly line: () => Line; readonly everyMs: number; readonly clock: Pick<Clock, "setTimer"> },
): Screen {
  const { stream } = output;
  let open = true;
  let timer: Timer | undefined;
  // Terminals that `script` or `docker run -t` make can have no size: 0 columns.
  const columns = (): number =>
    (stream.columns === undefined || stream.columns <= 0 ? 80 : stream.columns) - 1;
  const draw = (): string => paint(cutLine(status.line(), columns()), stream);
  const tick = (): void => {
    output.raw(`${wipeLine}${draw()}`);
    timer = status.clock.setTimer(status.everyMs, tick);
  };
  tick();
  return {
    print: (lines) => {
      const text = lines.map((line) => `${paint(cutLine(line, columns()), stream)}\n`).join("");
      output.raw(open ? `${wipeLine}${text}${draw()}` : text);
    },
    close: () => {
      if (!open) return;
      open = false;
      timer?.cancel();
      output.raw(wipeLine);
    },
  };
}
