import { expect, it } from "vitest";
import { parseJsonc } from "./jsonc.ts";

it.each([
  ['{"a": 1}', { a: 1 }],
  ['{"a": [1, 2,], }', { a: [1, 2] }],
  ['// x\n{"a": /* , } */ 1 /* y */, // z\n}', { a: 1 }],
  ['{"a": "// no /* comment */, }"}', { a: "// no /* comment */, }" }],
  [String.raw`{"\u0061": "\"//"}`, { a: '"//' }],
  ["\uFEFF[]", []],
  ['{"a": 1', undefined],
  ['{"a": "unterminated', undefined],
  ['{"a" 1}', undefined],
  ["{,}", {}],
  ["/* unterminated", undefined],
])("%j is %j", (text, value) => {
  expect(parseJsonc(text)).toEqual(value);
});

it("takes no longer for a text that was made to take long", () => {
  const texts = [
    "/* ".repeat(300_000),
    `,${"/**/".repeat(200_000)}x`,
    '"\\'.repeat(300_000),
    ", ".repeat(400_000),
  ];
  for (const text of texts) expect(parseJsonc(text)).toBeUndefined();
});
