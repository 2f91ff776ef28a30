import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createIds, systemClock, systemIds } from "./system.ts";

it("ids are UUIDv7, strictly increasing and without repeats", () => {
  const ids = Array.from({ length: 20_000 }, () => systemIds.next());
  expect(
    ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
  ).toBe(true);
  expect(ids).toEqual(ids.toSorted());
  expect(new Set(ids).size).toBe(ids.length);
});

it("an id begins with the milliseconds of its clock, and keeps growing when the clock goes back", () => {
  const times = [0x0192_3456_789a, 0x0192_3456_789a, 5];
  const ids = createIds({ now: () => times.shift() ?? 5 });
  const made = [ids.next(), ids.next(), ids.next()];
  expect(made.map((id) => id.slice(0, 18))).toEqual([
    "01923456-789a-7000",
    "01923456-789a-7001",
    "01923456-789a-7002",
  ]);
});

it("more ids than a millisecond can count run into the next one", () => {
  const ids = createIds({ now: () => 0xffff });
  const made = Array.from({ length: 5000 }, () => ids.next());
  expect(made[4095]?.slice(0, 18)).toBe("00000000-ffff-7fff");
  expect(made[4096]?.slice(0, 18)).toBe("00000001-0000-7000");
  expect(made).toEqual(made.toSorted());
});

it("a timer fires once and never before its delay has passed, and a cancelled one never", async () => {
  const fired: string[] = [];
  systemClock.setTimer(1, () => fired.push("cancelled")).cancel();
  systemClock.setTimer(1, () => fired.push("kept"));
  const early: number[] = [];
  for (let round = 0; round < 50; round += 1) {
    const delayMs = round / 7;
    const startedMs = systemClock.monotonicMs();
    await new Promise<void>((resolve) => void systemClock.setTimer(delayMs, resolve));
    const passedMs = systemClock.monotonicMs() - startedMs;
    if (passedMs < delayMs) early.push(passedMs - delayMs);
  }
  expect(early).toEqual([]);
  expect(fired).toEqual(["kept"]);
});

it("a timer longer than setTimeout can hold does not fire at once", async () => {
  let fired = false;
  const timer = systemClock.setTimer(2 ** 40, () => {
    fired = true;
  });
  await sleep(20);
  timer.cancel();
  expect(fired).toBe(false);
});
