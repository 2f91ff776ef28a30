import { describe, expect, it } from "vitest";
import { waitingIn } from "./waiting.ts";

function waiting(edges: Readonly<Record<string, readonly string[]>>) {
  let asked = 0;
  const waits = waitingIn((id) => {
    asked += 1;
    return edges[id] ?? [];
  });
  return { waits, asked: () => asked };
}

describe("a step waits for another", () => {
  const { waits } = waiting({ b: ["a"], c: ["b"], d: ["a"], e: ["d", "c"], x: ["y"], y: ["x"] });
  it.each([
    ["b", "a", true],
    ["c", "a", true],
    ["e", "a", true],
    ["e", "b", true],
    ["a", "b", false],
    ["d", "b", false],
    ["c", "c", false],
    ["x", "x", true],
    ["x", "a", false],
  ])("%s for %s: %s, however often it is asked", (id, other, expected) => {
    expect([waits(id, other), waits(id, other)]).toEqual([expected, expected]);
  });
});

describe("in ten thousand steps", () => {
  it("where all ask about the first of a chain, each looks no further than the one before it", () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => `s${index}`);
    const { waits, asked } = waiting(
      Object.fromEntries(ids.map((id, index) => [id, index === 0 ? [] : [`s${index - 1}`]])),
    );
    expect(ids.slice(1).every((id) => waits(id, "s0"))).toBe(true);
    expect(asked()).toBeLessThan(3 * ids.length);
  });

  it("where each asks about one that is near, it looks at what is near only", () => {
    const width = 100;
    const edges = Object.fromEntries(
      Array.from({ length: 100 * width }, (_, index) => {
        const before = index - width;
        return [`s${index}`, before < 0 ? [] : [`s${before}`, `s${before - (before % width)}`]];
      }),
    );
    const { waits, asked } = waiting(edges);
    for (let index = 2 * width; index < 100 * width; index += 1) {
      expect(waits(`s${index}`, `s${index - 2 * width}`)).toBe(true);
    }
    expect(asked()).toBeLessThan(5 * 100 * width);
  });
});
