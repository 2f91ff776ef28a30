/** The published JSON Schema with a validator of another make: what an editor says of a file. */
import { parseYaml } from "@agentcore/yaml-file";
import { Ajv2020 } from "ajv/dist/2020.js";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const schema = JSON.parse(
  readFileSync(new URL("../../schemas/daemon.schema.json", import.meta.url), "utf8"),
) as Record<string, unknown>;
const options = { allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true };
const validate = new Ajv2020({ ...options, formats: { "date-time": true } }).compile(schema);

async function problemsOf(text: string): Promise<string> {
  const source = await parseYaml(text);
  if (!source.ok) return "not YAML";
  validate(source.value);
  return (validate.errors ?? [])
    .map(({ instancePath, message = "" }) => `${instancePath} ${message}`)
    .join("\n");
}

const good = `name: d
version: "1"
workspace: .
events: { e: { type: webhook, path: /hook } }
triggers:
  t:
    on: e
    workflow: w.yaml
    filter: { body.action: opened, body.ref: { pattern: ^refs } }
    evaluate: { worker: CUSTOM, instructions: x, capabilities: [READ] }
`;

it("the schema accepts a file that is right", async () => {
  expect(await problemsOf(good)).toBe("");
});

it.each([
  ["an unknown key", "on: e", "on: e\n    onn: e", "/triggers/t must NOT have additional properties"],
  ["an unknown key of an event", "path:", "pth: x, path:", "/events/e must NOT have additional properties"],
  ["an unknown type of event", "webhook", "web", "/events/e/type must be equal"],
  ["no workflow", "    workflow: w.yaml\n", "", "/triggers/t must have required property 'workflow'"],
  ["a number as duration", "on: e", "on: e\n    cooldown: 5", "/triggers/t/cooldown must be string"],
  ["a gate that nobody is", "worker: CUSTOM, ", "", "/triggers/t/evaluate must match exactly one"],
  ["a budget of nothing", "on: e", "on: e\n    budget: { per: day }", "/triggers/t/budget must match"],
  ["no events", "{ e: { type: webhook, path: /hook } }", "{}", "/events must NOT have fewer than 1"],
])("the schema refuses %s", async (_what, from, to, problem) => {
  expect(await problemsOf(good.replace(from, to))).toContain(problem);
});

function undescribed(at: unknown, place: string): string[] {
  if (typeof at !== "object" || at === null) return [];
  const { properties = {}, items, additionalProperties, oneOf = [] } = at as Record<string, unknown>;
  const own = Object.entries(properties as Record<string, { description?: string }>);
  return [
    ...own.flatMap(([key, value]) => (value.description === undefined ? [`${place}.${key}`] : [])),
    ...own.flatMap(([key, value]) => undescribed(value, `${place}.${key}`)),
    ...(oneOf as readonly unknown[]).flatMap((branch, index) => undescribed(branch, `${place}|${index}`)),
    ...undescribed(items, `${place}[]`),
    ...undescribed(additionalProperties, `${place}.*`),
  ];
}

it("every key of the schema has a description", () => {
  expect(undescribed(schema, "")).toEqual([]);
});
