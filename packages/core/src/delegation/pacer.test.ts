import { expect, it } from "vitest";
import { runtimeConfig } from "../testing/requests.ts";
import { createPacer } from "./pacer.ts";

it("starts of a paced worker are at least their interval apart, and others do not wait for them", async () => {
  const { pacing } = runtimeConfig({ pacing: { workers: { slow: { min_interval: "60ms" } } } });
  const pacer = createPacer(pacing);
  const order: string[] = [];
  const startedMs = performance.now();
  const turns = ["slow", "slow", "slow", "quick"].map(async (worker) => {
    await pacer.turn(worker);
    order.push(worker);
    return performance.now() - startedMs;
  });
  const [, , third = 0] = await Promise.all(turns);
  expect(order[0]).toBe("quick");
  expect(third).toBeGreaterThanOrEqual(119);
});
