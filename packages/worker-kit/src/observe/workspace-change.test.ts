import { describe, expect, it } from "vitest";
import { mergeClaims } from "./workspace-change.ts";

const observed = { files: ["b"], patch: null, note: null };
const unseen = (path: string): boolean => path.startsWith("node_modules/");

describe("what a worker claims to have changed", () => {
  it("is not believed where everything was looked at", () => {
    expect(mergeClaims({ ...observed, complete: true }, ["a", "b"], unseen)).toEqual(["b"]);
  });

  it("is believed where the look does not reach", () => {
    expect(mergeClaims({ ...observed, complete: true }, ["a", "node_modules/x"], unseen)).toEqual([
      "b",
      "node_modules/x",
    ]);
    expect(mergeClaims({ ...observed, complete: false }, ["a", "b"], unseen)).toEqual(["a", "b"]);
  });
});
