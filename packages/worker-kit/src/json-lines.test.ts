import { unknownUsage, type WorkerReport } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import {
  arrayAt,
  booleanAt,
  countAt,
  jsonLineReader,
  numberAt,
  objectAt,
  parseJsonLine,
  stringAt,
  valueAt,
} from "./json-lines.ts";

function report(malformedLines: number): WorkerReport {
  return {
    terminal: "none",
    error: null,
    deniedTools: [],
    summary: "",
    session: null,
    model: null,
    usage: unknownUsage,
    costUsd: null,
    costBasis: "none",
    malformedLines,
  };
}

describe("a JSON line", () => {
  it.each([
    ['{"a":1}', { a: 1 }],
    ['  {"a":"\u2028"}  ', { a: "\u2028" }],
    ["[1]", null],
    ["null", null],
    ["42", null],
    ['{"a":', null],
    ["", null],
    ["plain text", null],
  ])("%j is read as %j", (line, expected) => {
    expect(parseJsonLine(line)).toEqual(expected);
  });
});

describe("fields of unknown shape", () => {
  const value = { a: { b: "text", n: 1.5, c: 3, yes: true, list: [1], nan: Number.NaN } };

  it("are read where they are as expected, and null or empty otherwise", () => {
    expect(stringAt(value, "a", "b")).toBe("text");
    expect(stringAt(value, "a", "n")).toBeNull();
    expect(stringAt(value, "a", "b", "c")).toBeNull();
    expect(stringAt(undefined, "a")).toBeNull();
    expect(numberAt(value, "a", "n")).toBe(1.5);
    expect(numberAt(value, "a", "nan")).toBeNull();
    expect(countAt(value, "a", "c")).toBe(3);
    expect(countAt(value, "a", "n")).toBeNull();
    expect(countAt({ c: -1 }, "c")).toBeNull();
    expect(booleanAt(value, "a", "yes")).toBe(true);
    expect(objectAt(value, "a")).toBe(value.a);
    expect(objectAt(value, "a", "list")).toBeNull();
    expect(arrayAt(value, "a", "list")).toEqual([1]);
    expect(arrayAt(value, "a")).toEqual([]);
  });

  it("are never found on a prototype", () => {
    expect(valueAt({}, "constructor")).toBeUndefined();
    expect(valueAt(parseJsonLine('{"__proto__":{"x":1}}'), "x")).toBeUndefined();
  });
});

describe("a reader of JSON lines", () => {
  it("hands objects on, skips blank lines, and counts and passes on what it cannot read", () => {
    const reader = jsonLineReader({
      object: (value) => (value["type"] === "known" ? [{ type: "text", text: "hello" }] : null),
      end: report,
    });
    expect(reader.stdout('{"type":"known"}', false)).toEqual([{ type: "text", text: "hello" }]);
    expect(reader.stdout('{"type":"new"}', false)).toEqual([{ type: "raw", text: '{"type":"new"}' }]);
    expect(reader.stdout("", false)).toEqual([]);
    expect(reader.stdout("   ", false)).toEqual([]);
    expect(reader.stdout("npm warn", false)).toEqual([{ type: "raw", text: "npm warn" }]);
    expect(reader.stdout('{"type":"known"}', true)).toEqual([{ type: "raw", text: '{"type":"known"}' }]);
    expect(reader.stderr("oops", false)).toEqual([{ type: "stderr", text: "oops" }]);
    expect(reader.end().malformedLines).toBe(2);
  });
});
