import { expect, it } from "vitest";
import { runtimeConfig } from "../testing/requests.ts";
import { ProviderPause } from "./provider-pause.ts";

const { provider_pause: config } = runtimeConfig({
  provider_pause: { first: "10s", max: "1h", decrease: 0.5 },
});

function pauseWith(inFlight: number): ProviderPause {
  const pause = new ProviderPause(config);
  for (let i = 0; i < inFlight; i += 1) pause.enter();
  return pause;
}

it("a content provider limits nothing", () => {
  const pause = pauseWith(500);
  expect(pause.isFull).toBe(false);
  expect(pause.waitMs(0)).toBe(0);
});

it.each([
  ["it says how long", 7000, 7000],
  ["it does not say", null, 10_000],
  ["it asks for more than is allowed", 86_400_000, 3_600_000],
  ["it asks for nothing", 0, 0],
])("the pause where %s", (_name, retryAfterMs, waitMs) => {
  const pause = pauseWith(2);
  pause.refused(100, 50, retryAfterMs);
  expect(pause.waitMs(100)).toBe(waitMs);
});

it("runs that were under way when the pause began lengthen it and cut the limit only once", () => {
  const pause = pauseWith(8);
  pause.refused(1000, 500, 5000);
  expect(pause.allowed).toBe(4);
  pause.refused(1100, 600, 9000);
  pause.refused(1200, 700, null);
  expect(pause.allowed).toBe(4);
  expect(pause.waitMs(1200)).toBe(10_000);
});

it("the limit halves at each new refusal, never below one, and the pause doubles", () => {
  const pause = pauseWith(8);
  const seen: [allowed: number, waitMs: number][] = [];
  let now = 0;
  for (let i = 0; i < 5; i += 1) {
    pause.refused(now, now, null);
    seen.push([pause.allowed, pause.waitMs(now)]);
    now += pause.waitMs(now);
  }
  expect(seen).toEqual([
    [4, 10_000],
    [2, 20_000],
    [1, 40_000],
    [1, 80_000],
    [1, 160_000],
  ]);
});

it("successes raise the limit by one a round until it is back where it was, and then lift it", () => {
  const pause = pauseWith(4);
  pause.refused(0, 0, 1000);
  expect(pause.allowed).toBe(2);
  const seen: number[] = [];
  for (let i = 0; i < 10; i += 1) {
    pause.succeeded();
    seen.push(Math.floor(pause.allowed));
  }
  expect(seen.slice(0, 6)).toEqual([2, 3, 3, 3, 4, Infinity]);
  expect(pause.isFull).toBe(false);
});

it("a success ends the doubling of pauses", () => {
  const pause = pauseWith(4);
  pause.refused(0, 0, null);
  pause.refused(10_000, 10_000, null);
  pause.succeeded();
  pause.refused(50_000, 50_000, null);
  expect(pause.waitMs(50_000)).toBe(10_000);
});
