import { describe, expect, it } from "vitest";
import { judgeChanges } from "./change-rules.ts";
import { matchesPath } from "./path-glob.ts";

describe("a path pattern", () => {
  it.each([
    ["src/**", "src/a/b.ts", true],
    ["src/**", "srcs/a.ts", false],
    ["src", "src/a.ts", true],
    ["./src/", "src/a.ts", true],
    ["*.md", "README.md", true],
    ["*.md", "docs/README.md", false],
    ["**/*.md", "docs/a/README.md", true],
    ["**/*.md", "README.md", true],
    ["a?c.[x]", "abc.[x]", true],
    ["a+b", "aab", false],
  ])("%s covers %s: %s", (pattern, path, expected) => {
    expect(matchesPath(pattern, path)).toBe(expected);
  });
});

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
