/** What a trigger store does with new events. */
import assert from "node:assert/strict";
import { acceptEvents, idsOf, triggerStoreCase, type TriggerStoreCase } from "./store-fixtures.ts";
import { testEvent } from "./events.ts";

export const acceptCases: readonly TriggerStoreCase[] = [
  triggerStoreCase("gives back every field of an event", async (store) => {
    const full = testEvent({
      at: 1_234.5,
      key: "key \u0000 of 'it'",
      payload: { text: "line\nnext", deep: [1, null, { "": true }], __proto__x: 1e300 },
      chain: [{ daemon: "d", trigger: "t", run: "r" }],
      onlyTrigger: "t",
      replayOf: "earlier",
      skipped: { code: "missed", text: "the daemon was down" },
    });
    const events = [full, ...[null, "text", 0, false, []].map((payload) => testEvent({ payload }))];
    assert.deepEqual(
      await store.accept({ events }),
      events.map(() => "accepted"),
    );
    assert.deepEqual(await store.unrouted(10), events);
    const found = await store.event(full.id);
    assert.deepEqual(found, { sequence: found?.sequence, event: full, isRouted: false });
    assert.equal(await store.event("nobody"), null);
  }),
  triggerStoreCase("keeps one event of a source with the same key", async (store) => {
    const first = testEvent({ key: "k", payload: "first" });
    assert.deepEqual(await store.accept({ events: [first] }), ["accepted"]);
    const others = [
      testEvent({ key: "k" }),
      testEvent({ key: "k", source: "other" }),
      testEvent({ key: "K" }),
      testEvent({ key: "K" }),
      testEvent({ key: "" }),
      testEvent({ key: "" }),
    ];
    const answers = ["duplicate", "accepted", "accepted", "duplicate", "accepted", "duplicate"];
    assert.deepEqual(await store.accept({ events: others }), answers);
    const kept = [first, ...others.filter((_, index) => answers[index] === "accepted")];
    assert.deepEqual(await store.unrouted(10), kept);
  }),
  triggerStoreCase("accepts every event without a key", async (store) => {
    const events = Array.from({ length: 5 }, () => testEvent());
    assert.deepEqual(
      await store.accept({ events }),
      events.map(() => "accepted"),
    );
    assert.equal((await store.unrouted(10)).length, 5);
  }),
  triggerStoreCase("takes an event that is sent again for a duplicate, even without a key", async (store) => {
    const event = testEvent();
    assert.deepEqual(await store.accept({ events: [event, event] }), ["accepted", "duplicate"]);
    assert.deepEqual(await store.accept({ events: [event] }), ["duplicate"]);
    assert.equal((await store.unrouted(10)).length, 1);
  }),
  triggerStoreCase("accepts a key once from many callers at once", async (store) => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) =>
        store.accept({ events: [testEvent({ key: `k${index % 5}` })] }),
      ),
    );
    assert.equal(answers.flat().filter((answer) => answer === "accepted").length, 5);
    assert.equal((await store.unrouted(100)).length, 5);
  }),
  triggerStoreCase(
    "gives unrouted events in the order of acceptance, whatever their times",
    async (store) => {
      const events = await acceptEvents(store, { at: 3 }, { at: 1 }, { at: 2 }, { at: 2 });
      assert.deepEqual(idsOf(await store.unrouted(10)), idsOf(events));
      assert.deepEqual(idsOf(await store.unrouted(2)), idsOf(events).slice(0, 2));
      await store.commit({ routed: [events[0]!.id, events[2]!.id] });
      assert.deepEqual(idsOf(await store.unrouted(10)), [events[1]!.id, events[3]!.id]);
      const later = await acceptEvents(store, { at: 0 });
      assert.deepEqual(idsOf(await store.unrouted(10)), idsOf([events[1]!, events[3]!, later[0]!]));
    },
  ),
  triggerStoreCase("passes on events that were skipped, so that they are recorded", async (store) => {
    const reason = { code: "catchup_window", text: "older than an hour" } as const;
    const [event] = await acceptEvents(store, { key: "slot", skipped: reason });
    assert.deepEqual(await store.unrouted(1), [event]);
    assert.deepEqual(await store.accept({ events: [testEvent({ key: "slot" })] }), ["duplicate"]);
  }),
  triggerStoreCase("keeps the states of sources with their events, the newest of each", async (store) => {
    assert.deepEqual((await store.load()).sources, {});
    await store.accept({ events: [testEvent()], sources: { clock: { at: 1 }, disk: null } });
    await store.accept({ events: [], sources: { clock: { at: 2 } } });
    await store.accept({ events: [testEvent()] });
    assert.deepEqual((await store.load()).sources, { clock: { at: 2 }, disk: null });
  }),
  triggerStoreCase("keeps the state of a source whose events are duplicates", async (store) => {
    await store.accept({ events: [testEvent({ key: "slot" })], sources: { clock: 1 } });
    await store.accept({ events: [testEvent({ key: "slot" })], sources: { clock: 2 } });
    assert.deepEqual((await store.load()).sources, { clock: 2 });
  }),
  triggerStoreCase("has names of sources that objects have too", async (store) => {
    await store.accept({ events: [], sources: { constructor: 1, toString: 2 } });
    const [event] = await acceptEvents(store, { source: "constructor", key: "toString" });
    assert.deepEqual(await store.unrouted(1), [event]);
    assert.deepEqual((await store.load()).sources, { constructor: 1, toString: 2 });
  }),
  triggerStoreCase("lists events, the newest first, a page at a time", async (store) => {
    const events = await acceptEvents(store, {}, { source: "other" }, {}, {}, { source: "other" });
    const newest = await store.events({ limit: 2 });
    assert.deepEqual(
      newest.map(({ event }) => event),
      [events[4], events[3]],
    );
    const next = await store.events({ before: newest[1]!.sequence, limit: 10 });
    assert.deepEqual(
      next.map(({ event }) => event),
      [events[2], events[1], events[0]],
    );
    const ofOther = await store.events({ source: "other", limit: 10 });
    assert.deepEqual(
      ofOther.map(({ event }) => event),
      [events[4], events[1]],
    );
    const before = ofOther[0]!.sequence;
    assert.equal((await store.events({ source: "other", before, limit: 10 }))[0]?.event.id, events[1]!.id);
    assert.deepEqual(await store.events({ source: "nobody", limit: 10 }), []);
  }),
  triggerStoreCase("gives at most 1,000 events at once", async (store) => {
    await store.accept({ events: Array.from({ length: 1_001 }, () => testEvent()) });
    assert.equal((await store.events({ limit: 5_000 })).length, 1_000);
    assert.equal((await store.unrouted(5_000)).length, 1_000);
  }),
  triggerStoreCase("does not change what it holds when the caller's objects change", async (store) => {
    const payload = { n: 1 };
    const event = testEvent({ payload });
    await store.accept({ events: [event] });
    payload.n = 2;
    const [found] = await store.unrouted(1);
    assert.deepEqual(found?.payload, { n: 1 });
    Object.assign(found.payload, { n: 3 });
    assert.deepEqual((await store.unrouted(1))[0]?.payload, { n: 1 });
  }),
];
