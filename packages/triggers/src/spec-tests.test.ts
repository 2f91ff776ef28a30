/** Holds `SPEC-TESTS.md` to the tests that there are: a rule whose test was renamed or removed is noticed here. */
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const table = readFileSync(new URL("../SPEC-TESTS.md", import.meta.url), "utf8");

interface Row {
  readonly file: string;
  readonly title: string;
}

const rows = table.split("\n").flatMap((line): Row[] => {
  const [, file, title] = /^\|.*\| `([^`]+\.test\.ts)`\s*\| (.*?)\s*\|$/.exec(line) ?? [];
  return file === undefined || title === undefined ? [] : [{ file, title }];
});

function textOf(file: string): string {
  const fromTop = /^(?:packages|apps)\//.test(file);
  const url = new URL(fromTop ? `../../../${file}` : `./${file}`, import.meta.url);
  return existsSync(url) ? readFileSync(url, "utf8") : "";
}

it("every test that is named for a rule of the format is there, under that title", () => {
  const missing = rows.filter(({ file, title }) => {
    const text = textOf(file);
    return !['"', "'", "`"].some((quote) => text.includes(quote + title + quote));
  });
  expect(missing).toEqual([]);
});

it("no line of the tables is passed over", () => {
  const lines = table.split("\n").filter((line) => line.startsWith("|"));
  const heads = table.split("\n").filter((line) => line.startsWith("## "));
  expect(rows.length).toBeGreaterThan(60);
  expect(lines.length).toBe(rows.length + 2 * heads.length);
});
