import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OpenLedger, counterOf, ledgerConformanceCases } from "@agentcore/core/testing";
import { describe, expect, it } from "vitest";
import { createSqliteLedger } from "./sqlite-ledger.ts";
import { openStateDatabase } from "./state-database.ts";

async function openIn(directory: string): Promise<OpenLedger> {
  const database = await openStateDatabase({ directory });
  return {
    ledger: createSqliteLedger(database),
    reopen: () => openIn(directory),
    close: () => database.close(),
  };
}

async function openFresh(): Promise<OpenLedger> {
  const directory = await mkdtemp(join(tmpdir(), "agentcore-ledger-"));
  const opened = await openIn(directory);
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

it("settled holds and ended counters are forgotten after the time to keep them, open holds and lasting totals never", async () => {
  const directory = await mkdtemp(join(tmpdir(), "agentcore-ledger-"));
  const database = await openStateDatabase({ directory });
  const dayMs = 86_400_000;
  const ledger = createSqliteLedger(database, { keepMs: dayMs });
  const day = counterOf("global", "day");
  const total = counterOf("global", "total");
  const ofJob = counterOf("job:j1", "total");
  const entry = (holdId: string, heldAt: number) => ({
    holdId,
    jobId: "j1",
    attempt: 1,
    worker: "shell",
    owner: { pid: 1, startTicks: null, bootId: null },
    heldAt,
    costMicroUsd: 5,
    tokens: 0,
    counters: [day, total, ofJob],
  });
  const spent = { costMicroUsd: 3, tokens: 1, basis: "reported", settledAt: 1000 } as const;

  await ledger.hold(entry("settled", 1000));
  await ledger.settle("settled", spent);
  await ledger.hold({ ...entry("open", 1000), counters: [total] });
  await ledger.charge({ ...entry("later", 1000 + 3 * dayMs), counters: [] }, spent);

  expect(await ledger.settle("settled", spent)).toBe("unknown");
  const levels = await ledger.levels([day, total, ofJob]);
  expect(levels.map((level) => level.costSpentMicroUsd)).toEqual([0, 3, 0]);
  expect((await ledger.openHolds()).map((hold) => hold.holdId)).toEqual(["open"]);
  await database.close();
  await rm(directory, { recursive: true });
});
