import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { omitUndefined } from "@agentcore/contract";
import { type OpenLedger, ledgerConformanceCases } from "@agentcore/core/testing";
import { describe, expect, it } from "vitest";
import { type SqliteLedgerOptions, createSqliteLedger } from "./sqlite-ledger.ts";
import { openStateDatabase } from "./state-database.ts";

async function openIn(directory: string, options?: SqliteLedgerOptions): Promise<OpenLedger> {
  const database = await openStateDatabase({ directory });
  return {
    ledger: createSqliteLedger(database, options),
    reopen: () => openIn(directory),
    close: () => database.close(),
  };
}

async function openFresh(keepMs?: number): Promise<OpenLedger> {
  const directory = await mkdtemp(join(tmpdir(), "agentcore-ledger-"));
  const opened = await openIn(directory, omitUndefined({ keepMs }));
  return {
    ...opened,
    close: async () => {
      await opened.close();
      await rm(directory, { recursive: true });
    },
  };
}

describe("the SQLite ledger meets the port's conformance suite", () => {
  it.each(ledgerConformanceCases({ open: openFresh }, { shared: true }))("$name", async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });
});
