import { testSeed } from "@agentcore/contract/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JsonScalar, JsonScanner } from "./json-scanner.ts";

const seed = testSeed("random JSON, randomly divided");

interface Found {
  readonly path: string;
  readonly value: unknown;
}

function scan(text: string, divide: (bytes: Buffer) => readonly Buffer[] = (bytes) => [bytes]) {
  const bytes = Buffer.from(text);
  const found: Found[] = [];
  const scalars: JsonScalar[] = [];
  const scanner = new JsonScanner({
    scalar(path, scalar) {
      scalars.push(scalar);
      found.push({ path, value: JSON.parse(bytes.toString("utf8", scalar.start, scalar.end)) as unknown });
    },
  });
  for (const part of divide(bytes)) scanner.push(part);
  scanner.end();
  return { found, scalars, isWhole: scanner.isWhole };
}

const byteByByte = (bytes: Buffer) => [...bytes].map((byte) => Buffer.of(byte));

/** What a scan of a parsed value must find. */
function leavesOf(value: unknown, path = ""): Found[] {
  if (typeof value !== "object" || value === null) return [{ path, value }];
  if (Array.isArray(value)) return value.flatMap((element) => leavesOf(element, `${path}/*`));
  return Object.entries(value).flatMap(([key, member]) =>
    leavesOf(member, `${path}/${key.replaceAll(/[~/*]/g, (character) => `~${character}`)}`),
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("the JSON scanner", () => {
  it("finds each value with its path and place, however the document is divided", () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    const cuts = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 });
    fc.assert(
      fc.property(value, fc.integer({ min: 0, max: 2 }), cuts, (document, spaces, sizes) => {
        const text = JSON.stringify(document, null, spaces);
        // JSON has no -0.
        const expected = leavesOf(JSON.parse(text));
        expect(scan(text).found).toEqual(expected);
        expect(scan(text, byteByByte).found).toEqual(expected);
        expect(scan(text, (bytes) => divided(bytes, sizes)).found).toEqual(expected);
      }),
      { seed },
    );
  });

  it("accepts what JSON.parse accepts, and nothing else", () => {
    const characters = fc.constantFrom(
      ...Array.from('{}[]:,"\\ \n01-.eEtrufalsn'),
      '"a"',
      "null",
      "true",
      "\\u00e9",
      "1.5",
      "é",
    );
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 12 }), (text) => {
        expect([text, scan(text).isWhole]).toEqual([text, isJson(text)]);
      }),
      { seed, numRuns: 3000 },
    );
  });

  it.each([
    ["", false],
    ["{", false],
    ['{"a":1,}', false],
    ["[1,]", false],
    ["[1 2]", false],
    ["01", false],
    ["+1", false],
    ["1.", false],
    [".5", false],
    ["nul", false],
    ["nulll", false],
    ['"a\nb"', false],
    ['"\\x"', false],
    ['"\\u12g4"', false],
    ["{} {}", false],
    ["[1}", false],
    ['{"a" "b"}', false],
    ["{1:2}", false],
    ['{"a"}', false],
    ["\ufeff{}", false],
    [' { "a" : [ ] } ', true],
    ["-0.5e+10", true],
    ['"\\ud83d\\ude00"', true],
  ])("of %j says whole: %s", (text, isWhole) => {
    expect(scan(text).isWhole).toBe(isWhole);
    expect(scan(text, byteByByte).isWhole).toBe(isWhole);
  });

  it("counts the bytes of a decoded string", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", "\n", "\u0001", "é", "€", "😀", '"') }), (text) => {
        const plain = scan(JSON.stringify(text)).scalars[0];
        const escaped = scan(`"${Array.from(text, asEscape).join("")}"`, byteByByte).scalars[0];
        expect([plain?.bytes, escaped?.bytes]).toEqual([Buffer.byteLength(text), Buffer.byteLength(text)]);
      }),
      { seed },
    );
  });

  it("reads a key that is written with escapes as the key that it is", () => {
    const key = Array.from("max_tokens", asEscape).join("");
    expect(scan(`{"${key}":9}`).found).toEqual([{ path: "/max_tokens", value: 9 }]);
  });

  it("does not confuse a key that looks like a path, or like an element, with one", () => {
    const { found } = scan('{"usage/input_tokens":1,"choices":{"*":{"usage":2}}}');
    expect(found.map(({ path }) => path)).toEqual(["/usage~/input_tokens", "/choices/~*/usage"]);
  });

  it("refuses what is nested too deeply, without using the stack", () => {
    expect(scan("[".repeat(1_000_000)).isWhole).toBe(false);
    expect(scan(`${"[".repeat(400)}${"]".repeat(400)}`).isWhole).toBe(true);
  });

  it("reads a string of 100 MB without keeping it", () => {
    const scalars: JsonScalar[] = [];
    const scanner = new JsonScanner({ scalar: (_path, scalar) => scalars.push(scalar) });
    const chunk = Buffer.alloc(1024 * 1024, "x");
    const before = process.memoryUsage();
    scanner.push(Buffer.from('{"text":"'));
    for (let i = 0; i < 100; i++) scanner.push(chunk);
    scanner.push(Buffer.from('","n":1}'));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    expect(scalars.map(({ bytes, text }) => [bytes, text.length])).toEqual([
      [100 * 1024 * 1024, 1024],
      [0, 1],
    ]);
    expect(heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(30 * 1024 * 1024);
  });
});

function asEscape(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}

function divided(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return parts;
}
