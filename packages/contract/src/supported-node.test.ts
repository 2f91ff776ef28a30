import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { isSupportedNode } from "./supported-node.ts";

it.each([
  ["18.20.8", false],
  ["20.20.2", false],
  ["22.12.0", false],
  ["22.13.0", true],
  ["22.20.0", true],
  ["23.0.0", true],
  ["24.1.0-nightly", true],
])("Node %s is supported: %s", (version, expected) => {
  expect(isSupportedNode(version)).toBe(expected);
});

it("the limit is that of the manifest", () => {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { engines } = JSON.parse(manifest) as { engines: { node: string } };
  const least = engines.node.replace(">=", "");
  const [major = 0, minor = 0] = least.split(".").map(Number);
  expect(isSupportedNode(`${least}.0`)).toBe(true);
  expect(isSupportedNode(`${major}.${minor - 1}.0`)).toBe(false);
});
