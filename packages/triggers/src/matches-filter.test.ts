import { expect, it } from "vitest";
import type { FilterRule } from "./definition.ts";
import { matchesFilter } from "./matches-filter.ts";

const payload = { type: "webhook", body: { action: "opened", n: 5, ok: true, no: null, list: ["a"] } };
const at = (path: string): { path: string[] } => ({ path: path.split(".") });

it.each<[boolean, FilterRule]>([
  [true, { ...at("body.action"), equals: "opened" }],
  [false, { ...at("body.action"), equals: "open" }],
  [true, { ...at("body.n"), equals: "5" }],
  [true, { ...at("body.ok"), equals: true }],
  [true, { ...at("body.no"), equals: null }],
  [false, { ...at("body.no"), equals: "null" }],
  [false, { ...at("body.missing"), equals: null }],
  [false, { ...at("body.constructor.name"), pattern: "." }],
  [false, { ...at("body"), equals: "[object Object]" }],
  [true, { ...at("body.list.0"), equals: "a" }],
  [true, { ...at("body.action"), pattern: "^open" }],
  [false, { ...at("body.n"), pattern: "5" }],
  [true, { ...at("body.action"), oneOf: ["closed", "opened"] }],
  [false, { ...at("body.action"), oneOf: ["closed"] }],
])("a filter says %s of %j", (expected, rule) => {
  expect(matchesFilter([rule], payload)).toBe(expected);
});

it("all conditions of a filter must hold", () => {
  const rules = [
    { ...at("type"), equals: "webhook" },
    { ...at("body.n"), equals: 5 },
  ] as const;
  expect(matchesFilter(rules, payload)).toBe(true);
  expect(matchesFilter([...rules, { ...at("body.n"), equals: 6 }], payload)).toBe(false);
  expect(matchesFilter([], payload)).toBe(true);
});

it("a text that is too long, or for which a pattern takes too long, does not match", () => {
  const pattern = "^(a+)+$";
  expect(matchesFilter([{ ...at("x"), pattern }], { x: "a".repeat(10_000) })).toBe(true);
  expect(matchesFilter([{ ...at("x"), pattern }], { x: "a".repeat(10_001) })).toBe(false);
  expect(matchesFilter([{ ...at("x"), pattern }], { x: `${"a".repeat(60)}!` })).toBe(false);
});
