import { checkReadCallSpend } from "@agentcore/core/testing";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readCallSpend } from "./read-call-spend.ts";
import { createSqliteCallJournal } from "./sqlite-call-journal.ts";
import { createSqliteJobStore } from "./sqlite-job-store.ts";
import { createSqliteLedger } from "./sqlite-ledger.ts";
import { openStateDatabase } from "./state-database.ts";
import { runTenJobs } from "./testing/ten-jobs.ts";

it("sums the calls of a time by worker, model and tenant, what is open apart", async () => {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-call-spend-"));
  const database = await openStateDatabase({ directory });
  onTestFinished(async () => {
    await database.close();
    rmSync(directory, { recursive: true });
  });
  await runTenJobs({ jobs: createSqliteJobStore(database), ledger: createSqliteLedger(database) }, () => {});
  const journal = createSqliteCallJournal(database);
  const check = checkReadCallSpend(journal, "job-0001", (query) => readCallSpend(database, query));
  await expect(check).resolves.toBeUndefined();
});
