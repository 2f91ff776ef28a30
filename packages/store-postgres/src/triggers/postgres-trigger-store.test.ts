import type { TriggerStore } from "@agentcore/triggers";
import {
  acceptEvents,
  sharedTriggerStoreConformance,
  testEvent,
  tokenStoreConformance,
  triggerStoreConformance,
  type SharedTriggerStoreHarness,
} from "@agentcore/triggers/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import type { PostgresStore } from "../store/postgres-store.ts";
import { testStores } from "../testing/test-stores.ts";
import { createPostgresTokenStore } from "./postgres-token-store.ts";
import { createPostgresTriggerStore } from "./postgres-trigger-store.ts";

const { open, newSchema } = testStores();

const schemas = new WeakMap<TriggerStore, string>();

async function openStore(schema: string): Promise<PostgresStore> {
  const store = await open({ schema });
  onTestFinished(() => store.close());
  return store;
}

async function openIn(schema: string): Promise<TriggerStore> {
  const store = createPostgresTriggerStore(await openStore(schema));
  schemas.set(store, schema);
  return store;
}

const harness: SharedTriggerStoreHarness = {
  open: () => openIn(newSchema()),
  connect: (to) => openIn(schemas.get(to) ?? ""),
};

describe("the PostgreSQL trigger store meets the port's conformance suite", () => {
  it.each([...triggerStoreConformance, ...sharedTriggerStoreConformance])("$name", async ({ run }) => {
    await expect(run(harness)).resolves.toBeUndefined();
  });
});

describe("the PostgreSQL token store meets the port's conformance suite", () => {
  it.each(tokenStoreConformance)("$name", async ({ run }) => {
    const open = async () => createPostgresTokenStore(await openStore(newSchema()));
    await expect(run({ open })).resolves.toBeUndefined();
  });
});

it("texts come back as they were, with characters that a column cannot hold", async () => {
  const store = await harness.open();
  const odd = "a\0b\ud800";
  const [event] = await acceptEvents(store, { key: odd, source: odd, payload: { [odd]: odd } });
  expect((await store.unrouted(10))[0]).toEqual(event);
  expect(await store.accept({ events: [testEvent({ key: odd, source: odd })] })).toEqual(["duplicate"]);
  expect(await store.events({ source: odd, limit: 1 })).toMatchObject([{ event }]);
});

it("a firing and an event that cannot be read are ended, and a trigger whose state cannot be read waits for a person", async () => {
  const schema = newSchema();
  const store = await openIn(schema);
  const events = await acceptEvents(store, {}, {});
  const firings = events.map((event, index) => ({
    id: `f${index}`,
    trigger: "t",
    event: event.id,
    at: 1,
    key: null,
    state: { kind: "waiting", notBefore: 1, attempt: 1 } as const,
  }));
  await store.commit({ routed: events.map(({ id }) => id), firings });
  const raw = await openStore(schema);
  await raw.write(async (sql) => {
    await sql.run("UPDATE trigger_firings SET state_json = '{' WHERE id = 'f0'");
    await sql.run("UPDATE trigger_events SET payload_json = '{' WHERE id = $1", events[1]!.id);
    await sql.run("INSERT INTO trigger_states VALUES ('t', '{}')");
  });
  const { open, triggers } = await store.load();
  expect(open).toEqual([]);
  expect(triggers).toMatchObject([{ id: "t", pause: { by: "damage" } }]);
  expect(await store.countFirings()).toEqual([
    { trigger: "t", kind: "skipped", reason: "unreadable", count: 2 },
  ]);
});
