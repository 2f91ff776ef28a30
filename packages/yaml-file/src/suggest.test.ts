import { expect, it } from "vitest";
import { didYouMean, nearest } from "./suggest.ts";

const workers = ["shell", "claude-code", "codex", "opencode"];

it.each([
  ["claude-cod", "claude-code"],
  ["claudecode", "claude-code"],
  ["Codex", "codex"],
  ["cdoex", "codex"],
  ["open-code", "opencode"],
  ["shlel", "shell"],
  ["shel", "shell"],
  ["claude", "claude-code"],
  ["open", "opencode"],
  ["co", undefined],
  ["gemini", undefined],
  ["", undefined],
  ["xy", undefined],
])("the nearest worker to %j is %j", (name, expected) => {
  expect(nearest(name, workers)).toBe(expected);
});

it("a name with nothing near it gets no suggestion", () => {
  expect(didYouMean("gemini", workers)).toBe("");
  expect(didYouMean("codx", workers)).toBe('; did you mean "codex"?');
});

it("a name of one letter is near to no other letter, and the beginning of several names to none of them", () => {
  expect(nearest("a", ["b", "c"])).toBeUndefined();
  expect(nearest("A", ["a", "b"])).toBe("a");
  expect(nearest("build", ["build-linux", "build-macos"])).toBeUndefined();
});

it("among thousands of names none is looked for", () => {
  const many = Array.from({ length: 3000 }, (_, index) => `step-${index}`);
  expect(nearest("stpe-1", many.slice(0, 100))).toBe("step-1");
  expect(nearest("stpe-1", many)).toBeUndefined();
});
