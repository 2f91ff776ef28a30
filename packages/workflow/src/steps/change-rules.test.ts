import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { patienceMs } from "@agentcore/contract/testing";
import { judgeChanges, observedOf, unjudgedChanges } from "./change-rules.ts";
import { matchesPath } from "../path-glob.ts";

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
    ["**/b", "ab", false],
    ["**/b", "a/b/c", true],
    ["a**b", "a/x/b", true],
    ["a*b", "a/b", false],
    ["a/**/b", "a/b", true],
    ["a/**/b", "a/x/y/b", true],
    ["*", "a/b", true],
    ["?", "/", false],
    ["", "a", false],
    [".*", "a", false],
  ])("%s covers %s: %s", (pattern, path, expected) => {
    expect(matchesPath(pattern, path)).toBe(expected);
  });
});

/** In a separate process, since nothing interrupts a function that does not return. */
it(
  "patterns that are made to take long take no time",
  () => {
    const cases = [
      ["*a".repeat(10) + "b", "a".repeat(200)],
      ["**/".repeat(200) + "x", "a/".repeat(2000)],
      ["*?".repeat(100) + "b", "a".repeat(2000)],
      ["**".repeat(200) + "x", "a/".repeat(2000)],
    ];
    const program = `
    import { matchesPath } from ${JSON.stringify(new URL("../path-glob.ts", import.meta.url).href)};
    console.log(JSON.stringify(${JSON.stringify(cases)}.map(([pattern, path]) => matchesPath(pattern, path))));
  `;
    const { stdout, signal } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      timeout: 20_000,
      encoding: "utf8",
    });
    expect({ signal, stdout }).toEqual({ signal: null, stdout: "[false,false,false,false]\n" });
  },
  patienceMs(30_000),
);

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
