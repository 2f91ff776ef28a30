import { describe, expect, it } from "vitest";
import type { InputDeclaration } from "./definition.ts";
import { testWorkflow } from "./testing/test-workflow.ts";
import { resolveInputs, type InputValues } from "./inputs.ts";

const declare = (type: InputDeclaration["type"], rest: Partial<InputDeclaration> = {}): InputDeclaration => ({
  type,
  default: null,
  required: false,
  description: null,
  ...rest,
});
const workflow = testWorkflow([], {
  inputs: new Map([
    ["name", declare("string", { default: "world" })],
    ["count", declare("number", { required: true })],
    ["loud", declare("boolean")],
  ]),
});

describe("the inputs of a run", () => {
  it.each<[string, InputValues, InputValues]>([
    ["take defaults where nothing is given", { count: 1 }, { name: "world", count: 1, loud: null }],
    ["are read as their type", { name: "7", count: "7", loud: "true" }, { name: "7", count: 7, loud: true }],
    ["make texts of what is none", { name: 5, count: "1e3" }, { name: "5", count: 1000, loud: null }],
  ])("%s", (_name, given, expected) => {
    expect(resolveInputs(workflow, given)).toEqual(expected);
  });

  it("are refused with all that is wrong at once", () => {
    expect(() => resolveInputs(workflow, { nmae: "x", loud: "yes" })).toThrow(
      'there is no input "nmae"; there are name, count, loud; input "count" is required; give it a value; input "loud" is a boolean, not "yes"',
    );
  });
});
