/** A row of events or triggers that cannot be read stops no other, starts nothing, and is told of. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "@agentcore/contract";
import {
  acceptEvents,
  addFiring,
  ended,
  firingOf,
  running,
  skipped,
  testEvent,
  testToken,
  triggerState,
  waiting,
} from "@agentcore/triggers/testing";
import { expect, it, onTestFinished } from "vitest";
import { createSqliteTokenStore } from "./sqlite-token-store.ts";
import { createSqliteTriggerStore } from "./sqlite-trigger-store.ts";
import { openStateDatabase } from "./state-database.ts";

const now = 5_000;

async function open() {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-damage-"));
  const database = await openStateDatabase({ directory });
  onTestFinished(async () => {
    await database.close();
    rmSync(directory, { recursive: true });
  });
  const clock = { ...systemClock, now: () => now };
  /** As another program would, without the store's knowledge. */
  const damage = (sql: string): void => {
    const other = new DatabaseSync(database.path);
    other.exec(`PRAGMA foreign_keys = OFF; ${sql}`);
    other.close();
  };
  return { database, store: createSqliteTriggerStore(database, { clock }), damage };
}

const unreadable = { code: "unreadable" };

const ofEvent = {
  "a payload that is no JSON": "payload_json = '{'",
  "a chain that is no JSON": "chain_json = 'x'",
  "a chain of another shape": `chain_json = '[{"daemon": 1}]'`,
  "a reason that is no JSON": "skipped_json = '{'",
  "a reason of another shape": "skipped_json = '7'",
};

it.each(Object.entries(ofEvent))("%s: the event comes as one that was skipped", async (_name, change) => {
  const { store, damage } = await open();
  const [bad, good] = await acceptEvents(store, { key: "k", payload: { text: "run this" } }, {});
  damage(`UPDATE trigger_events SET ${change} WHERE id = '${bad!.id}'`);
  const expected = { id: bad!.id, source: "source", key: "k", payload: null, chain: [], skipped: unreadable };
  expect(await store.unrouted(10)).toMatchObject([expected, good!]);
  expect(await store.event(bad!.id)).toMatchObject({ event: expected });
  expect(await store.events({ limit: 10 })).toMatchObject([{ event: good }, { event: expected }]);
  expect(await store.accept({ events: [testEvent({ key: "k" })] })).toEqual(["duplicate"]);
  await store.commit({
    routed: [bad!.id, good!.id],
    firings: [firingOf(bad!, { state: skipped("filter") })],
  });
  expect(await store.unrouted(10)).toEqual([]);
});

const ofFiring = {
  "a state that is no JSON": "UPDATE trigger_firings SET state_json = '{' WHERE id = 'bad'",
  "a state of another kind":
    "UPDATE trigger_firings SET state_json = '{\"kind\": \"ended\"}' WHERE id = 'bad'",
  "a state without its fields":
    "UPDATE trigger_firings SET state_json = json_remove(state_json, '$.run') WHERE id = 'bad'",
  "an unknown kind": "UPDATE trigger_firings SET kind = 'constructor' WHERE id = 'bad'",
  "an end that an open firing has": "UPDATE trigger_firings SET kind = 'skipped' WHERE id = 'bad'",
  "an event that cannot be read":
    "UPDATE trigger_events SET payload_json = '{' WHERE number = (SELECT event FROM trigger_firings WHERE id = 'bad')",
  "an event that is gone":
    "DELETE FROM trigger_events WHERE number = (SELECT event FROM trigger_firings WHERE id = 'bad')",
};

it.each(Object.entries(ofFiring))(
  "%s: the open firing is ended at the next start, and the others go on",
  async (_name, sql) => {
    const { store, damage } = await open();
    const before = await addFiring(store, waiting);
    await addFiring(store, running("run"), { id: "bad", trigger: "t", key: "k" });
    const after = await addFiring(store, running("other"));
    damage(sql);
    expect(await store.firings({ limit: 10 })).toHaveLength(3);
    expect((await store.load()).open.map(({ firing }) => firing)).toEqual([before, after]);
    const end = {
      id: "bad",
      trigger: "t",
      key: "k",
      state: { kind: "skipped", reason: unreadable, endedAt: now },
    };
    expect(await store.firing("bad")).toMatchObject({ firing: end });
    expect(await store.firings({ kinds: ["skipped"], limit: 10 })).toMatchObject([{ firing: end }]);
    expect(await store.countFirings()).toContainEqual({
      trigger: "t",
      kind: "skipped",
      reason: "unreadable",
      count: 1,
    });
    expect((await store.load()).open).toHaveLength(2);
    await store.deleteEnded({ before: now + 1, now, limit: 10 });
    expect(await store.firing("bad")).toBeNull();
  },
);

it("an ended firing that cannot be read is shown as such, and is deleted when it is old", async () => {
  const { store, damage } = await open();
  const { id } = await addFiring(store, ended("run", 2_000));
  damage("UPDATE trigger_firings SET state_json = '[]'");
  const state = { kind: "skipped", reason: unreadable, endedAt: 2_000 };
  expect(await store.firings({ run: "run", limit: 1 })).toMatchObject([{ firing: { id, state } }]);
  expect(await store.deleteEnded({ before: 2_001, now, limit: 10 })).toBe(2);
});

const ofTrigger = {
  "no JSON": "state_json = '{'",
  "of another trigger": "state_json = json_set(state_json, '$.id', 'other')",
  "without its runs": "state_json = json_remove(state_json, '$.runs')",
  "with another pause": "state_json = json_set(state_json, '$.pause', 1)",
  "with another last result": "state_json = json_set(state_json, '$.lastResult', json('{}'))",
};

it.each(Object.entries(ofTrigger))(
  "a state that is %s pauses its trigger, because it may have been paused",
  async (_name, change) => {
    const { store, damage } = await open();
    const pause = { at: 1, by: "person", note: "until Monday" } as const;
    await store.commit({ triggers: [triggerState("bad", { pause }), triggerState("good", { runs: 3 })] });
    damage(`UPDATE trigger_states SET ${change} WHERE id = 'bad'`);
    expect((await store.load()).triggers).toMatchObject([
      { id: "bad", pause: { at: now, by: "damage" } },
      triggerState("good", { runs: 3 }),
    ]);
  },
);

it("the state of a source or a token that cannot be read hides no other", async () => {
  const { database, store, damage } = await open();
  const tokens = createSqliteTokenStore(database);
  await store.accept({ events: [], sources: { bad: 1, good: 2 } });
  await tokens.add(testToken({ id: "bad", hash: "01" }));
  await tokens.add(testToken({ id: "good", hash: "02" }));
  damage(`UPDATE trigger_sources SET state_json = '{' WHERE source = 'bad';
    UPDATE api_tokens SET scope = 'everything' WHERE id = 'bad'`);
  expect((await store.load()).sources).toEqual({ good: 2 });
  expect(await tokens.list()).toEqual([testToken({ id: "good", hash: "02" })]);
  expect(await tokens.remove("bad")).toBe(true);
});

it("a key that is both of a stored and of a deleted event does not stop retention", async () => {
  const { store, damage } = await open();
  const [event] = await acceptEvents(store, { at: 1, key: "k" });
  await store.commit({ routed: [event!.id] });
  damage("INSERT INTO trigger_past_keys VALUES ('source', 'k', 1e9)");
  expect(await store.deleteEnded({ before: 2, now, limit: 10 })).toBe(1);
});
