/** Holds each `SPEC-TESTS.md` to the tests that there are: a rule whose test was renamed or removed is noticed here. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "./repository.ts";

interface Row {
  readonly file: string;
  readonly title: string;
}

/** With at least so many rules. */
const tables: readonly (readonly [folder: string, rules: number])[] = [
  ["packages/workflow", 100],
  ["packages/triggers", 130],
  ["packages/spend-gate", 40],
];

describe.each(tables)("the rules of %s", (folder, rulesMin) => {
  const table = readFileSync(join(root, folder, "SPEC-TESTS.md"), "utf8");
  const rows = table.split("\n").flatMap((line): Row[] => {
    const [, file, title] = /^\|.*\| `([^`]+\.test\.ts)`\s*\| (.*?)\s*\|$/.exec(line) ?? [];
    return file === undefined || title === undefined ? [] : [{ file, title }];
  });

  function textOf(file: string): string {
    const fromTop = /^(?:packages|apps)\//.test(file);
    const path = join(root, fromTop ? file : join(folder, "src", file));
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  it("every test that is named for a rule is there, under that title", () => {
    const missing = rows.filter(({ file, title }) => {
      const text = textOf(file);
      return !['"', "'", "`"].some((quote) => text.includes(quote + title + quote));
    });
    expect(missing).toEqual([]);
  });

  it("no line of the tables is passed over", () => {
    const lines = table.split("\n").filter((line) => line.startsWith("|"));
    const heads = table.split("\n").filter((line) => line.startsWith("## "));
    expect(rows.length).toBeGreaterThan(rulesMin);
    expect(lines.length).toBe(rows.length + 2 * heads.length);
  });
});
