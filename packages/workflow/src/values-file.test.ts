import { describe, expect, it } from "vitest";
import { readValuesFile } from "./values-file.ts";

const read = (text: string | Uint8Array) => {
  const result = readValuesFile(typeof text === "string" ? Buffer.from(text) : text);
  return result.ok ? Object.fromEntries(result.values) : result.message;
};

describe("the file of values", () => {
  it.each<[string, string, Readonly<Record<string, string>>]>([
    ["nothing", "", {}],
    ["a value with = and << in it", "a=b=c<<d\n", { a: "b=c<<d" }],
    ["no line end at its end", "a=1\nb=2", { a: "1", b: "2" }],
    ["empty lines between values", "\na=1\n\nb=\n", { a: "1", b: "" }],
    ["several lines up to a word", "a<<END\n1\n\n2=3\nEND\nb=4\n", { a: "1\n\n2=3", b: "4" }],
    ["no lines up to a word", "a<<END\nEND\n", { a: "" }],
    ["a name twice: the later value", "a=1\na=2\n", { a: "2" }],
    [
      "quotes, commands and placeholders as they are",
      "a='\"$(id)`${{ inputs.x }}\n",
      { a: "'\"$(id)`${{ inputs.x }}" },
    ],
    [
      "names that every object has",
      "__proto__=1\nconstructor=2\n",
      JSON.parse('{"__proto__":"1","constructor":"2"}'),
    ],
  ])("may hold %s", (_what, text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each<[string, string | Uint8Array, string]>([
    ["a line without a sign", "a=1\nb\n", "line 2 is neither NAME=VALUE nor NAME<<END"],
    ["a value without a name", "=1\n", "line 1 has no name"],
    ["no word", "a<<\n1\n", "line 1 has no word after <<"],
    ["no line that ends the value", "a<<END\n1\nEND2\n", 'line 1 begins a value that no line "END" ends'],
    ["NUL", "a=1\0\n", "line 1 holds a NUL character"],
    ["NUL in several lines", "b=1\na<<E\n\0\nE\n", "line 2 begins a value that holds a NUL character"],
    ["bytes that are not UTF-8", Uint8Array.from([0x61, 0x3d, 0xff]), "it is not UTF-8 text"],
  ])("may not hold %s", (_what, text, expected) => {
    expect(read(text)).toBe(expected);
  });
});
