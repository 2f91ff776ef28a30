import { expect, it } from "vitest";
import { Writable } from "node:stream";
import { span } from "./line.ts";
import { createOutput, type ScreenStream } from "../output.ts";
import { createScreen, plainScreen } from "./terminal.ts";

function stream(isTTY: boolean, columns = 20) {
  const written: string[] = [];
  const sink = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      written.push(chunk);
      done();
    },
  });
  const stream: ScreenStream = Object.assign(sink, { isTTY, columns });
  return { written, stream: createOutput(stream) };
}

const timers: (() => void)[] = [];
const clock = {
  setTimer: (_ms: number, fire: () => void) => {
    timers.push(fire);
    return { cancel: () => void timers.splice(timers.indexOf(fire), 1) };
  },
};
const status = { line: () => [span("a status longer than the terminal is wide")], everyMs: 100, clock };

it("a terminal keeps the status line below what is printed, cut to its width", () => {
  const { written, stream: tty } = stream(true);
  const screen = createScreen(tty, status);
  screen.print([[span("a line")], [span("a much longer line than fits in")]]);
  timers[0]?.();
  screen.close();
  screen.close();
  screen.print([[span("after")]]);
  const drawn = "\r\u001b[2Ka status longer th…";
  expect(written).toEqual([
    drawn,
    `\r\u001b[2Ka line\na much longer line…\n${drawn.slice(5)}`,
    drawn,
    "\r\u001b[2K",
    "after\n",
  ]);
  expect(timers).toHaveLength(1);
});

it("a terminal that does not say its width has 80 columns", () => {
  const { written, stream: tty } = stream(true, 0);
  createScreen(tty, status).print([[span("a line")]]);
  expect(written.join("")).toContain("a status longer than the terminal is wide");
  expect(written.join("")).toContain("a line\n");
});

it("a line is whole in a file or pipe, however long, and cut on a terminal", () => {
  const long = "x".repeat(100_000);
  const { written, stream: pipe } = stream(false);
  plainScreen(pipe).print([[span(long)]]);
  expect(written).toEqual([`${long}\n`]);
  const terminal = stream(true);
  plainScreen(terminal.stream).print([[span(long)]]);
  expect(terminal.written).toEqual([`${"x".repeat(999)}…\n`]);
});

it("anything else gets lines only, without escape sequences", () => {
  const { written, stream: pipe } = stream(false);
  const screen = createScreen(pipe, status);
  screen.print([[span("a line", "good"), span(" of two spans", "bad")]]);
  screen.print([]);
  screen.close();
  expect(written).toEqual(["a line of two spans\n"]);
});
