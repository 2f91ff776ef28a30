import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TriggerStore } from "@agentcore/triggers";
import {
  acceptEvents,
  sharedTriggerStoreConformance,
  testEvent,
  tokenStoreConformance,
  triggerStoreConformance,
  type SharedTriggerStoreHarness,
} from "@agentcore/triggers/testing";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { nodeSqliteDriver, type SqliteDriver } from "./driver.ts";
import { createSqliteTokenStore } from "./sqlite-token-store.ts";
import { createSqliteTriggerStore } from "./sqlite-trigger-store.ts";
import { openStateDatabase } from "./state-database.ts";
import { faultyDriver, sqliteFailure } from "./testing/faulty-driver.ts";
import { stateFlaws } from "./testing/state-flaws.ts";

const root = await mkdtemp(join(tmpdir(), "agentcore-triggers-"));
afterAll(() => rm(root, { recursive: true }));

const directories = new WeakMap<TriggerStore, string>();

/** A database whose file is checked at the end: it must be sound after every case. */
async function openDatabase(directory: string, driver?: SqliteDriver) {
  const database = await openStateDatabase({ directory, ...(driver && { driver }) });
  onTestFinished(async () => {
    const flaws = await stateFlaws(database);
    await database.close();
    expect(flaws).toEqual([]);
  });
  return database;
}

async function openIn(directory: string, driver?: SqliteDriver): Promise<TriggerStore> {
  const store = createSqliteTriggerStore(await openDatabase(directory, driver));
  directories.set(store, directory);
  return store;
}

const newDirectory = async () => mkdtemp(join(root, "store-"));

const harness: SharedTriggerStoreHarness = {
  open: async () => openIn(await newDirectory()),
  connect: (to) => openIn(directories.get(to) ?? root),
};

describe("the SQLite trigger store meets the port's conformance suite", () => {
  it.each([...triggerStoreConformance, ...sharedTriggerStoreConformance])("$name", async ({ run }) => {
    await expect(run(harness)).resolves.toBeUndefined();
  });
});

describe("the SQLite token store meets the port's conformance suite", () => {
  it.each(tokenStoreConformance)("$name", async ({ run }) => {
    const open = async () => createSqliteTokenStore(await openDatabase(await newDirectory()));
    await expect(run({ open })).resolves.toBeUndefined();
  });
});

it("an accept whose commit seemed to fail and was done is answered as done, and is a duplicate when it is repeated", async () => {
  let losing = false;
  const driver = faultyDriver(nodeSqliteDriver, {
    after({ sql }) {
      if (losing && sql.startsWith("COMMIT")) throw sqliteFailure("SQLITE_IOERR");
    },
  });
  const store = await openIn(await newDirectory(), driver);
  await acceptEvents(store, { key: "before" });
  const events = [testEvent({ key: "before" }), testEvent({ key: "now" })];
  losing = true;
  expect(await store.accept({ events })).toEqual(["duplicate", "accepted"]);
  losing = false;
  expect(await store.accept({ events })).toEqual(["duplicate", "duplicate"]);
  expect(await store.unrouted(10)).toHaveLength(2);
});

it("a number is not used again after everything was deleted, so that pages of history do not repeat", async () => {
  const store = await harness.open();
  const [event] = await acceptEvents(store, {});
  await store.commit({ routed: [event!.id] });
  const { sequence } = (await store.event(event!.id))!;
  await store.deleteEnded({ before: Infinity, now: 1, limit: 10 });
  const [next] = await acceptEvents(store, {});
  expect((await store.event(next!.id))?.sequence).toBeGreaterThan(sequence);
});
