import { journalConformance } from "@agentcore/scheduler/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openPostgresStore } from "../store/postgres-store.ts";
import { type TestDatabase, testDatabase } from "../testing/index.ts";
import { createPostgresJournal } from "./postgres-journal.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.remove());

let made = 0;

async function openJournal() {
  const store = await openPostgresStore({ url: database.url, schema: `test_${(made += 1)}` });
  onTestFinished(() => store.close());
  return createPostgresJournal(store);
}

describe("the journal on PostgreSQL meets the port's conformance suite", () => {
  it.each(journalConformance)("$name", async ({ run }) => {
    await expect(run(openJournal)).resolves.toBeUndefined();
  });
});
