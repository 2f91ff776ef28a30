import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { parseYaml } from "./yaml-source.ts";

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
day: 2026-01-01
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

/** Null where it finds a mistake. */
function asPlacesSee(text: string): { readonly value: unknown } | null {
  const document = parseDocument(text, { logLevel: "error", prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0) return null;
  return { value: withoutNullKeys(document.toJS()) };
}

it.each<[string, string, string]>([
  ["several documents", "a: 1\n---\nb: 2\n", "not YAML: the file holds several documents; leave out"],
  ["depth", "[".repeat(50_000), "not YAML: values are nested too deep"],
  ["depth in blocks", "- ".repeat(50_000), "not YAML: values are nested too deep"],
])("a text is refused in words for people: %s", async (_what, text, words) => {
  const read = await parseYaml(text);
  expect(read.ok || read.issues).toMatchObject([{ message: expect.stringContaining(words) as string }]);
});

it.each([
  ["a: 1\nb: !!js/function x\n", "2:4 not YAML: the tag !!js/function is not known; leave it out"],
  ["a: !custom { b: 1 }\n", "1:4 not YAML: the tag !custom is not known; leave it out"],
  ["- 1\n- !mine [2]\n", "2:3 not YAML: the tag !mine is not known; leave it out"],
  ["!mine x: 1\n", "1:1 not YAML: the tag !mine is not known; leave it out"],
])("a tag that nobody knows is a mistake: %j", async (text, expected) => {
  const read = await parseYaml(text);
  expect(read.ok || read.issues.map((issue) => `${issue.line}:${issue.column} ${issue.message}`)).toEqual([
    expected,
  ]);
});

it("names and values can be asked for as they are written", async () => {
  const read = await parseYaml("007: a\n'8': 3.10\nb: &x [0x10, text]\nc: *x\n");
  if (!read.ok) throw new TypeError("is YAML");
  const places = await read.places();
  expect([places.textOfKey(["7"]), places.textOfKey(["8"]), places.textOfKey(["no"])]).toEqual([
    "007",
    "8",
    undefined,
  ]);
  expect([places.textOfValue(["8"]), places.textOfValue(["c", 0]), places.textOfValue(["c"])]).toEqual([
    "3.10",
    "0x10",
    undefined,
  ]);
  expect(places.placeOfValue(["7"])).toEqual({ line: 1, column: 6 });
});

describe("the values of a YAML text", () => {
  it("are those that the parser of places sees", async () => {
    const read = await parseYaml(file);
    expect(read.ok && read.value).toEqual(asPlacesSee(file)?.value);
  });

  it("are so in damaged files, too, wherever both parsers accept them", async () => {
    const seed = Number(process.env["AGENTCORE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    const random = randomFrom(seed);
    let agreed = 0;
    for (let round = 0; round < 500; round += 1) {
      const text = damaged(file, random);
      const read = await parseYaml(text);
      const other = read.ok ? asPlacesSee(text) : null;
      if (!read.ok || other === null) continue;
      const same = isDeepStrictEqual(withoutNullKeys(read.value), other.value);
      expect(same, `seed ${seed}, round ${round}: ${JSON.stringify(text)}`).toBe(true);
      agreed += 1;
    }
    expect(agreed).toBeGreaterThan(50);
  });

  it("may be named once and used again", async () => {
    expect(await parseYaml("a: &x [1]\nb: *x\n")).toMatchObject({ ok: true, value: { a: [1], b: [1] } });
  });

  it.each([
    ["a: *x\n", "1:4 not YAML: no value is named &x before this"],
    [
      "a: &a [1,1]\nb: &b [*a,*a]\nc: [".concat("*b,".repeat(60), "]\n"),
      "1:1 not YAML: Excessive alias count",
    ],
  ])("that are named %j are one clear mistake", async (text, expected) => {
    const read = await parseYaml(text);
    const [issue] = read.ok ? [] : read.issues;
    expect(`${issue?.line}:${issue?.column} ${issue?.message}`).toContain(expected);
  });

  it("do not change the prototype of anything", async () => {
    const read = await parseYaml("__proto__: { polluted: true }\n");
    expect(read.ok && Object.keys(read.value as object)).toEqual(["__proto__"]);
    expect("polluted" in {}).toBe(false);
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

/** A key that is not there reads as "" with the one parser, as "null" with the other; no setting has either name. */
function withoutNullKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNullKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== "null" && key !== "");
  return Object.fromEntries(entries.map(([key, entry]) => [key, withoutNullKeys(entry)]));
}

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
