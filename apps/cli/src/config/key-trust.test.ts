import { describe, expect, it } from "vitest";
import { entryFor, keyTrust, onlyLimits } from "./key-trust.ts";
import { configJsonSchema } from "./schema.ts";

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly anyOf?: readonly Node[];
  readonly allOf?: readonly Node[];
  readonly $ref?: string;
}

/** The paths of all possible keys, with `*` for any name; a place where any value is allowed is a leaf. */
function leavesOf(node: Node, path: readonly string[] = []): string[][] {
  const parts = [node, ...(node.anyOf ?? []), ...(node.allOf ?? [])];
  const below = parts.flatMap(({ properties = {}, additionalProperties }) => [
    ...Object.entries(properties).flatMap(([name, inner]) => leavesOf(inner, [...path, name])),
    ...(typeof additionalProperties === "object" && additionalProperties.$ref === undefined
      ? leavesOf(additionalProperties, [...path, "*"])
      : []),
  ]);
  return below.length === 0 ? [[...path]] : below;
}

describe("every setting of the schema is classified", () => {
  const leaves = leavesOf(configJsonSchema());

  it("as a limit, or as one that needs trust", () => {
    expect(leaves.length).toBeGreaterThan(90);
    const unknown = leaves.filter((path) => entryFor(path) === undefined).map((path) => path.join("."));
    // Add a new setting to the table in key-trust.ts: can it do anything but restrict a request?
    expect(unknown).toEqual([]);
  });

  it("and nothing is classified that there is not, or twice", () => {
    const entries = Object.keys(keyTrust);
    const used = new Set(leaves.map((path) => entryFor(path)));
    expect(entries.filter((entry) => !used.has(entry))).toEqual([]);
    const nested = entries.filter((entry) => entries.some((other) => entry.startsWith(`${other}.`)));
    expect(nested).toEqual([]);
  });

  it("and only numbers, durations and sizes are limits", () => {
    const limits = leaves.filter((path) => keyTrust[entryFor(path) ?? ""] === "limit");
    const names =
      "attempts calls calls_in_flight concurrency cost_usd count day file_size hour max_cost max_tokens memory month per processes timeout tokens total";
    expect(new Set(limits.map((path) => path.at(-1)))).toEqual(new Set(names.split(" ")));
  });
});

it.each([
  [{}, {}, []],
  [{ limits: { job: { cost_usd: 1 } } }, { limits: { job: { cost_usd: 1 } } }, []],
  [{ unheard_of: 1 }, {}, ["unheard_of"]],
  [{ limits: { job: { unheard_of: 1 } } }, { limits: { job: {} } }, ["limits.job.unheard_of"]],
  [{ workers: { a: { program: "/x" }, b: {} } }, {}, ["workers.a", "workers.b"]],
  [{ workers: null }, {}, ["workers"]],
  [
    { spend_gate: "off", providers: { anthropic: { base_url: "https://elsewhere.example" } } },
    {},
    ["spend_gate", "providers"],
  ],
  [{ defaults: { max_cost: 1, capabilities: [] } }, { defaults: { max_cost: 1 } }, ["defaults.capabilities"]],
])("of %j counts %j", (value, kept, ignored) => {
  expect(onlyLimits(value)).toEqual({ value: kept, ignored });
});
