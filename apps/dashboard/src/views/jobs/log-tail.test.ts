import { describe, expect, it } from "vitest";
import {
  allLines,
  emptyTail,
  isCurrent,
  nextRead,
  tailBytes,
  visibleLines,
  withChunk,
  type LogTail,
} from "./log-tail.ts";

/** Reads a log of ASCII text as the page does, and answers the tail once it is current. */
function follow(log: string, tail: LogTail = emptyTail, ended = false): LogTail {
  let read = 0;
  for (let now = tail; ;) {
    const { offset, limit } = nextRead(now);
    const from = offset < 0 ? Math.max(0, log.length + offset) : offset;
    const text = log.slice(from, from + limit);
    read += text.length;
    now = withChunk(now, {
      offset: from,
      nextOffset: from + text.length,
      sizeBytes: log.length,
      ended,
      text,
    });
    if (isCurrent(now)) {
      expect(read).toBeLessThanOrEqual(6 * tailBytes);
      return now;
    }
  }
}

describe("a log", () => {
  it("is read as it grows, each byte once", () => {
    let tail = follow("one\ntw");
    expect(allLines(tail)).toEqual(["one", "tw"]);
    expect(nextRead(tail)).toEqual({ offset: 6, limit: tailBytes });
    tail = follow("one\ntwo\nthree\n", tail);
    expect(allLines(tail)).toEqual(["one", "two", "three"]);
    expect(tail).toMatchObject({ ended: false, skippedBytes: 0 });
    tail = follow("one\ntwo\nthree\nend", tail, true);
    expect(tail).toMatchObject({ lines: ["one", "two", "three", "end"], rest: "", ended: true });
  });

  it("that is long is opened near its end, at the beginning of a line", () => {
    const log = Array.from({ length: 60_000 }, (_, index) => `line ${index}\n`).join("");
    const tail = follow(log);
    expect(allLines(tail).at(-1)).toBe("line 59999");
    expect(allLines(tail)[0]).toMatch(/^line \d{5}$/);
    expect(tail.skippedBytes).toBe(log.length - tailBytes);
  });

  it("of any length is held within a bound, and the newest stays", () => {
    let tail = emptyTail;
    let log = "";
    for (let part = 0; part < 40; part += 1) {
      log += `${"x".repeat(99)}\n`.repeat(1000) + `part ${part}\n`;
      tail = follow(log, tail);
      expect(allLines(tail).reduce((sum, line) => sum + line.length, 0)).toBeLessThanOrEqual(4 * tailBytes);
      expect(allLines(tail).at(-1)).toBe(`part ${part}`);
    }
    expect(tail.skippedBytes).toBeGreaterThan(2_000_000);
  });

  it("that grew by megabytes at once is read from near its end", () => {
    const before = follow("start\n");
    const log = `start\n${"y".repeat(79)}\n`.repeat(100_000);
    const tail = follow(
      log,
      withChunk(before, { offset: 6, nextOffset: 6, sizeBytes: log.length, ended: false, text: "" }),
    );
    expect(tail.skippedBytes).toBe(log.length - tailBytes);
    expect(allLines(tail)).not.toContain("start ");
  });

  it("without a line break is cut into lines, and held within the bound", () => {
    const tail = follow("z".repeat(3 * tailBytes), emptyTail);
    expect(Math.max(...allLines(tail).map((line) => line.length))).toBe(1000);
    expect(follow("", emptyTail)).toMatchObject({ lines: [], sizeBytes: 0 });
  });

  it("is text: no terminal escapes, and a progress line shows its last state", () => {
    const tail = follow(
      "\u001B[31mred\u001B[0m\n10%\r50%\r100%\r\n\u001B]0;title\u0007x\u202Ey\n",
      emptyTail,
    );
    expect(allLines(tail)).toEqual(["red", "100%", "x\u{FFFD}y"]);
  });
});

it("only lines near the window are drawn", () => {
  expect(visibleLines(10_000, { top: 18_000, height: 360, lineHeight: 18 })).toEqual({ from: 990, to: 1030 });
  expect(visibleLines(5, { top: 0, height: 360, lineHeight: 18 })).toEqual({ from: 0, to: 5 });
  expect(visibleLines(5, { top: 9000, height: 360, lineHeight: 18 })).toEqual({ from: 5, to: 5 });
});
