import { describe, expect, it } from "vitest";
import {
  evaluate,
  fillIn,
  parseExpression,
  placeholdersIn,
  referencesOf,
  type Lookup,
  type Value,
} from "./expression.ts";

const values: Readonly<Record<string, Value>> = {
  "inputs.deep": true,
  "inputs.name": "x",
  "inputs.count": 3,
  "matrix.os": "linux",
  "steps.build.status": "SUCCEEDED",
  "failure()": true,
};
const lookup: Lookup = (path) => values[path.join(".")] ?? null;

function value(text: string): Value {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return evaluate(parsed.expression, lookup);
}

describe("an expression", () => {
  it.each<[string, Value]>([
    ["inputs.deep", true],
    ["!inputs.deep", false],
    ["inputs.name == 'x'", true],
    ['inputs.name == "x"', true],
    ["inputs.name != 'x'", false],
    ["inputs.count == 3", true],
    ["inputs.count == '3'", false],
    ["inputs.absent", null],
    ["inputs.absent == null", true],
    ["steps.build.status == 'SUCCEEDED' && matrix.os == 'linux'", true],
    ["steps.build.status == 'FAILED' || inputs.deep", true],
    ["!(inputs.deep && inputs.absent)", true],
    ["true || false && false", true],
    ["(true || false) && false", false],
    [" 'it\\'s' ", "it's"],
    ["-1.5", -1.5],
    ["failure() && !always( )", true],
  ])("%s is %j", (text, expected) => {
    expect(value(text)).toBe(expected);
  });

  it.each([
    ["", /value is missing/],
    ["inputs.a ==", /value is missing/],
    ["(inputs.a", /"\)" is missing/],
    ["inputs.a inputs.b", /"inputs\.b" is not expected/],
    ["&& true", /"&&" is not expected/],
    ["env.HOME", /unknown reference "env\.HOME"; references begin with inputs\./],
    ["env.HOME", /; write inputs\.NAME, or read \$NAME in the script$/],
    ["needs.a.result == 'failure'", /; write steps\.ID\.status or steps\.ID\.outputs\.NAME$/],
    ["inputs.a and inputs.b", /; write && for and$/],
    ["not (inputs.a)", /; write ! for not$/],
    ["steps.a.status == FAILED", /; a text needs quotes: 'FAILED'$/],
    ["inputs.a = 1", /cannot read "= 1"; write == to compare$/],
    ["startsWith(inputs.a, 'v')", /unknown function "startsWith\(\)".*; let an earlier step compute it/],
    ["fromJSON(inputs.a)", /; leave it out: a value that is a JSON list is read as one in matrix$/],
    ["failure('a')", /"failure" takes no arguments; write failure\(\)/],
    ["'open", /cannot read/],
    ["run()", /unknown function "run\(\)"; there are success\(\), failure\(\), cancelled\(\), always\(\)/],
    ["failure", /"failure" is a function; write failure\(\)/],
  ])("%j is refused with the reason", (text, reason) => {
    const parsed = parseExpression(text);
    expect(parsed).toMatchObject({ ok: false, message: expect.stringMatching(reason) });
  });

  it("tells what it refers to", () => {
    const parsed = parseExpression("!inputs.a && (steps.b.status == 'FAILED' || matrix.c != 1)");
    expect(parsed.ok && referencesOf(parsed.expression)).toEqual([
      ["inputs", "a"],
      ["steps", "b", "status"],
      ["matrix", "c"],
    ]);
  });
});

describe("what is long or deep", () => {
  it.each<[string, string, RegExp]>([
    ["parentheses", `${"(".repeat(2000)}1${")".repeat(1900)}`, /more than 100 parentheses/],
    ["a long text", "(".repeat(50_000), /longer than 4000 characters/],
    ["a chain without an end", "!".repeat(3000), /value is missing/],
    ["a placeholder in an expression", "${{ inputs.a }}", /write it without \$\{\{ \}\}/],
  ])("is refused: %s", (_what, text, reason) => {
    expect(parseExpression(text)).toMatchObject({ ok: false, message: expect.stringMatching(reason) });
  });

  it.each<[string, string, Value]>([
    ["many signs", `${"!".repeat(3001)}true`, false],
    ["two signs", "!!inputs.name", true],
    ["a long chain", Array.from({ length: 900 }, () => "1").join("||"), true],
  ])("is read: %s", (_what, text, expected) => {
    expect(value(text)).toBe(expected);
  });

  it("takes time in proportion to a text full of placeholders, closed or not", () => {
    const open = "${{ ".repeat(100_000);
    const started = performance.now();
    expect(fillIn(open, lookup)).toBe(open);
    expect(placeholdersIn(`${open}}}`)).toHaveLength(1);
    expect(fillIn("${{ inputs.name }}".repeat(50_000), lookup)).toHaveLength(50_000);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe("a text", () => {
  it("has its placeholders filled in, and nothing else touched", () => {
    expect(fillIn("run ${{ inputs.name }} on ${{matrix.os}} $HOME ${x} ${{ inputs.absent }}.", lookup)).toBe(
      "run x on linux $HOME ${x} .",
    );
  });

  it("does not fill in what a value brings along", () => {
    expect(fillIn("${{ inputs.name }}", () => "${{ inputs.deep }}")).toBe("${{ inputs.deep }}");
  });

  it("lists its placeholders", () => {
    expect(placeholdersIn("a ${{ inputs.x }} b ${{ matrix.y == 1 }}")).toEqual(["inputs.x", "matrix.y == 1"]);
  });
});
