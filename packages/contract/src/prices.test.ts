import { describe, expect, it } from "vitest";
import { listedNames, ownPriceName } from "./prices.ts";

describe("the user's own price of a model", () => {
  const own = { house: { input: 2, output: 10 }, "openai/gpt-6-sol": { input: 1, output: 1 } };

  it.each([
    ["openai", "house", "house"],
    [null, "house", "house"],
    ["openai", "gpt-6-sol", "openai/gpt-6-sol"],
    ["anthropic", "gpt-6-sol", null],
    ["openai", "constructor", null],
    ["openai", null, null],
  ] as const)("of %s and %s is that of %s", (provider, model, expected) => {
    expect(ownPriceName(own, provider, model)).toBe(expected);
  });
});

describe("the names of a model in a list of prices", () => {
  it("are the name as given, then what it says of its provider", () => {
    expect(listedNames("openrouter", "anthropic/claude-sonnet-5")).toEqual([
      { provider: "openrouter", model: "anthropic/claude-sonnet-5" },
      { provider: "anthropic", model: "claude-sonnet-5" },
    ]);
    expect(listedNames(null, "anthropic/claude-sonnet-5")).toEqual([
      { provider: "anthropic", model: "claude-sonnet-5" },
    ]);
    expect(listedNames("openai", "gpt-6-sol")).toEqual([{ provider: "openai", model: "gpt-6-sol" }]);
  });
});
