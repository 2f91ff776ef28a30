/**
 * The examples in the guide to workflows are files without mistakes, but for the name, the version and the time limit that
 * most of them leave out.
 */
import { formatProblem, parseWorkflow, workflowJsonSchema } from "@agentcore/workflow";
import { expect, it } from "vitest";
import { read } from "./repository.ts";

const examples = [...read("docs/workflows.md").matchAll(/```yaml\n([\s\S]*?)```/g)]
  .map((match) => match[1] ?? "")
  .filter((text) => text.includes("steps:"));

it("the guide to workflows has examples", () => {
  expect(examples.length).toBeGreaterThanOrEqual(3);
});

it.each(examples)("an example of the guide to workflows is without mistakes:\n%s", async (text) => {
  const head = text.startsWith("name:") ? "" : 'name: example\nversion: "1"\ntimeout: 5m\n';
  const file = `${head}${text}`;
  const readFile = (path: string) => Promise.resolve(path === "/guide/example.yaml" ? file : null);
  const parsed = await parseWorkflow({ file: "/guide/example.yaml", readFile });
  expect(parsed.ok ? [] : parsed.problems.map(formatProblem)).toEqual([]);
});

it("the guide to workflows lists every top-level key, and says which are required", () => {
  const table = /\n## What a file has\n([\s\S]*?)\n## /.exec(read("docs/workflows.md"))?.[1] ?? "";
  const rows = [...table.matchAll(/^\| (`.*?) *\| (.*?) *\|$/gm)].map(([, keys = "", text = ""]) => ({
    keys: [...keys.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ""),
    isRequired: text.startsWith("**required**"),
  }));
  const { properties, required } = workflowJsonSchema() as { properties: object; required: string[] };
  const listed = rows.flatMap(({ keys }) => keys);
  expect(listed.toSorted()).toEqual(Object.keys(properties).toSorted());
  expect(rows.flatMap(({ keys, isRequired }) => (isRequired ? keys : [])).toSorted()).toEqual(
    required.toSorted(),
  );
});
