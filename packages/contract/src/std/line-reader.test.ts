import * as fc from "fast-check";
import { expect, it } from "vitest";
import { testSeed } from "../testing/index.ts";
import { LineReader } from "./line-reader.ts";

const read = (bytesMax: number, ...chunks: (string | Buffer)[]): string[] => {
  const reader = new LineReader(bytesMax);
  const lines = chunks.flatMap((chunk) => reader.push(Buffer.from(chunk as string)));
  return lines.map((line) => (line.kind === "text" ? line.text : line.kind));
};

it.each<[string, string[], string[]]>([
  ["one line", ["abc\n"], ["abc"]],
  ["several in one chunk", ["a\nb\nc\n"], ["a", "b", "c"]],
  ["one in several chunks", ["a", "b", "c\n"], ["abc"]],
  ["no end yet", ["abc"], []],
  ["empty lines", ["\n\na\n\n"], ["a"]],
  ["a carriage return, which is space to JSON", ["{}\r\n"], ["{}\r"]],
  ["separators that end no line", ["a\u2028b\u2029c\n"], ["a\u2028b\u2029c"]],
  ["as long as allowed", ["x".repeat(10), "\n"], ["x".repeat(10)]],
  ["too long", ["x".repeat(11), "\nok\n"], ["too_large", "ok"]],
  ["too long in pieces, said once", ["xxxxxx", "xxxxxx", "xxxxxx\nok\n"], ["too_large", "ok"]],
])("%s", (_name, chunks, expected) => {
  expect(read(10, ...chunks)).toEqual(expected);
});

it("bytes that are not UTF-8 are no text, and the next line is read again", () => {
  expect(read(100, Buffer.from([0xff, 0xfe, 0x0a]), "ok\n")).toEqual(["not_text", "ok"]);
});

it("a character cut in two by a chunk is whole in its line", () => {
  const bytes = Buffer.from("grüße\n");
  expect(read(100, bytes.subarray(0, 3), bytes.subarray(3))).toEqual(["grüße"]);
});

it("a line without end is not kept in memory", () => {
  const reader = new LineReader(1024);
  const chunk = Buffer.alloc(64 * 1024, "x");
  for (let i = 0; i < 1000; i += 1) reader.push(chunk);
  const kept = JSON.stringify(reader).length;
  expect(kept).toBeLessThan(1000);
});

it("however a stream is cut, the same lines come out", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 30 })),
      fc.array(fc.integer({ min: 1, max: 20 })),
      (texts, cuts) => {
        const lines = texts.map((text) => text.replaceAll("\n", "")).filter((text) => text !== "");
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(""));
        const chunks: Buffer[] = [];
        let from = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(from, from + cut));
          from += cut;
        }
        chunks.push(bytes.subarray(from));
        expect(read(1000, ...chunks)).toEqual(lines);
      },
    ),
    { seed: testSeed("line reader") },
  );
});
