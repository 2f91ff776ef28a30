import { endedCall, openCall } from "@agentcore/core/testing";
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
  const call = { jobId: "job-0001", startedAt: 1000 };
  await journal.end(endedCall(openCall({ ...call, id: "early", startedAt: 999 })));
  await journal.end(endedCall(openCall({ ...call, id: "a" })));
  await journal.end(endedCall(openCall({ ...call, id: "b", model: "claude-haiku-5" }), { costMicroUsd: 10 }));
  await journal.begin(openCall({ ...call, id: "c", startedAt: 1999 }));
  await journal.end(endedCall(openCall({ ...call, id: "late", startedAt: 2000 })));
  const { workers, models, tenants } = await readCallSpend(database, { since: 1000, until: 2000 });
  expect(models).toEqual([
    { name: "anthropic/claude-opus-5", calls: 2, costUsd: 0.004321, tokens: 1237, heldUsd: 0.09 },
    { name: "anthropic/claude-haiku-5", calls: 1, costUsd: 0.00001, tokens: 1237, heldUsd: 0 },
  ]);
  const all = { calls: 3, costUsd: 0.004331, tokens: 2474, heldUsd: 0.09 };
  expect(workers).toEqual([{ name: "shell", ...all }]);
  expect(tenants).toEqual([{ name: null, ...all }]);
  const none = await readCallSpend(database, { since: 3000, until: 4000 });
  expect(none).toMatchObject({ workers: [], models: [], tenants: [] });
});
