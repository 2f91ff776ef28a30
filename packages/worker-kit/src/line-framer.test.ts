import { describe, expect, it } from "vitest";
import { createLineFramer } from "./line-framer.ts";

type Line = [text: string, oversized: boolean];

/** Lines out of chunks; a chunk is text, or bytes. */
function frame(chunks: readonly (string | readonly number[])[], charsMax?: number): Line[] {
  const lines: Line[] = [];
  const framer = createLineFramer((line, oversized) => lines.push([line, oversized]), charsMax);
  for (const chunk of chunks)
    framer.write(typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk));
  framer.end();
  return lines;
}

const whole = (...texts: string[]): Line[] => texts.map((text) => [text, false]);

describe("line framing", () => {
  it.each([
    { name: "lines of one chunk", chunks: ["a\nb\n"], lines: whole("a", "b") },
    { name: "a line across chunks", chunks: ["a", "b", "c\nd", "\n"], lines: whole("abc", "d") },
    { name: "a last line without its terminator", chunks: ["a\nb"], lines: whole("a", "b") },
    { name: "empty lines", chunks: ["\n\na\n"], lines: whole("", "", "a") },
    { name: "CR LF", chunks: ["a\r\nb\r", "\nc\r\n"], lines: whole("a", "b", "c") },
    { name: "a CR inside", chunks: ["a\rb\n"], lines: whole("a\rb") },
    {
      name: "U+2028 and U+2029 as part of the line",
      chunks: ["a\u2028b\u2029c\n"],
      lines: whole("a\u2028b\u2029c"),
    },
    {
      name: "a character cut between chunks",
      chunks: [
        [0xe2, 0x82],
        [0xac, 0x0a],
      ],
      lines: whole("€"),
    },
    { name: "invalid UTF-8", chunks: [[0x61, 0xff, 0x62, 0x0a]], lines: whole("a\ufffdb") },
    { name: "a character that never ends", chunks: [[0x61, 0xe2, 0x82]], lines: whole("a\ufffd") },
    { name: "nothing", chunks: [], lines: [] },
    { name: "a NUL", chunks: ["a\0b\n"], lines: whole("a\0b") },
  ])("delivers $name", ({ chunks, lines }) => {
    expect(frame(chunks)).toEqual(lines);
  });

  it("delivers the first part of a line that is too long, at once, and drops the rest of it only", () => {
    const seen: Line[] = [];
    const framer = createLineFramer((line, oversized) => seen.push([line, oversized]), 4);
    framer.write(Buffer.from("ab\ncdef"));
    expect(seen).toEqual([["ab", false]]);
    framer.write(Buffer.from("g"));
    expect(seen).toEqual([
      ["ab", false],
      ["cdef", true],
    ]);
    framer.write(Buffer.from("hijklmnop"));
    framer.write(Buffer.from("q\nrs\n"));
    framer.end();
    expect(seen.slice(2)).toEqual([["rs", false]]);
  });

  it("delivers a line that is too long and complete in one chunk as oversized", () => {
    expect(frame(["abcdefgh\nij\n"], 4)).toEqual([
      ["abcd", true],
      ["ij", false],
    ]);
  });

  it("delivers a line of exactly the limit whole", () => {
    expect(frame(["abcd\nabcd"], 4)).toEqual(whole("abcd", "abcd"));
  });

  it("gives the same lines however the bytes are cut", () => {
    const text = '{"a":"ü€😀"}\r\n\nplain\nlast';
    const bytes = [...Buffer.from(text)];
    for (let size = 1; size <= bytes.length; size += 1) {
      const chunks: number[][] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
      expect(frame(chunks)).toEqual(whole('{"a":"ü€😀"}', "", "plain", "last"));
    }
  });
});
