import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endedCall, openCall } from "@agentcore/core/testing";
import { acceptEvents, ended, firingOf, running, testToken, triggerState } from "@agentcore/triggers/testing";
import { expect, it, onTestFinished } from "vitest";
import { type SqliteDriver, nodeSqliteDriver } from "./driver.ts";
import { createSqliteCallJournal } from "./sqlite-call-journal.ts";
import { createSqliteJobStore } from "./sqlite-job-store.ts";
import { createSqliteLedger } from "./sqlite-ledger.ts";
import { createSqliteTokenStore } from "./sqlite-token-store.ts";
import { readSpend } from "./read-spend.ts";
import { createSqliteTriggerStore } from "./sqlite-trigger-store.ts";
import { openStateDatabase } from "./state-database.ts";
import { finishJobs, runTenJobs } from "./testing/ten-jobs.ts";

/** Tables of a few rows, the result of a list, and indexes that contain only what is selected. */
const harmless =
  /^SCAN (?:CONSTANT ROW|[degpw](?:$)|value|json_each|\(subquery|\w+ USING (?:COVERING )?INDEX (?:jobs_ready|jobs_running|ledger_holds_open)|ended|claim_groups|owners|schema_version)/;

/** As above; counting reads two narrow indexes. */
const harmlessForTriggers =
  /^SCAN (?:CONSTANT ROW|n$|json_each|\(subquery|trigger_states|trigger_sources|api_tokens|trigger_firings USING COVERING INDEX trigger_firings_(?:trigger|reason)|\w+ USING (?:COVERING )?INDEX trigger_(?:events_unrouted|firings_open))/;

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

async function openRecorded() {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-plans-"));
  const texts = new Set<string>();
  const database = await openStateDatabase({ directory, driver: recordingDriver(texts) });
  onTestFinished(async () => {
    await database.close();
    rmSync(directory, { recursive: true });
  });
  /** Plans of the statements prepared so far that read a whole table or index other than a harmless one. */
  const flawedPlans = async (allowed: RegExp) => {
    expect([...texts].filter((text) => /\?\d/.test(text))).toEqual([]);
    const plans = await database.read((sql) =>
      [...texts]
        .filter((text) => /^\s*(?:SELECT|INSERT|UPDATE|DELETE)/.test(text))
        .map((text) => {
          const steps = sql.all(`EXPLAIN QUERY PLAN ${text}`).map((row) => String(row.detail));
          return { text, scans: steps.filter((step) => step.startsWith("SCAN") && !allowed.test(step)) };
        }),
    );
    return plans.filter(({ scans }) => scans.length > 0);
  };
  return { database, texts, flawedPlans };
}

it("nothing that jobs and budgets do reads a whole table, so its cost does not grow with the queue", async () => {
  const { database, texts, flawedPlans } = await openRecorded();
  const stores = { jobs: createSqliteJobStore(database), ledger: createSqliteLedger(database) };
  await runTenJobs(stores, () => {});
  await finishJobs(stores);
  await stores.jobs.stats(1);
  await stores.jobs.waits({ now: 1, keys: ["/w"] });
  await stores.jobs.ended(["job-0001"]);
  await stores.jobs.get("job-0001");
  await stores.jobs.list({ states: ["dead"] });
  const calls = createSqliteCallJournal(database);
  await calls.begin(openCall());
  await calls.end(endedCall(openCall()));
  await calls.calls("p1");
  await calls.callsOfJob("j1");
  await calls.attemptsOfJob("j1");
  await readSpend(database, { window: "hour", since: 0, until: 1 });
  expect(texts.size).toBeGreaterThan(40);
  expect(await flawedPlans(harmless)).toEqual([]);
});

it("nothing that events and triggers do reads a whole table, so its cost does not grow with history", async () => {
  const { database, texts, flawedPlans } = await openRecorded();
  const store = createSqliteTriggerStore(database);
  const tokens = createSqliteTokenStore(database);
  const [event] = await acceptEvents(store, { key: "k" });
  await store.accept({ events: [], sources: { clock: 1 } });
  await store.unrouted(10);
  const firing = firingOf(event!, { state: running("run") });
  await store.commit({ routed: [event!.id], firings: [firing], triggers: [triggerState("trigger")] });
  await store.load();
  await store.event(event!.id);
  await store.firing(firing.id);
  for (const source of [undefined, "source"]) await store.events({ limit: 10, ...(source && { source }) });
  const { trigger } = firing;
  const kinds = ["running", "ended"] as const;
  const filters = [{}, { trigger }, { kinds }, { trigger, kinds }];
  for (const found of [{}, { run: "run" }, { event: event!.id }, { run: "run", event: event!.id }])
    for (const filter of filters) await store.firings({ ...found, ...filter, before: 100, limit: 10 });
  await store.commit({ firings: [{ ...firing, state: ended("run") }] });
  await store.countFirings();
  await store.deleteEnded({ before: 1e9, now: 1e9, limit: 10 });
  await tokens.add(testToken());
  await tokens.list();
  await tokens.remove("token");
  expect(texts.size).toBeGreaterThan(40);
  expect(await flawedPlans(harmlessForTriggers)).toEqual([]);
});
