import { describe, expect, it } from "vitest";
import { callJournalConformanceCases } from "../testing/call-journal-conformance.ts";
import { createMemoryCallJournal } from "./memory-journal.ts";

describe("the in-memory journal of calls meets the port's conformance suite", () => {
  const open = async () => ({ journal: createMemoryCallJournal(), close: async () => {} });
  it.each(callJournalConformanceCases(open, { durable: false }))("$name", async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });
});
