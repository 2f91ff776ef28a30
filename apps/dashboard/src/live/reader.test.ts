import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Reader } from "./reader.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

it("reads at once, then at most 4 times a second, and once more for all that was asked meanwhile", async () => {
  let reads = 0;
  const reader = new Reader(async () => void (reads += 1));
  for (let each = 0; each < 100; each++) reader.ask();
  expect(reads).toBe(1);
  await vi.advanceTimersByTimeAsync(249);
  expect(reads).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(reads).toBe(2);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(reads).toBe(2);
  for (let ms = 0; ms < 5000; ms += 10) {
    reader.ask();
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(reads).toBeLessThanOrEqual(2 + 5 * 4 + 1);
});

it("never reads twice at once", async () => {
  let atOnce = 0;
  let mostAtOnce = 0;
  let reads = 0;
  const reader = new Reader(async () => {
    reads += 1;
    atOnce += 1;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    await sleep(2000);
    atOnce -= 1;
  });
  for (let ms = 0; ms < 10_000; ms += 100) {
    reader.ask();
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(mostAtOnce).toBe(1);
  expect(reads).toBe(6);
});

it("aborts what it reads when it is closed, and reads no more", async () => {
  const signals: AbortSignal[] = [];
  const reader = new Reader(async (signal) => {
    signals.push(signal);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  reader.ask();
  reader.ask();
  reader.close();
  reader.ask();
  await vi.advanceTimersByTimeAsync(1000);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});
