import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { patienceMs } from "../testing/index.ts";
import { matchesPath, mayMatchBelow } from "./path-glob.ts";

describe("a path pattern", () => {
  it.each([
    ["src/**/*.ts", "src", true],
    ["src/**/*.ts", "src/a/b", true],
    ["src/*.ts", "src", true],
    ["src/*.ts", "src/a", false],
    ["src", "src/a", true],
    ["*.md", "src", false],
    ["**/*.md", "node_modules", true],
    ["a/b/c", "a/b", true],
    ["a/b/c", "a/bc", false],
    ["a/b/c", "", true],
  ])("%s may match something below %s: %s", (pattern, directory, expected) => {
    expect(mayMatchBelow(pattern, directory)).toBe(expected);
  });

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
    import { matchesPath } from ${JSON.stringify(new URL("path-glob.ts", import.meta.url).href)};
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
