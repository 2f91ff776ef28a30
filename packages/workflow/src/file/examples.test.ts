import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { parseWorkflow } from "./parse-workflow.ts";
import { formatProblem } from "@agentcore/yaml-file";

const folder = fileURLToPath(new URL("../../../../examples/workflows", import.meta.url));
const files = (await readdir(folder)).filter((file) => file.endsWith(".yaml") && file !== "agents.yaml");

it.each(files)("the example %s is without mistakes", async (file) => {
  const read = (path: string) => readFile(path, "utf8").catch(() => null);
  const parsed = await parseWorkflow({ file: join(folder, file), readFile: read });
  expect(parsed.ok ? [] : parsed.problems.map(formatProblem)).toEqual([]);
});
