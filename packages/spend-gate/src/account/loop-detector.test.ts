import { describe, expect, it } from "vitest";
import { LoopDetector } from "./loop-detector.ts";

/** `a` sends a request, `!a` fails the last one with that fingerprint. */
function isLoopAfter(steps: string, next: string, most: number | null): boolean {
  const detector = new LoopDetector(most);
  for (const step of steps.split(" ").filter(Boolean)) {
    if (step.startsWith("!")) detector.failed(step.slice(1));
    else detector.begun(step);
  }
  return detector.isLoop(next);
}

describe("a loop of requests", () => {
  it.each([
    ["as many as allowed", "a a", "a", 3, false],
    ["one too many", "a a a", "a", 3, true],
    ["another request between them", "a a b a", "a", 3, false],
    ["another request next", "a a a", "b", 3, false],
    ["a retry after a failure", "a !a a !a a !a a !a", "a", 3, false],
    ["answered requests after a retry", "a !a a a a", "a", 3, true],
    ["a failure of another request", "a a b !a b b", "b", 3, true],
    ["no limit", "a a a a", "a", null, false],
    ["a limit of one", "a", "a", 1, true],
  ] as const)("with %s", (_name, steps, next, most, expected) => {
    expect(isLoopAfter(steps, next, most)).toBe(expected);
  });
});
