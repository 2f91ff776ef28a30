import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type SqliteDriver, nodeSqliteDriver } from "./driver.ts";
import { createSqliteJobStore } from "./sqlite-job-store.ts";
import { createSqliteLedger } from "./sqlite-ledger.ts";
import { openStateDatabase } from "./state-database.ts";
import { finishJobs, runTenJobs } from "./testing/ten-jobs.ts";

/** Tables of a few rows, the result of a list, and indexes that contain only what is selected. */
const harmless =
  /^SCAN (?:CONSTANT ROW|[ep](?:$)|value|json_each|\(subquery|\w+ USING (?:COVERING )?INDEX (?:jobs_ready|jobs_running|ledger_holds_open)|ended|claim_groups|owners|schema_version)/;

/** Every statement prepared through the driver, by its text. */
function recordingDriver(texts: Set<string>): SqliteDriver {
  return {
    open(path, options) {
      const connection = nodeSqliteDriver.open(path, options);
      return {
        ...connection,
        prepare(sql) {
          texts.add(sql);
          return connection.prepare(sql);
        },
        prepareValues(sql) {
          texts.add(sql);
          return connection.prepareValues(sql);
        },
      };
    },
  };
}

it("nothing that jobs and budgets do reads a whole table, so its cost does not grow with the queue", async () => {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-plans-"));
  const texts = new Set<string>();
  const database = await openStateDatabase({ directory, driver: recordingDriver(texts) });
  const stores = { jobs: createSqliteJobStore(database), ledger: createSqliteLedger(database) };
  await runTenJobs(stores, () => {});
  await finishJobs(stores);
  await stores.jobs.stats(1);
  await stores.jobs.ended(["job-0001"]);
  await stores.jobs.get("job-0001");
  await stores.jobs.list({ states: ["dead"] });

  const plans = await database.read((sql) =>
    [...texts]
      .filter((text) => /^\s*(?:SELECT|INSERT|UPDATE|DELETE)/.test(text))
      .map((text) => {
        const steps = sql.all(`EXPLAIN QUERY PLAN ${text}`).map((row) => String(row.detail));
        return { text, scans: steps.filter((step) => step.startsWith("SCAN") && !harmless.test(step)) };
      }),
  );
  expect(plans.length).toBeGreaterThan(40);
  expect([...texts].filter((text) => /\?\d/.test(text))).toEqual([]);
  expect(plans.filter(({ scans }) => scans.length > 0)).toEqual([]);
  await database.close();
  rmSync(directory, { recursive: true });
});
