/**
 * Lines onto a stream. On a terminal the status line stays at the bottom: it is wiped before lines are printed and drawn
 * again behind them, cut to the width so that it never wraps. Elsewhere there is no status, only lines. This file holds
 * the escape sequence; what the lines say is decided by the pure functions beside it.
 */
import type { Clock, Timer } from "@agentcore/contract";
import type { Writable } from "node:stream";
import { cutLine, paint, type Line } from "./line.ts";

const wipeLine = "\r\u001b[2K";
/** Columns of a plain line; longer ones end in an ellipsis (the log has them whole). */
const plainColumns = 1000;

export interface Screen {
  print(lines: readonly Line[]): void;
  /** Wipes the status line. Idempotent. */
  close(): void;
}

/** What the screen needs of a stream; `process.stdout` is one. */
export type ScreenStream = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

export function createScreen(
  stream: ScreenStream,
  status: { readonly line: () => Line; readonly everyMs: number; readonly clock: Pick<Clock, "setTimer"> },
): Screen {
  return stream.isTTY === true ? liveScreen(stream, status) : plainScreen(stream);
}

export function plainScreen(stream: ScreenStream): Screen {
  return {
    print: (lines) => {
      if (lines.length > 0)
        stream.write(lines.map((line) => `${paint(cutLine(line, plainColumns), stream)}\n`).join(""));
    },
    close: () => {},
  };
}

function liveScreen(
  stream: ScreenStream,
  status: { readonly line: () => Line; readonly everyMs: number; readonly clock: Pick<Clock, "setTimer"> },
): Screen {
  let open = true;
  let timer: Timer | undefined;
  const columns = (): number => Math.max(1, (stream.columns ?? 80) - 1);
  const draw = (): string => paint(cutLine(status.line(), columns()), stream);
  const tick = (): void => {
    stream.write(`${wipeLine}${draw()}`);
    timer = status.clock.setTimer(status.everyMs, tick);
  };
  tick();
  return {
    print: (lines) => {
      const text = lines.map((line) => `${paint(cutLine(line, columns()), stream)}\n`).join("");
      stream.write(open ? `${wipeLine}${text}${draw()}` : text);
    },
    close: () => {
      if (!open) return;
      open = false;
      timer?.cancel();
      stream.write(wipeLine);
    },
  };
}
