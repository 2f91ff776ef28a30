import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { runtimeConfigSchema } from "./config/runtime-config.ts";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

test("the example of the README runs and prints what it says", async () => {
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  // Beside the sources, so that the package's own name resolves.
  const file = new URL(`./readme-example-${process.pid}.ts`, import.meta.url);
  await writeFile(file, example);
  try {
    const args = ["--conditions=@agentcore/source", file.pathname];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
    expect(stdout).toBe("6\nAC_BUDGET_COST: global has $4 left of $10 (day); $6 asked for\nsucceeded\n");
  } finally {
    await rm(file);
  }
});

test("the README names every section of the configuration", () => {
  const missing = Object.keys(runtimeConfigSchema.shape).filter(
    (section) => !readme.includes(`**\`${section}\`**`),
  );
  expect(missing).toEqual([]);
});
