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
  ])("%s is %j", (text, expected) => {
    expect(value(text)).toBe(expected);
  });

  it.each([
    ["", /value is missing/],
    ["inputs.a ==", /value is missing/],
    ["(inputs.a", /"\)" is missing/],
    ["inputs.a inputs.b", /"inputs\.b" is not expected/],
    ["&& true", /"&&" is not expected/],
    ["env.HOME", /"env\.HOME" is no reference; there are inputs/],
    ["inputs.a = 1", /cannot read "= 1"/],
    ["'open", /cannot read/],
    ["run()", /"run" is no reference/],
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
