import { Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { expect, it } from "vitest";
import { createOutput } from "../output.ts";
import { paragraph, span, textOf } from "./line.ts";
import { plainScreen } from "./terminal.ts";
import { displayWidth } from "./text.ts";
import { table } from "./table.ts";

it("columns line up by the width of what is in them, also where letters are wide", () => {
  const lines = table(
    [{ title: "NAME" }, { title: "COST", align: "right" }, { title: "NOTE" }],
    [
      [span("日本"), span("$1"), span("a long note")],
      [span("abcdef"), span("$10.00"), span("b")],
    ],
  );
  expect(lines.map(textOf)).toEqual([
    "NAME      COST  NOTE",
    "日本        $1  a long note",
    "abcdef  $10.00  b",
  ]);
});

it("no rows are a head alone", () => {
  expect(table([{ title: "ID" }], []).map(textOf)).toEqual(["ID"]);
});

function printed(columns: number, lines: Parameters<ReturnType<typeof plainScreen>["print"]>[0]): string[] {
  let text = "";
  const sink = new Writable({ write: (chunk, _encoding, done) => ((text += String(chunk)), done()) });
  plainScreen(createOutput(Object.assign(sink, { isTTY: true, columns }))).print(lines);
  return stripVTControlCharacters(text).trimEnd().split("\n");
}

it("a table fits a terminal of any width, and cuts nothing where there is room", () => {
  const id = "01a22921-2d17-7000-baa7-56ccc208d0e7";
  const lines = table(
    [{ title: "JOB" }, { title: "STATE" }, { title: "COST", align: "right" }, { title: "INSTRUCTIONS" }],
    [
      [span(id), span("queued"), span("$0.12"), span("日本語の長い説明 ".repeat(12))],
      [span(id), span("succeeded"), span("–"), span("short")],
    ],
  );
  for (const columns of [200, 120, 80, 60, 40, 20]) {
    const rows = printed(columns, lines);
    expect(rows).toHaveLength(3);
    for (const row of rows) expect(displayWidth(row)).toBeLessThanOrEqual(columns);
  }
  expect(printed(300, lines)[1]).toContain("日本語の長い説明 ".repeat(12).trim());
  expect(printed(100, lines)[1]).toContain(`${id}  queued`);
});

it("prose wraps between words, below where it begins", () => {
  const line = paragraph([span("  do         "), span("Free disk space or correct the permissions named")]);
  expect(printed(36, [line])).toEqual([
    "  do         Free disk space or",
    "             correct the permissions",
    "             named",
  ]);
  expect(printed(80, [line])).toHaveLength(1);
});

it("with little room, columns that may go are left out, the last first, and ids and figures stay whole", () => {
  const lines = table(
    [
      { title: "JOB", isWhole: true },
      { title: "WORKER", mayGo: true },
      { title: "COST", align: "right", mayGo: true },
      { title: "AGE", align: "right" },
      { title: "INSTRUCTIONS" },
    ],
    [
      [
        span("2727b1d1"),
        span("claude-code"),
        span("$0.1200"),
        span("3m7s"),
        span("a long instruction, longer"),
      ],
    ],
  );
  expect(printed(60, lines)[1]).toBe("2727b1d1  claude-code  $0.1200  3m7s  a long instruction, l…");
  expect(printed(50, lines)[1]).toBe("2727b1d1  claude-code  3m7s  a long instruction, …");
  expect(printed(40, lines)[1]).toBe("2727b1d1  3m7s  a long instruction, lon…");
});
