import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { optionsSchema } from "./check-options.ts";

const guide = readFileSync(new URL("../../../../docs/embedding.md", import.meta.url), "utf8");

/** The rows of the first table below the heading: the cells without their backticks, by the first one. */
function rowsBelow(heading: string): Map<string, readonly string[]> {
  const text = guide.slice(guide.indexOf(heading));
  const rows = text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("`", "")),
    );
  const end = text.indexOf("\n## ");
  const within = text.slice(0, end === -1 ? undefined : end);
  return new Map(
    rows.filter(([name]) => within.includes(`| \`${name}\``)).map((cells) => [cells[0] ?? "", cells]),
  );
}

const units: readonly (readonly [suffix: RegExp, unit: string])[] = [
  [/Ms$/, "ms"],
  [/Usd$/, "US dollars"],
  [/Tokens$/, "tokens"],
];

it("the guide to embedding lists all options of run(), with the units, limits and defaults of their schema", () => {
  const { properties = {}, required = [] } = optionsSchema("run()");
  const rows = rowsBelow("## Options of `run()`");
  expect([...rows.keys()].toSorted()).toEqual(Object.keys(properties).toSorted());
  for (const [name, schema] of Object.entries(properties)) {
    const [, unit = "", fallback = "", meaning = ""] = rows.get(name) ?? [];
    const expected = units.find(([suffix]) => suffix.test(name))?.[1];
    if (expected !== undefined) expect({ name, unit }).toEqual({ name, unit: expected });
    expect({ name, isRequired: fallback === "required" }).toEqual({
      name,
      isRequired: required.includes(name),
    });
    if (typeof schema === "boolean") continue;
    if (schema.default !== undefined && JSON.stringify(schema.default) !== "{}")
      expect({ name, fallback }).toEqual({
        name,
        fallback: expect.stringContaining(JSON.stringify(schema.default).replaceAll('"', "")) as string,
      });
    const { maximum } = schema;
    if (maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER)
      expect({ name, meaning }).toEqual({
        name,
        meaning: expect.stringContaining(`at most ${maximum}`) as string,
      });
  }
});
