import { expect, it } from "vitest";
import { absoluteText, attemptText, durationText, moneyText, plainText, relativeText } from "./format.ts";

it("writes durations as the command line does", () => {
  expect([250, 1500, 59_000, 90_061, 11_520_000, 90_000_000].map(durationText)).toEqual([
    "250ms",
    "1.5s",
    "59s",
    "1m30s",
    "3h12m",
    "1d1h",
  ]);
  expect(durationText(null)).toBe("–");
});

it("writes money with cents, and small sums with four digits", () => {
  expect([0, 0.0042, 1.5, 1234.5].map(moneyText)).toEqual(["$0", "$0.0042", "$1.50", "$1,234.50"]);
});

it("counts the attempts of a job, but those of a step only up to now", () => {
  expect(attemptText({ attempt: 1, maxAttempts: 3, run: null })).toBe("1 of 3");
  expect(attemptText({ attempt: 2, maxAttempts: 100, run: "r" })).toBe("2");
});

it("says how long ago or until a moment", () => {
  expect(relativeText(0, 65_000)).toBe("1m ago");
  expect(relativeText(7_200_000, 0)).toBe("in 2h");
  expect(relativeText(0, 30 * 86_400_000)).toMatch(/^1970-01-01|1969-12-31$/);
  expect(absoluteText(0)).toMatch(/^19(?:70-01-01|69-12-31) \d\d:\d\d:\d\d [+−]\d\d:\d\d$/);
});

it("takes escapes of the terminal out of foreign text, and shows other controls as a sign", () => {
  const title = "\u001B]0;owned\u0007";
  const text = `${title}a \u001B[31mred\u001B[0m\r\nline\u0008\u202Eevil\ttab`;
  expect(plainText(text)).toBe("a red\nline\u{FFFD}\u{FFFD}evil\ttab");
});
