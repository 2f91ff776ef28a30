import { describe, expect, it } from "vitest";
import type { JsonScalar } from "./json-scanner.ts";
import { Tally } from "./tally.ts";

const scalar = (kind: JsonScalar["kind"], text: string): JsonScalar => ({
  kind,
  text,
  bytes: 0,
  start: 0,
  end: 0,
});
const number = (value: number) => scalar("number", String(value));

describe("a tally", () => {
  it.each<[JsonScalar["kind"], string, number | null, boolean]>([
    ["number", "12", 12, false],
    ["number", "12.0", 12, false],
    ["number", "1.2e1", 12, false],
    ["number", "11.5", 12, false],
    ["number", "-5", null, true],
    ["number", "1e300", null, true],
    ["number", "100000000", 100_000_000, false],
    ["number", "100000001", null, true],
    ["string", "12", null, true],
    ["null", "null", null, false],
    ["true", "true", null, true],
  ])("takes the %s %s as %s", (kind, text, value, isFault) => {
    const tally = new Tally<"input">();
    tally.take("input", scalar(kind, text));
    tally.commit();
    expect(tally.hasAny ? tally.get("input") : null).toBe(value);
    expect(tally.fault !== null).toBe(isFault);
  });

  it("has the largest of several reports, and of a list its sum", () => {
    const tally = new Tally<"input" | "output">();
    for (const [input, listed] of [
      [5, [1, 2]],
      [9, [4, 8]],
      [0, []],
    ] as const) {
      tally.take("input", number(input));
      for (const each of listed) tally.takeListed("input", number(each));
      tally.commit();
    }
    expect([tally.get("input"), tally.get("output")]).toEqual([12, 0]);
  });

  it("does not count a report that broke off", () => {
    const tally = new Tally<"input">();
    tally.take("input", number(5));
    tally.discard();
    tally.commit();
    expect(tally.hasAny).toBe(false);
  });
});
