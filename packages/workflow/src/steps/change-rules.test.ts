import { describe, expect, it } from "vitest";
import { judgeChanges, observedOf, unjudgedChanges } from "./change-rules.ts";

describe("what an iteration changed", () => {
  const rules = { allowedPaths: ["src/**"], ignoredPaths: ["**/*.log"], maxChangedFiles: 2 };
  it.each<[string, readonly string[], readonly string[]]>([
    ["is fine inside the allowed paths", ["src/a.ts", "x.log", "context/a/_meta.json"], []],
    ["is a violation outside", ["src/a.ts", "package.json"], ["outside_allowed_paths:package.json"]],
    ["is a violation where it is too much", ["src/a", "src/b", "src/c"], ["too_many_changed_files"]],
  ])("%s", (_name, changed, violations) => {
    expect(judgeChanges(rules, changed, ["context"]).violations).toEqual(violations);
  });

  it("is not judged where there are no rules", () => {
    expect(judgeChanges({ allowedPaths: [], ignoredPaths: [], maxChangedFiles: null }, ["a", "b"])).toEqual({
      violations: [],
      reason: "",
    });
  });
});

it("changes that are not known, or not all of them, are no proof that the rules were kept", () => {
  expect(observedOf({ commands: [], filesChanged: ["a"] })).toEqual({ files: ["a"], unknown: null });
  expect(observedOf({ commands: [], filesChanged: [], incomplete: "why" }).unknown).toBe("why");
  expect(observedOf({ commands: [], filesChanged: null }).unknown).toBe("the workspace was not compared");
  expect(observedOf(undefined).unknown).toBe("the workspace was not compared");
  expect(unjudgedChanges("why")).toEqual({
    violations: ["changes_not_known"],
    reason: "allowed_paths and max_changed_files cannot be judged: why",
  });
});
