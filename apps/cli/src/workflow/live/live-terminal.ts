/**
 * Drives the terminal of a live screen. It uses the alternate screen, so that the earlier content comes back unchanged, and
 * writes only changed lines, in one piece that terminals show at once. The terminal is restored at the end, before a crash
 * is reported, and while the process is stopped; only KILL prevents that. Keys are read if stdin is a terminal too. This
 * file and `terminal.ts` have the escape sequences.
 */
import type { Clock, Timer } from "@agentcore/contract";
import type { Readable } from "node:stream";
import type { ReadStream } from "node:tty";
import { cutLine, paint, type Line } from "../../screen/line.ts";
import type { Output } from "../../output.ts";
import { pressesIn, type Press } from "./keys.ts";
import type { FrameSize } from "./live-frame.ts";

const enter = "\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J";
const leave = "\u001b[?7h\u001b[?25h\u001b[?1049l";
const beginUpdate = "\u001b[?2026h";
const endUpdate = "\u001b[?2026l";
/** Before the line, not after it: after a line as wide as the screen, the cursor is on its last letter. */
const eraseLine = "\u001b[2K";

/** Default time between two updates. */
const tickMsDefault = 100;
/** After it, every line is written again, since other programs may have overwritten it. */
const wholeMs = 5000;

export interface LiveTerminalOptions {
  readonly stdout: Output;
  readonly stdin: Readable & Partial<Pick<ReadStream, "isTTY" | "setRawMode" | "unref">>;
  readonly clock: Pick<Clock, "setTimer">;
  /** Time between two updates, in ms. Default: 100. A key and a new size are followed by one at once. */
  readonly everyMs?: number;
  readonly frame: (size: FrameSize) => readonly Line[];
  readonly onPress: (press: Exclude<Press, "suspend">) => void;
}

export interface LiveTerminal {
  /** Restores the terminal. Idempotent. */
  close(): void;
}

export function openLiveTerminal(options: LiveTerminalOptions): LiveTerminal {
  const { stdout, clock, everyMs: tickMs = tickMsDefault, frame, onPress } = options;
  let open = true;
  let drawn: readonly string[] = [];
  let timer: Timer | undefined;
  let ticks = 0;
  const draw = (): void => {
    const { columns = 80, rows = 24 } = stdout.stream;
    const lines = frame({ columns, rows }).map((line) => paint(cutLine(line, columns), stdout.stream));
    const text = changes(drawn, lines, rows);
    drawn = lines;
    if (text !== "") stdout.raw(`${beginUpdate}${text}${endUpdate}`);
  };
  const redraw = (): void => {
    drawn = [];
    draw();
  };
  const tick = (): void => {
    timer = clock.setTimer(tickMs, tick);
    // A terminal that accepts nothing more, such as a stopped one, gets the next frame instead of all of them.
    if (stdout.stream.writableNeedDrain) return;
    if (++ticks % Math.ceil(wholeMs / tickMs) === 0) redraw();
    else draw();
  };
  const keys = readKeys(options.stdin, (press) => {
    if (press === "suspend") return suspend();
    onPress(press);
    if (open) draw();
  });
  const suspend = (): void => {
    timer?.cancel();
    keys.pause();
    stdout.raw(leave);
    process.kill(process.pid, "SIGTSTP");
    // Fires once the process continues; at once if no shell would wake the process, since it is then not stopped.
    timer = clock.setTimer(tickMs, resume);
  };
  const resume = (): void => {
    if (!open) return;
    keys.resume();
    stdout.raw(enter);
    drawn = [];
    tick();
  };
  const close = (): void => {
    if (!open) return;
    open = false;
    timer?.cancel();
    stdout.stream.off("resize", redraw);
    process.off("exit", close);
    keys.close();
    stdout.raw(leave);
  };
  // Also for a crash, which is reported after this.
  process.on("exit", close);
  stdout.stream.on("resize", redraw);
  stdout.raw(enter);
  tick();
  return { close };
}

/** The output that changes the lines on the screen from `before` to `after`. */
function changes(before: readonly string[], after: readonly string[], rows: number): string {
  const isWhole = before.length === 0;
  let text = "";
  for (let row = 0; row < rows; row++) {
    const line = after[row] ?? "";
    if (isWhole || (before[row] ?? "") !== line) text += `\u001b[${row + 1};1H${eraseLine}${line}`;
  }
  return text;
}

interface KeyReader {
  pause(): void;
  resume(): void;
  close(): void;
}

function readKeys(stdin: LiveTerminalOptions["stdin"], onPress: (press: Press) => void): KeyReader {
  if (stdin.isTTY !== true || stdin.setRawMode === undefined)
    return { pause: () => {}, resume: () => {}, close: () => {} };
  const read = (chunk: Buffer | string): void => pressesIn(chunk.toString()).forEach(onPress);
  // If the terminal is gone, the run continues, or the hang-up that comes with it ends the run.
  const gone = (): void => void stdin.pause();
  const pause = (): void => {
    stdin.setRawMode?.(false);
    stdin.pause();
  };
  const resume = (): void => {
    stdin.setRawMode?.(true);
    stdin.resume();
  };
  stdin.on("data", read).on("error", gone);
  resume();
  return {
    pause,
    resume,
    close: () => {
      stdin.off("data", read);
      pause();
    },
  };
}
