import { expect, it } from "vitest";
import { scaleOf, spanOf, stacksOf, type Bucket } from "./spend-series.ts";

const bucket = (costUsd: number, workers: Readonly<Record<string, number>>): Bucket => ({
  at: "2026-01-01T00:00:00.000Z",
  costUsd,
  tokens: 0,
  workers: Object.fromEntries(
    Object.entries(workers).map(([name, usd]) => [name, { costUsd: usd, tokens: 1 }]),
  ),
});

it("who spent most is at the bottom, each stack stands on those below it, and nothing is left out of the top", () => {
  const stacks = stacksOf([bucket(0.3, { a: 0.1, b: 0.2 }), bucket(0, {}), bucket(1, { b: 0.6, shell: 0 })]);
  expect(stacks).toEqual([
    { name: "b", values: [0.2, 0, 0.6], tops: [0.2, 0, 0.6] },
    { name: "a", values: [0.1, 0, 0], tops: [0.3, 0, 0.6] },
    { name: "other", values: [0, 0, 0.4], tops: [0.3, 0, 1] },
  ]);
});

it("of many workers the smallest are one stack", () => {
  const workers = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`w${index}`, 8 - index]));
  const stacks = stacksOf([bucket(36, workers)]);
  expect(stacks.map(({ name }) => name)).toEqual(["w0", "w1", "w2", "w3", "other"]);
  expect(stacks.at(-1)?.tops).toEqual([36]);
});

it("no spend is no stack, and a worker may have any name", () => {
  expect(stacksOf([bucket(0, { shell: 0 })])).toEqual([]);
  expect(stacksOf([bucket(1, { ["__proto__"]: 1 }), bucket(0, {})])[0]?.values).toEqual([1, 0]);
});

it.each([
  ["day", "day"],
  [null, "month"],
  ["constructor", "month"],
])("the span %s is %s", (text, span) => {
  expect(spanOf(text)).toBe(span);
});

it.each([
  [0, [0, 1]],
  [0.0003, [0, 0.0001, 0.0002, 0.0003]],
  [1, [0, 0.25, 0.5, 0.75, 1]],
  [16.01, [0, 5, 10, 15, 20]],
  [41, [0, 20, 40, 60]],
])("the scale of %d has round steps and holds it", (max, ticks) => {
  expect(scaleOf(max)).toEqual({ top: ticks.at(-1), ticks });
});
