import { expect, it } from "vitest";
import { jsonProblem, keyProblem } from "./payload-bounds.ts";

const nested = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);
const circle: unknown[] = [];
circle.push(circle);

it.each<[string, unknown, string | null]>([
  ["an object", { a: [1, "x", null, true, { b: {} }] }, null],
  ["a name that every object has", JSON.parse('{"__proto__": 1, "constructor": 2}'), null],
  ["64 levels", nested(64), null],
  ["65 levels", nested(65), "is nested more than 64 levels deep"],
  ["half a million levels", nested(500_000), "is nested more than 64 levels deep"],
  ["a circle", circle, "is nested more than 64 levels deep"],
  ["too many values", Array.from({ length: 100_000 }, () => 0), "has more than 100000 values"],
  ["a function", { a: () => {} }, "has a value that JSON cannot hold"],
  ["undefined", undefined, "has a value that JSON cannot hold"],
  ["a number without end", [Number.POSITIVE_INFINITY], "has a value that JSON cannot hold"],
  ["an object of a class", new Date(0), "has a value that JSON cannot hold"],
])("%s", (_name, value, problem) => {
  expect(jsonProblem(value)).toBe(problem);
});

it.each([
  ["72d3162e-cc78-11e3-81ab-4c9367dc0958", null],
  ["grün/1", null],
  ["", "is empty"],
  ["x".repeat(201), "is longer than 200 characters"],
  ["a\u001b[2J", "has control characters"],
  ["\ud800", "has control characters"],
])("the key %j", (key, problem) => {
  expect(keyProblem(key)).toBe(problem);
});
