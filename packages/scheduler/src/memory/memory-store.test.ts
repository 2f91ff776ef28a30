import { describe, expect, it } from "vitest";
import { jobStoreConformance } from "../testing/index.ts";
import { createMemoryStore } from "./memory-store.ts";

describe("the memory store conforms", () => {
  it.each(jobStoreConformance)("$name", async ({ run }) => {
    await expect(run({ open: async () => createMemoryStore() })).resolves.toBeUndefined();
  });
});
