import { checkReadSpend } from "@agentcore/core/testing";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readSpend } from "./read-spend.ts";
import { createSqliteLedger } from "./sqlite-ledger.ts";
import { openStateDatabase } from "./state-database.ts";

it("spend is summed by window, of everything and of each worker, and nothing else", async () => {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-spend-"));
  const database = await openStateDatabase({ directory });
  onTestFinished(async () => {
    await database.close();
    rmSync(directory, { recursive: true });
  });
  const ledger = createSqliteLedger(database);
  await expect(checkReadSpend(ledger, (query) => readSpend(database, query))).resolves.toBeUndefined();
});
