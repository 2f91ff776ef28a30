import { expect, test } from "vitest";
import { span, textOf } from "./line.ts";
import { table } from "./table.ts";

test("columns line up by the width of what is in them, also where letters are wide", () => {
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

test("no rows are a head alone", () => {
  expect(table([{ title: "ID" }], []).map(textOf)).toEqual(["ID"]);
});
