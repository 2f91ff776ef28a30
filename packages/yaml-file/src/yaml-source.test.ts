import { testSeed } from "@agentcore/contract/testing";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { isScalar, parseDocument, visit } from "yaml";
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

/** Null where it finds a mistake, or where its values are known to be wrong. */
function asPlacesSee(text: string): { readonly value: unknown } | null {
  const document = parseDocument(text, {
    logLevel: "error",
    prettyErrors: false,
    uniqueKeys: true,
    merge: true,
  });
  if (document.errors.length > 0 || hasMarkedMergeKey(document)) return null;
  return { value: withoutNullKeys(document.toJS()) };
}

/**
 * In `! <<: *a` the tag makes the key an ordinary name, and yet the parser of places merges the value. In `&a <<: *b` the
 * parser of values forgets the name of the key.
 */
function hasMarkedMergeKey(document: ReturnType<typeof parseDocument>): boolean {
  let found = false;
  visit(document, {
    Pair: (_, { key }) => {
      if (!isScalar(key) || (key.source ?? key.value) !== "<<") return;
      found ||= key.tag !== undefined || key.anchor !== undefined;
    },
  });
  return found;
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
  [
    "a: 1\nb: !!js/function x\n",
    "2:4 not YAML: the tag !!js/function is not known; leave it out, or put a text that begins with ! in quotes",
  ],
  [
    "a: !custom { b: 1 }\n",
    "1:4 not YAML: the tag !custom is not known; leave it out, or put a text that begins with ! in quotes",
  ],
  [
    "- 1\n- !mine [2]\n",
    "2:3 not YAML: the tag !mine is not known; leave it out, or put a text that begins with ! in quotes",
  ],
  [
    "!mine x: 1\n",
    "1:1 not YAML: the tag !mine is not known; leave it out, or put a text that begins with ! in quotes",
  ],
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
    const seed = testSeed("damaged YAML files");
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
    [doubled(30), "19:12 not YAML: the aliases of the file stand for more than 1000000 values"],
    ["a: &x [1, *x]\n", "1:11 not YAML: the value &x contains itself"],
    ["a: &x { <<: *x, b: 1 }\n", "1:13 not YAML: the value &x contains itself"],
    ["a: &x { b: { <<: [*x] } }\n", "1:19 not YAML: the value &x contains itself"],
    ["a: { <<: 3 }\n", "1:6 not YAML: << takes a mapping, the alias of a mapping, or a list of these"],
    ["a: &x 3\nb: { <<: [*x] }\n", "2:6 not YAML: << takes a mapping, the alias of a mapping"],
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

/** Each line names the one before twice. */
function doubled(lines: number): string {
  const line = (index: number) => `l${index}: &l${index} [*l${index - 1}, *l${index - 1}]`;
  return ["l0: &l0 [1]", ...Array.from({ length: lines }, (_, index) => line(index + 1))].join("\n");
}

const shared = `# Aliases and merge keys
x-work: &work { worker: shell, capabilities: &caps [read, "run, tests"] }
x-slow: &slow
  timeout: 1h
  retry: { max: 2 }
base: &base
  <<: *work
  timeout: 5m
steps:
  one:
    <<: [*slow, *base]
    instructions: |
      cat <<EOF
  two: { <<: *base, timeout: &t 10m, capabilities: *caps }
  three:
    timeout: *t
    <<: { worker: codex }
    '<<': quoted
  four: *base
list: [*t, &n 3.10, *n]
`;

it.each([
  ["a: { with: { by: ${{ inputs.x }} } }", 18, "${{ inputs.x }}"],
  ["a: { b: 1, if: ${{ steps.a.status }}, c: 1 }", 16, "${{ steps.a.status }}"],
  ["a: [1, ${{ x }}]", 8, "${{ x }}"],
  ["a: { b: x ${{ x }} y }", 11, "${{ x }}"],
  ["a: { b: ${{ x } }", 9, "${{ … }}"],
  ['a: { b: ${{ x == "y" }} }', 9, "${{ … }}"],
])("a placeholder without quotes in %s has its cure", async (text, column, shown) => {
  const message = `not YAML: within { } and [ ], a text with \${{ }} needs quotes: "${shown}"`;
  expect(await parseYaml(`${text}\n`)).toEqual({ ok: false, issues: [{ line: 1, column, message }] });
});

it.each([
  [
    "if: !failure()",
    "the tag !failure() is not known; leave it out, or put a text that begins with ! in quotes",
  ],
  ["- *.ts", "no value is named &.ts before this; a text that begins with * needs quotes"],
  ["a: { b: 1 {} }", "Unexpected flow-map-start at node end"],
])("%s is no YAML: %s", async (text, words) => {
  expect(await parseYaml(`${text}\n`)).toMatchObject({
    issues: [{ message: expect.stringContaining(words) }],
  });
});

describe("aliases and merge keys", () => {
  it("give the same values with both parsers, in damaged files, too", async () => {
    const seed = testSeed("damaged aliases");
    const random = randomFrom(seed);
    let agreed = 0;
    for (let round = 0; round < 500; round += 1) {
      const text = round === 0 ? shared : edited(shared, random);
      const read = await parseYaml(text);
      const other = read.ok ? asPlacesSee(text) : null;
      if (!read.ok || other === null) continue;
      const same = isDeepStrictEqual(withoutNullKeys(read.value), other.value);
      expect(same, `seed ${seed}, round ${round}: ${JSON.stringify(text)}`).toBe(true);
      agreed += 1;
    }
    expect(agreed).toBeGreaterThan(50);
  });

  it("fill in what a mapping does not say, the first source before the second", async () => {
    const read = await parseYaml(shared);
    expect(read.ok && read.value).toMatchObject({
      steps: {
        one: { worker: "shell", timeout: "1h", retry: { max: 2 }, instructions: "cat <<EOF\n" },
        two: { worker: "shell", timeout: "10m", capabilities: ["read", "run, tests"] },
        three: { worker: "codex", timeout: "10m", "<<": "quoted" },
        four: { worker: "shell", timeout: "5m" },
      },
    });
  });

  it.each([
    ["! <<", 8],
    ["!!str <<", 12],
    ["'<<'", 6],
  ])("do not merge under the name %s", async (name, column) => {
    const read = await parseYaml(`b: &b { x: 1 }\nc: { ${name}: *b }\n`);
    expect(read.ok && read.value).toEqual({ b: { x: 1 }, c: { "<<": { x: 1 } } });
    const places = read.ok ? await read.places() : undefined;
    expect(places?.placeOfKey(["c", "<<"])).toEqual({ line: 2, column });
  });

  it("are found where their text is", async () => {
    const read = await parseYaml(shared);
    if (!read.ok) throw new TypeError("is YAML");
    const places = await read.places();
    expect(places.placeOfKey(["steps", "one", "worker"])).toEqual({ line: 2, column: 17 });
    expect(places.placeOfValue(["steps", "one", "timeout"])).toEqual({ line: 4, column: 12 });
    expect(places.placeOfValue(["steps", "two", "timeout"])).toEqual({ line: 14, column: 33 });
    expect(places.placeOfValue(["steps", "three", "worker"])).toEqual({ line: 17, column: 19 });
    expect(places.placeOfValue(["steps", "four"])).toEqual({ line: 19, column: 9 });
    expect(places.placeOfValue(["steps", "four", "timeout"])).toEqual({ line: 8, column: 12 });
    expect(places.placeOfValue(["steps", "two", "capabilities", 1])).toEqual({ line: 2, column: 59 });
    expect(places.textOfValue(["list", 2])).toBe("3.10");
  });

  it("may be used by thousands of mappings", async () => {
    const uses = Array.from({ length: 5000 }, (_, index) => `s${index}: { <<: *b, a: *v }`);
    const read = await parseYaml(`b: &b { a: 1, v: &v 2 }\n${uses.join("\n")}\n`);
    expect(read.ok && read.value).toMatchObject({ s4999: { a: 2, v: 2 } });
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
  "<<: ",
  "*t",
  "&t ",
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
  return edited(lines.slice(from, from + 3 + Math.floor(random() * 20)).join("\n"), random);
}

function edited(text: string, random: () => number): string {
  let part = text;
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
