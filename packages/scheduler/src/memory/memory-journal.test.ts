import { describe, expect, it } from "vitest";
import { journalConformance } from "../testing/journal-conformance.ts";
import { createMemoryJournal } from "./memory-journal.ts";

describe("the memory journal meets the port's conformance suite", () => {
  it.each(journalConformance)("$name", async ({ run }) => {
    await expect(run(async () => createMemoryJournal())).resolves.toBeUndefined();
  });
});
