import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { readPlainYaml } from "./plain-yaml.ts";

const file = `# A workflow
name: build-and-test
version: "1"
timeout: 1h30m
concurrency: 4
ratio: -0.5
base: 'it''s'
escaped: "a\\tb\\\\c"
nothing:
tilde: ~ # null
enabled: true
link: https://example.org/a#b
list: [read, "run, tests", 3, [x, { k: v, on: false }], {}, []]
inputs:
  target: { type: string, default: release }
steps:
  build:
    capabilities:
    - read
    - edit
    instructions: |
      make all   # not a comment

        indented
    outputs:
      - name: log
        path: out/build.log
      -   { name: bin, path: out }
      - |
        text of an item
  test:
    depends_on: [build]
    instructions: |-
      make test
    if: steps.build.status == 'SUCCEEDED'
`;

function inFull(text: string): { readonly value?: unknown; readonly failed: boolean } {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true });
  return document.errors.length > 0 ? { failed: true } : { failed: false, value: document.toJS() as unknown };
}

describe("the fast reader of plain YAML", () => {
  it("reads what the full parser reads", () => {
    const value = readPlainYaml(file);
    expect(value).toBeDefined();
    expect(value).toEqual(inFull(file).value);
  });

  it.each([
    ["an anchor", "a: &x 1\nb: *x\n"],
    ["a tag", "a: !!str 1\n"],
    ["a folded scalar", "a: >\n  b\n"],
    ["an indentation by number", "a: |2\n   b\n"],
    ["a scalar on two lines", "a: b\n  c\n"],
    ["a quoted scalar on two lines", 'a: "b\n  c"\n'],
    ["a key that is there twice", "a: 1\nb: 2\na: 3\n"],
    ["a key that is no text", "null: 1\n"],
    ["a merge", "a: { b: 1 }\n<<: { c: 1 }\n"],
    ["a key of every object", "__proto__: 1\n"],
    ["two documents", "a: 1\n---\nb: 1\n"],
    ["a tab", "a:\tb\n"],
    ["a carriage return", "a: b\r\n"],
    ["a hexadecimal number", "a: 0x10\n"],
    ["a number with an exponent", "a: 1e3\n"],
    ["a number of many digits", "a: 12345678901234567890\n"],
    ["a mapping behind a value", "a: b: c\n"],
    ["a flow collection on two lines", "a: [b,\n  c]\n"],
    ["a text", "words"],
    ["nothing", "# nothing\n"],
    ["a hundred levels", Array.from({ length: 100 }, (_, depth) => `${" ".repeat(depth)}a:\n`).join("")],
  ])("leaves %s to the full parser", (_, text) => {
    expect(readPlainYaml(text)).toBeUndefined();
  });

  it("answers nothing for a damaged file, or what the full parser answers", () => {
    const seed = Number(process.env["AGENTCORE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    const random = randomFrom(seed);
    let answered = 0;
    for (let round = 0; round < 2000; round += 1) {
      const text = damaged(file, random);
      const value = readPlainYaml(text);
      if (value === undefined) continue;
      answered += 1;
      const full = inFull(text);
      const agrees = !full.failed && isDeepStrictEqual(value, full.value);
      expect(agrees, `seed ${seed}, round ${round}: ${JSON.stringify(text)}`).toBe(true);
    }
    expect(answered).toBeGreaterThan(100);
  });
});

const fragments = [
  ...Array.from(" \n:-#[]{},\"'|>&*!%@`?~$\\0.exn_/+<="),
  "  ",
  "- ",
  ": ",
  " #",
  "\n\n",
  "\n  ",
  "---",
  "null",
  "0x1",
];

/** A part of the text with a few characters put in or taken away. */
function damaged(text: string, random: () => number): string {
  const lines = text.split("\n");
  const from = Math.floor(random() * lines.length * 0.8);
  let part = lines.slice(from, from + 3 + Math.floor(random() * 20)).join("\n");
  for (let changes = 1 + Math.floor(random() * 3); changes > 0; changes -= 1) {
    const at = Math.floor(random() * part.length);
    const left = random() < 0.5 ? Math.floor(random() * 4) : 0;
    const added = random() < 0.8 ? (fragments[Math.floor(random() * fragments.length)] ?? "") : "";
    part = part.slice(0, at) + added + part.slice(at + left);
  }
  return part;
}

/** Numbers from 0 to 1, the same for the same seed (a linear congruential generator, constants of Numerical Recipes). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
