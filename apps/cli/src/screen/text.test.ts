import { expect, it } from "vitest";
import { cut, displayWidth, oneLine } from "./text.ts";

it.each([
  ["a\u001b[31mred\u001b[0m", "ared"],
  ["\u001b]0;title\u0007x", "x"],
  ["one\r\ntwo\tthree", "one two three"],
  ["back\bspace\u0000", "backspace"],
  ["  left \u202e right  ", "left right"],
  ["zero\u200bwidth", "zerowidth"],
  ["naïve 日本 👩‍💻", "naïve 日本 👩💻"],
])("%j prints as %j", (text, expected) => {
  expect(oneLine(text).replaceAll(/ +/g, " ")).toBe(expected);
});

it.each([
  ["abc", 3],
  ["日本", 4],
  ["e\u0301", 1],
  ["✓", 1],
  ["👍", 2],
  ["", 0],
])("%j takes %d columns", (text, width) => {
  expect(displayWidth(text)).toBe(width);
});

it.each([
  ["abcdef", 6, "abcdef"],
  ["abcdef", 5, "abcd…"],
  ["日本語", 5, "日本…"],
  ["日本語", 4, "日…"],
  ["abc", 0, ""],
  ["abc", 1, "…"],
])("%j in %d columns is %j", (text, columns, expected) => {
  expect(cut(text, columns)).toBe(expected);
  expect(displayWidth(cut(text, columns))).toBeLessThanOrEqual(columns);
});
