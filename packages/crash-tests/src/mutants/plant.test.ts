/** The planted bugs still fit the sources, and the tests that they name are there. Whether these notice: `main.ts mutants`. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { plant } from "./plant.ts";
import { plantedBugs } from "./planted-bugs.ts";

const root = new URL("../../../../", import.meta.url);
const sourceOf = (file: string): string => readFileSync(new URL(file, root), "utf8");

it.each(plantedBugs)("$name: fits $file, and its test is there", (bug) => {
  const source = sourceOf(bug.file);
  expect(plant(source, bug)).not.toBe(source);
  const { file, namedIn = file, test: named } = bug.caughtBy;
  expect(sourceOf(file)).toMatch(/\b(?:test|it)\b/);
  // Names of a table's tests have its fields in them.
  const literal = named.replace(/ (?:attempt|epoch)$/, "");
  const titles = [...sourceOf(namedIn).matchAll(/["'`]([^"'`\n]+)/g)].map(([, title]) => title);
  expect(titles).toContainEqual(expect.stringContaining(literal));
});

it("a bug whose place is gone, or no longer the only one, is refused by name", () => {
  const [bug] = plantedBugs;
  expect(() => plant("", bug!)).toThrow(/attempt check dropped.*0 times/);
  expect(() => plant(`${bug!.search} ${bug!.search}`, bug!)).toThrow(/2 times/);
});
