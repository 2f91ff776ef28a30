import { expect, it } from "vitest";
import { z } from "zod";
import { parseByteSize } from "./byte-size.ts";
import { runtimeConfigSchema } from "./runtime-config.ts";

it("an empty configuration is valid and safe", () => {
  const config = runtimeConfigSchema.parse({});
  expect(config.limits.global).toEqual({ concurrency: 4 });
  expect(config.limits.job).toEqual({ attempts: 10, timeout: 86_400_000 });
  expect(config.workspace_lock).toBe(true);
  expect(config.backpressure.memory_available.reject).toBe(128 * 1024 * 1024);
});

it.each([
  [{ limits: { globall: {} } }, "globall"],
  [{ limits: { global: { cost_usd: { day: -1 } } } }, "day"],
  [{ limits: { global: { cost_usd: { day: Number.NaN } } } }, "day"],
  [{ limits: { global: { concurrency: 0 } } }, "concurrency"],
  [{ limits: { global: { start_rate: { count: 3, per: "0s" } } } }, "period of 0"],
  [{ limits: { job: { timeout: 30 } } }, "needs a unit"],
  [{ backpressure: { disk_free: { defer: 1024 } } }, "needs a unit"],
  [{ backpressure: { disk_free: { defer: "1 gig" } } }, "not a size"],
  [{ degrade: { drop_capabilities: ["fly"] } }, "drop_capabilities"],
])("%j is refused with the place in the message", (input, expected) => {
  const parsed = runtimeConfigSchema.safeParse(input);
  expect(parsed.success).toBe(false);
  expect(JSON.stringify(parsed.error?.issues)).toContain(expected);
});

it("every key of the published JSON Schema has a description", () => {
  const schema = z.toJSONSchema(runtimeConfigSchema, { io: "input" });
  const missing: string[] = [];
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null) return;
    const { properties } = node as { properties?: Record<string, unknown> };
    for (const [key, value] of Object.entries(properties ?? {})) {
      const described = "description" in (value as object) || "properties" in (value as object);
      if (!described) missing.push(`${path}.${key}`);
      walk(value, `${path}.${key}`);
    }
  };
  walk(schema, "");
  expect(missing.filter((path) => !/\.(degrade|defer|reject)$/.test(path))).toEqual([]);
  expect(JSON.stringify(schema)).toContain('"additionalProperties":false');
});

it.each([
  ["512MiB", 536_870_912],
  ["1.5 GB", 1_500_000_000],
  ["0B", 0],
  ["12", undefined],
  ["MiB", undefined],
  ["-1MiB", undefined],
])("the size %s is %s bytes", (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes);
});
