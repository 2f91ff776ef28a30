import { describe, expect, it } from "vitest";
import { jobStoreConformance } from "../testing/index.ts";
import { createMemoryJournal } from "./memory-journal.ts";
import { createMemoryStore } from "./memory-store.ts";

describe("the memory store conforms", () => {
  it.each(jobStoreConformance)("$name", async ({ run }) => {
    const journal = createMemoryJournal();
    const harness = { open: async () => createMemoryStore({ journal }), journalOf: () => journal };
    await expect(run(harness)).resolves.toBeUndefined();
  });
});
