import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { runtimeConfigSchema } from "./config/runtime-config.ts";

it("the README names every section of the configuration", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const missing = Object.keys(runtimeConfigSchema.unwrap().shape).filter(
    (section) => !readme.includes(`**\`${section}\`**`),
  );
  expect(missing).toEqual([]);
});
