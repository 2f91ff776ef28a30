import { seededRandom, testSeed } from "@agentcore/contract/testing";
import { expect, it } from "vitest";
import { quantile, slopeOf } from "./slope.ts";

it("the slope of series that begin at different levels is that of each of them", () => {
  const points = Array.from({ length: 40 }, (_, x) => ({
    x,
    y: 3 * x + (x < 20 ? 0 : -500),
    series: x < 20 ? "a" : "b",
  }));
  expect(slopeOf(points).slope).toBeCloseTo(3);
  expect(slopeOf(points).error).toBeCloseTo(0);
});

it("noise shows in the error, and the slope is within a few of it", () => {
  const random = seededRandom(testSeed("slopes"));
  const points = Array.from({ length: 500 }, (_, x) => ({ x, y: x / 10 + random.next() * 20, series: "a" }));
  const { slope, error } = slopeOf(points);
  expect(error).toBeGreaterThan(0.0005);
  expect(Math.abs(slope - 0.1)).toBeLessThan(6 * error);
});

it("too few points have no slope", () => {
  expect(
    slopeOf([
      { x: 0, y: 1, series: "a" },
      { x: 1, y: 2, series: "a" },
    ]).slope,
  ).toBeNaN();
  expect(quantile([], 0.5)).toBeNaN();
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
});
