import { describe, expect, it } from "vitest";
import { tokenStoreConformance, triggerStoreConformance } from "../testing/index.ts";
import { createMemoryTokenStore } from "./memory-token-store.ts";
import { createMemoryTriggerStore } from "./memory-trigger-store.ts";

describe("the trigger store in memory conforms", () => {
  it.each(triggerStoreConformance)("$name", async ({ run }) => {
    await expect(run({ open: async () => createMemoryTriggerStore() })).resolves.toBeUndefined();
  });
});

describe("the token store in memory conforms", () => {
  it.each(tokenStoreConformance)("$name", async ({ run }) => {
    await expect(run({ open: async () => createMemoryTokenStore() })).resolves.toBeUndefined();
  });
});
