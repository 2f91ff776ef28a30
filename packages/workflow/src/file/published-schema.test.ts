/** The published JSON Schemas with a validator of another make: what an editor says of a file. */
import { parseYaml } from "@agentcore/yaml-file";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const schemas = fileURLToPath(new URL("../../schemas", import.meta.url));
const examples = fileURLToPath(new URL("../../../../examples/workflows", import.meta.url));
const schemaAt = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;

const validators = new Map<string, ValidateFunction>();
function validatorOf(path: string): ValidateFunction {
  const options = { allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true };
  const validate = validators.get(path) ?? new Ajv2020(options).compile(schemaAt(path));
  validators.set(path, validate);
  return validate;
}

/** The errors of the text, as `/steps/a/worker must be string`. */
async function problemsOf(
  text: string,
  schemaPath = join(schemas, "workflow.schema.json"),
): Promise<string[]> {
  const source = await parseYaml(text);
  if (!source.ok) return source.issues.map(({ message }) => message);
  const validate = validatorOf(schemaPath);
  validate(source.value);
  return (validate.errors ?? []).map(({ instancePath, message = "" }) => `${instancePath} ${message}`);
}

describe("the schema accepts", () => {
  it.each(readdirSync(examples).filter((file) => file.endsWith(".yaml")))(
    "the example %s, which names it in its first line",
    async (file) => {
      const text = readFileSync(join(examples, file), "utf8");
      const named = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1] ?? "";
      const path = join(examples, named);
      expect(existsSync(path) && dirname(path) === schemas).toBe(true);
      expect(await problemsOf(text, path)).toEqual([]);
    },
  );

  const work = (worker: string, capability: string): string =>
    `name: x\nversion: "1"\ntimeout: 1h30m\nsteps: { a: { worker: ${worker}, capabilities: [${capability}], instructions: x } }`;
  it.each([
    ["shell", "read"],
    ["CUSTOM", "READ"],
    ["claude-code", "run_tests"],
    ["CLAUDE_CODE", "RUN_TESTS"],
    ["codex", "run_commands"],
    ["CODEX_CLI", "RUN_COMMANDS"],
    ["opencode", "edit"],
    ["OPENCODE", "EDIT"],
    ["an-adapter-of-my-own", "edit"],
  ])("the worker %s with %s", async (worker, capability) => {
    expect(await problemsOf(work(worker, capability))).toEqual([]);
  });
});

describe("the schema refuses", () => {
  const good = `name: x\nversion: "1"\ntimeout: 10m\nsteps:\n  a:\n    worker: shell\n    capabilities: [read]\n    instructions: "true"\n`;

  it.each<[string, string, string, string]>([
    ["an unknown key", "name: x", "name: x\nnmae: y", "must NOT have additional properties"],
    ["an unknown key of a step", "    worker", "    depend_on: [b]\n    worker", "/steps/a must NOT have"],
    ["a version that is no text", `"1"`, "1", "/version must be"],
    ["a duration without a unit", "10m", "10", "/timeout must be string"],
    ["a duration without a unit, in quotes", "10m", `"10"`, "/timeout must match pattern"],
    ["a missing time limit", "timeout: 10m\n", "", "must have required property 'timeout'"],
    ["a capability that there is not", "[read]", "[fly]", "/steps/a/capabilities/0 must be equal"],
    ["capabilities that are no list", "[read]", "read", "/steps/a/capabilities must be array"],
    ["a step that nobody works on", "    worker: shell\n", "", "/steps/a must match exactly one schema"],
    ["two who work", "    worker", "    workflow: ./b.yaml\n    worker", "/steps/a must match exactly one"],
    ["a worker with nothing to do", `    instructions: "true"\n`, "", "/steps/a must match exactly one"],
    ["an id with a blank", "  a:", "  a b:", "/steps must match pattern"],
    [
      "a wrong choice",
      "    worker",
      "    on_failure: ignore\n    worker",
      "/steps/a/on_failure must be equal",
    ],
    ["a number of iterations below 1", "    worker", "    max_iterations: 0\n    worker", "must be >= 1"],
    [
      "a check that nobody makes",
      "    worker",
      "    completion_check: { instructions: x }\n    worker",
      "/steps/a/completion_check must match exactly one",
    ],
  ])("%s", async (_what, from, to, problem) => {
    expect(await problemsOf(good)).toEqual([]);
    const found = await problemsOf(good.replace(from, to));
    expect(found.join("\n")).toContain(problem);
  });

  it("a file without a step", async () => {
    const text = `name: x\nversion: "1"\ntimeout: 1m\nsteps: {}\n`;
    expect(await problemsOf(text)).toEqual(["/steps must NOT have fewer than 1 properties"]);
  });
});

/** Places of keys without a description for editors. */
function undescribed(schema: unknown, place: string): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties, items, additionalProperties } = schema as Record<string, unknown>;
  const own = Object.entries((properties ?? {}) as Record<string, { description?: string }>);
  return [
    ...own.flatMap(([key, value]) => (value.description === undefined ? [`${place}.${key}`] : [])),
    ...own.flatMap(([key, value]) => undescribed(value, `${place}.${key}`)),
    ...undescribed(items, `${place}[]`),
    ...undescribed(additionalProperties, `${place}.*`),
  ];
}

it.each(["workflow", "agents"])("every key of the schema %s has a description", (name) => {
  expect(undescribed(schemaAt(join(schemas, `${name}.schema.json`)), "")).toEqual([]);
});
