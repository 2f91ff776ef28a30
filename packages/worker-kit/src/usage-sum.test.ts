import { unknownUsage } from "@agentcore/contract";
import { expect, it } from "vitest";
import { addUsage, addUsd, sumUsage } from "./usage-sum.ts";

const some = { inputTokens: 3, cachedInputTokens: null, outputTokens: 1 };

it("adds field by field and keeps the unknown unknown", () => {
  expect(addUsage(unknownUsage, some)).toEqual(some);
  expect(addUsage(some, unknownUsage)).toEqual(some);
  expect(sumUsage([some, { inputTokens: 2, cachedInputTokens: 5, outputTokens: 0 }])).toEqual({
    inputTokens: 5,
    cachedInputTokens: 5,
    outputTokens: 1,
  });
  expect(sumUsage([])).toEqual(unknownUsage);
});

it("adds dollars without binary noise", () => {
  expect([0.00321, 0.00147, 0.00135].reduce(addUsd, 0)).toBe(0.00603);
});

it("stays a number, and exact or capped, whatever is printed", () => {
  const huge = { inputTokens: Number.MAX_SAFE_INTEGER, cachedInputTokens: 1, outputTokens: 1 };
  expect(addUsage(huge, huge).inputTokens).toBe(Number.MAX_SAFE_INTEGER);
  expect(addUsd(1e308, 1e308)).toBe(Number.MAX_SAFE_INTEGER);
});
