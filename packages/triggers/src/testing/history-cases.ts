/** Queries of a trigger store about what was, and the deletion of what is old. */
import assert from "node:assert/strict";
import type { Firing } from "../firing.ts";
import { forgetKeysAfterMs } from "../trigger-store.ts";
import { testEvent } from "./events.ts";
import {
  acceptEvents,
  addFiring,
  ended,
  firingOf,
  firingsOf,
  running,
  skipped,
  triggerStoreCase,
  waiting,
  type TriggerStoreCase,
} from "./store-fixtures.ts";

const now = 1_000_000;

export const historyCases: readonly TriggerStoreCase[] = [
  triggerStoreCase(
    "lists firings by trigger and by kind, the newest first, a page at a time",
    async (store) => {
      const firings: Firing[] = [];
      for (const [trigger, state] of [
        ["a", waiting],
        ["a", ended("r0")],
        ["b", skipped("filter")],
        ["a", skipped("overlap")],
        ["b", running("r1")],
        ["a", ended("r2")],
      ] as const)
        firings.push(await addFiring(store, state, { trigger }));
      const pick = (...indexes: number[]) => indexes.map((index) => firings[index]);
      const find = async (query: Omit<Parameters<typeof store.firings>[0], "limit">, limit = 10) =>
        firingsOf(await store.firings({ ...query, limit }));
      assert.deepEqual(await find({}), pick(5, 4, 3, 2, 1, 0));
      assert.deepEqual(await find({ trigger: "a" }), pick(5, 3, 1, 0));
      assert.deepEqual(await find({ trigger: "a" }, 2), pick(5, 3));
      assert.deepEqual(await find({ kinds: ["ended"] }), pick(5, 1));
      assert.deepEqual(await find({ kinds: ["skipped", "running"] }), pick(4, 3, 2));
      assert.deepEqual(await find({ kinds: ["skipped", "running"] }, 1), pick(4));
      assert.deepEqual(await find({ kinds: ["skipped", "skipped"] }), pick(3, 2));
      assert.deepEqual(await find({ kinds: [] }), []);
      assert.deepEqual(await find({ trigger: "b", kinds: ["ended", "skipped"] }), pick(2));
      assert.deepEqual(await find({ trigger: "nobody" }), []);
      const { sequence } = (await store.firing(firings[3]!.id))!;
      assert.deepEqual(await find({ before: sequence }), pick(2, 1, 0));
      assert.deepEqual(
        await find({ before: sequence, trigger: "a", kinds: ["ended", "waiting"] }),
        pick(1, 0),
      );
    },
  ),
  triggerStoreCase("finds the firing of an event and of each of its runs", async (store) => {
    const first = await addFiring(store, running("one"), { trigger: "a" });
    const other = await addFiring(store, running("other"));
    await store.commit({ firings: [{ ...first, state: { ...waiting, attempt: 2 } }] });
    const again = { ...first, state: running("two", 2) };
    await store.commit({ firings: [again] });
    for (const run of ["one", "two"])
      assert.deepEqual(firingsOf(await store.firings({ run, limit: 10 })), [again]);
    assert.deepEqual(firingsOf(await store.firings({ run: "other", limit: 10 })), [other]);
    assert.deepEqual(await store.firings({ run: "nobody", limit: 10 }), []);
    assert.deepEqual(firingsOf(await store.firings({ event: first.event, limit: 10 })), [again]);
    assert.deepEqual(await store.firings({ event: first.event, run: "other", limit: 10 }), []);
    assert.deepEqual(await store.firings({ run: "one", kinds: ["ended"], trigger: "a", limit: 10 }), []);
  }),
  triggerStoreCase("counts firings by trigger, state and reason", async (store) => {
    assert.deepEqual(await store.countFirings(), []);
    for (const state of [waiting, running("r"), ended("s"), skipped("filter"), skipped("filter")])
      await addFiring(store, state, { trigger: "a" });
    for (const state of [skipped("overlap"), skipped("filter"), running("t")])
      await addFiring(store, state, { trigger: "b" });
    const counts = (await store.countFirings()).map(
      ({ trigger, kind, reason, count }) => `${trigger} ${kind} ${reason} ${count}`,
    );
    assert.deepEqual(counts.toSorted(), [
      "a ended null 1",
      "a running null 1",
      "a skipped filter 2",
      "a waiting null 1",
      "b running null 1",
      "b skipped filter 1",
      "b skipped overlap 1",
    ]);
  }),
  triggerStoreCase("deletes what ended before a moment, and nothing that is needed", async (store) => {
    const [kept, old, mixed, late] = await acceptEvents(
      store,
      { at: 10 },
      { at: 20 },
      { at: 30 },
      { at: 150 },
    );
    const state = (endedAt: number) => ({ state: ended("run", endedAt) });
    const firings = [
      firingOf(old!, state(99)),
      firingOf(mixed!, state(99)),
      firingOf(mixed!, { state: running("still") }),
      firingOf(late!, state(100)),
    ];
    await store.commit({ routed: [old!.id, mixed!.id, late!.id], firings });
    assert.equal(await store.deleteEnded({ before: 100, now, limit: 100 }), 3);
    assert.equal(await store.event(old!.id), null);
    assert.deepEqual(firingsOf(await store.firings({ limit: 10 })), [firings[3], firings[2]]);
    // An event that is not routed, and one with an open firing.
    assert.deepEqual(await store.unrouted(10), [kept]);
    assert.deepEqual((await store.load()).open, [{ firing: firings[2], event: mixed }]);
    assert.notEqual(await store.event(late!.id), null);
    assert.equal(await store.deleteEnded({ before: 100, now, limit: 100 }), 0);
    assert.equal(await store.deleteEnded({ before: 151, now, limit: 100 }), 2);
  }),
  triggerStoreCase("keeps an old event while one of its firings is kept", async (store) => {
    const [event] = await acceptEvents(store, { at: 10 });
    const firing = firingOf(event!, { state: ended("run", 500) });
    await store.commit({ routed: [event!.id], firings: [firing] });
    assert.equal(await store.deleteEnded({ before: 100, now, limit: 100 }), 0);
    assert.notEqual(await store.event(event!.id), null);
  }),
  triggerStoreCase("deletes an old event that no trigger fired for", async (store) => {
    const [event] = await acceptEvents(store, { at: 10 });
    await store.commit({ routed: [event!.id] });
    assert.equal(await store.deleteEnded({ before: 11, now, limit: 100 }), 1);
    assert.equal(await store.event(event!.id), null);
  }),
  triggerStoreCase("deletes no more at once than it is told, the oldest first", async (store) => {
    const events = await acceptEvents(store, { at: 3 }, { at: 1 }, { at: 2 });
    const firings = events.map((event) => firingOf(event, { state: ended("run", event.at + 10) }));
    await store.commit({ routed: events.map(({ id }) => id), firings });
    const deleteTwo = async () => store.deleteEnded({ before: 100, now, limit: 2 });
    assert.equal(await deleteTwo(), 2);
    assert.deepEqual(firingsOf(await store.firings({ limit: 10 })), [firings[0]]);
    assert.equal(await deleteTwo(), 2);
    assert.deepEqual(firingsOf(await store.firings({ limit: 10 })), []);
    assert.deepEqual(
      (await store.events({ limit: 10 })).map(({ event }) => event.at),
      [2, 3],
    );
    assert.equal(await deleteTwo(), 2);
    assert.equal(await deleteTwo(), 0);
    assert.deepEqual(await store.events({ limit: 10 }), []);
  }),
  triggerStoreCase("forgets the runs of a firing with it", async (store) => {
    await addFiring(store, ended("run", 50));
    assert.equal(await store.deleteEnded({ before: 2_000, now, limit: 100 }), 2);
    assert.deepEqual(await store.firings({ run: "run", limit: 10 }), []);
    const again = await addFiring(store, ended("run"));
    assert.deepEqual(firingsOf(await store.firings({ run: "run", limit: 10 })), [again]);
  }),
  triggerStoreCase("remembers the key of a deleted event for 7 days", async (store) => {
    const [event] = await acceptEvents(store, { at: 10, key: "delivery" });
    await store.commit({ routed: [event!.id] });
    const deleteAt = async (at: number) => store.deleteEnded({ before: 100, now: at, limit: 100 });
    const acceptAgain = async () => store.accept({ events: [testEvent({ at: 10, key: "delivery" })] });
    assert.equal(await deleteAt(now), 1);
    assert.deepEqual(await acceptAgain(), ["duplicate"]);
    await deleteAt(now + forgetKeysAfterMs - 1);
    assert.deepEqual(await acceptAgain(), ["duplicate"]);
    assert.deepEqual(await store.accept({ events: [testEvent({ source: "other", key: "delivery" })] }), [
      "accepted",
    ]);
    await deleteAt(now + forgetKeysAfterMs);
    assert.deepEqual(await acceptAgain(), ["accepted"]);
    assert.deepEqual(await acceptAgain(), ["duplicate"]);
  }),
];
