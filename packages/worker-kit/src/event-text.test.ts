import { eventTextCharsMax } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { boundedText, oneLine, textEvent } from "./event-text.ts";

describe("the text of an event", () => {
  it("is left alone up to the limit and cut with a mark above it", () => {
    expect(textEvent("x".repeat(eventTextCharsMax))).not.toHaveProperty("truncated");
    const cut = textEvent("x".repeat(eventTextCharsMax + 1));
    expect(cut).toEqual({ type: "text", text: "x".repeat(eventTextCharsMax), truncated: true });
  });

  it("is never cut inside a surrogate pair", () => {
    expect(boundedText("ab😀", 3)).toEqual({ text: "ab", truncated: true });
    expect(boundedText("ab😀", 4)).toEqual({ text: "ab😀" });
  });

  it("fits on one line where it should", () => {
    expect(oneLine("  a\n\tb  c ")).toBe("a b c");
    expect(oneLine("abcdef", 4)).toBe("abc…");
  });
});
