import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readYaml } from "./read-yaml.ts";

const schema = z.strictObject({
  name: z.string(),
  retries: z.int().min(0).optional(),
  steps: z.record(z.string(), z.strictObject({ run: z.string() })).optional(),
});
const format = { schema, jsonSchema: () => z.toJSONSchema(schema, { io: "input" }) };

async function issuesOf(text: string): Promise<string[]> {
  const read = await readYaml(text, format);
  if (read.ok) throw new Error("the text was accepted");
  return read.issues.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

describe("a YAML text", () => {
  it("is read to the schema's value, with the place of each setting", async () => {
    const read = await readYaml("name: a\nsteps:\n  one:\n    run: x\n", format);
    expect(read).toMatchObject({ ok: true, value: { name: "a", steps: { one: { run: "x" } } } });
    if (!read.ok) return;
    const places = await read.source.places();
    expect(places.placeOfKey(["steps", "one", "run"])).toEqual({ line: 4, column: 5 });
    expect(places.placeOfValue(["steps", "one", "run"])).toEqual({ line: 4, column: 10 });
    expect(places.placeOfValue(["steps", "absent", "run"])).toEqual({ line: 3, column: 3 });
  });

  it("is told all its mistakes at once, in the order of the file", async () => {
    expect(await issuesOf("retires: 1\nretries: -1\nsteps:\n  one:\n    rnu: x\n")).toEqual([
      expect.stringMatching(/^1:1 name: /),
      '1:1 retires: unknown setting; did you mean "retries"?',
      expect.stringMatching(/^2:10 retries: /),
      expect.stringMatching(/^5:5 steps\.one\.run: /),
      '5:5 steps.one.rnu: unknown setting; did you mean "run"?',
    ]);
  });

  it.each([
    ["a: [1", /^1:\d+ not YAML: /],
    ["name: a\nname: b\n", /^2:1 not YAML: the name "name" is there twice; leave out one of the two$/],
    ["a:\n\tb: c\n", /^2:1 not YAML: a tab indents this line; write spaces$/],
    ["a: echo b: c\n", /^1:\d+ not YAML: a text with ": " in it needs quotes, or lines of its own after \|$/],
    [
      'a: { b: echo "c: d" }\n',
      /^1:\d+ not YAML: within \{ \} and \[ \], a text with ": " or "- " in it needs quotes$/,
    ],
    ["a: @b\n", /^1:\d+ not YAML: a text that begins with this character needs quotes$/],
    ["- a\n", /^1:1 expected settings as `name: value`/],
    ["words", /^1:1 expected settings as `name: value`/],
  ])("that is %j is one clear mistake", async (text, expected) => {
    const issues = await issuesOf(text);
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatch(expected);
  });

  it("that is empty counts as no settings", async () => {
    expect(await issuesOf("# nothing\n")).toEqual([expect.stringMatching(/^1:1 name: /)]);
  });
});
