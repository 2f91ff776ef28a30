import { describe, expect, it } from "vitest";
import { durationSchema, parseDurationMs } from "./duration.ts";
import { formatDuration } from "./std/duration-text.ts";

describe("a duration", () => {
  it.each([
    ["200ms", 200],
    ["30s", 30_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["1h30m", 5_400_000],
    ["1d", 86_400_000],
    ["1.5s", 1500],
    [" 10s ", 10_000],
  ])("reads %j as %d ms", (text, expected) => {
    expect(parseDurationMs(text)).toBe(expected);
  });

  it.each(["", " ", "10", "10 parsecs", "-5s", "1m1h", "s", "367d", "NaN", "1e3s", "5m 3s"])(
    "refuses %j",
    (text) => {
      expect(parseDurationMs(text)).toBeUndefined();
      expect(durationSchema.safeParse(text).success).toBe(false);
    },
  );

  it("says what a bare number lacks", () => {
    expect(durationSchema.safeParse(10).error?.issues[0]?.message).toContain("needs a unit");
    expect(durationSchema.safeParse("10").error?.issues[0]?.message).toContain("number with a unit");
  });

  it.each([
    [0, "0ms"],
    [999, "999ms"],
    [1000, "1s"],
    [1500, "1.5s"],
    [61_000, "1m1s"],
    [120_000, "2m"],
    [5_400_000, "1h30m"],
    [90_000_000, "1d1h"],
  ])("shows %d ms as %j", (durationMs, expected) => {
    expect(formatDuration(durationMs)).toBe(expected);
  });
});
