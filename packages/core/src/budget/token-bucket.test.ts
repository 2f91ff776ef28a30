import * as fc from "fast-check";
import { expect, it } from "vitest";
import { testSeed } from "@agentcore/contract/testing";
import { TokenBucket } from "./token-bucket.ts";

it("a full bucket gives its count at once, then one per interval", () => {
  const bucket = new TokenBucket(3, 60_000);
  for (let i = 0; i < 3; i += 1) {
    expect(bucket.waitMs(0)).toBe(0);
    bucket.take(0);
  }
  expect(bucket.waitMs(0)).toBe(20_000);
  expect(bucket.waitMs(19_999)).toBe(1);
  expect(bucket.waitMs(20_000)).toBe(0);
});

it("asking changes nothing", () => {
  const bucket = new TokenBucket(1, 1000);
  bucket.take(0);
  for (let i = 0; i < 100; i += 1) expect(bucket.waitMs(400)).toBe(600);
  expect(bucket.levelAt(400)).toBeCloseTo(0.4);
});

it("a token given back is there again, and never more than the bucket holds", () => {
  const bucket = new TokenBucket(2, 1000);
  bucket.take(0);
  bucket.giveBack(0);
  bucket.giveBack(0);
  expect(bucket.levelAt(0)).toBe(2);
});

it("no stretch of one period sees more than twice the count", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 200 });
  const busiestPeriod = (count: number, perMs: number, waits: readonly number[]): number => {
    const bucket = new TokenBucket(count, perMs);
    const starts: number[] = [];
    let now = 0;
    for (const wait of waits) {
      now += wait;
      while (bucket.waitMs(now) === 0) {
        bucket.take(now);
        starts.push(now);
      }
    }
    return Math.max(...starts.map((from) => starts.filter((at) => at >= from && at < from + perMs).length));
  };
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 5000 }),
      gaps,
      (count, perMs, waits) => {
        expect(busiestPeriod(count, perMs, waits)).toBeLessThanOrEqual(2 * count);
      },
    ),
    { seed: testSeed("token bucket") },
  );
});
