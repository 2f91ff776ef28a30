import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { withLiveGrowth } from "./live-memory.ts";

it("memory that is held for a while counts, whether on the heap or in buffers", async () => {
  const { value, growthMb } = await withLiveGrowth(async () => {
    const held = Array.from({ length: 100 }, () => Buffer.alloc(1024 * 1024, 1));
    await delay(400);
    return held.length;
  });
  expect(value).toBe(100);
  expect(growthMb).toBeGreaterThan(90);
});

it("garbage does not count", async () => {
  const { growthMb } = await withLiveGrowth(async () => {
    for (let round = 0; round < 20; round++) {
      for (let piece = 0; piece < 20; piece++) Buffer.alloc(1024 * 1024, 1);
      await delay(5);
    }
  });
  expect(growthMb).toBeLessThan(40);
});
