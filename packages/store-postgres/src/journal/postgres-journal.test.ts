import { journalConformance } from "@agentcore/scheduler/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { testStores } from "../testing/test-stores.ts";
import { createPostgresJournal } from "./postgres-journal.ts";

const { open } = testStores();

async function openJournal() {
  const store = await open();
  onTestFinished(() => store.close());
  return createPostgresJournal(store);
}

describe("the journal on PostgreSQL meets the port's conformance suite", () => {
  it.each(journalConformance)("$name", async ({ run }) => {
    await expect(run(openJournal)).resolves.toBeUndefined();
  });
});
