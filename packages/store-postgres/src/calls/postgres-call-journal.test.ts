import { type OpenCallJournal, callJournalConformanceCases } from "@agentcore/core/testing";
import { describe, expect, it } from "vitest";
import { testStores } from "../testing/test-stores.ts";
import { createPostgresCallJournal } from "./postgres-call-journal.ts";

const { open, newSchema } = testStores();

async function openIn(schema: string): Promise<OpenCallJournal> {
  const store = await open({ schema });
  return {
    journal: createPostgresCallJournal(store),
    reopen: () => openIn(schema),
    close: () => store.close(),
  };
}

describe("the PostgreSQL journal of calls meets the port's conformance suite", () => {
  it.each(callJournalConformanceCases(() => openIn(newSchema()), { durable: true }))(
    "$name",
    async (check) => {
      await expect(check.run()).resolves.toBeUndefined();
    },
  );
});
