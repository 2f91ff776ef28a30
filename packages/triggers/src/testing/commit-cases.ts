/** What a trigger store does with decisions, and what the next daemon finds of them. */
import assert from "node:assert/strict";
import type { FiringState } from "../firing.ts";
import {
  acceptEvents,
  addFiring,
  ended,
  firingOf,
  firingsOf,
  idsOf,
  running,
  skipped,
  triggerState,
  triggerStoreCase,
  waiting,
  type TriggerStoreCase,
} from "./store-fixtures.ts";

const everyState: readonly FiringState[] = [
  { kind: "waiting", notBefore: 5.5, attempt: 2 },
  { kind: "evaluating", startedAt: 6, attempt: 1 },
  { kind: "running", run: "run-1", startedAt: 7, attempt: 3, cancel: null },
  { kind: "running", run: "run-2", startedAt: 7, attempt: 3, cancel: "replaced by a later event" },
  {
    kind: "analyzing",
    run: "run-5",
    message: null,
    startedAt: 7,
    attempt: 2,
    costUsd: 0.5,
    tokens: null,
  },
  ended("run-3"),
  {
    kind: "ended",
    run: "run-4",
    outcome: "FAILED",
    message: "step 'build' failed\n",
    startedAt: 1,
    endedAt: 2,
    attempt: 1,
    costUsd: null,
    tokens: null,
  },
  { kind: "skipped", reason: { code: "key_taken", text: "a run has its key" }, endedAt: 9 },
];

export const commitCases: readonly TriggerStoreCase[] = [
  triggerStoreCase("gives back every state of a firing", async (store) => {
    for (const state of everyState) {
      const firing = await addFiring(store, state, { key: "key" });
      const found = await store.firing(firing.id);
      assert.deepEqual(found, { sequence: found?.sequence, firing });
      assert.deepEqual(firingsOf(await store.firings({ limit: 1 })), [firing]);
    }
    assert.equal(await store.firing("nobody"), null);
  }),
  triggerStoreCase("moves a firing from any state to any other", async (store) => {
    for (const from of everyState) {
      const firing = await addFiring(store, from);
      const { sequence } = (await store.firing(firing.id))!;
      for (const state of everyState) {
        const changed = { ...firing, key: "new", state };
        await store.commit({ firings: [changed] });
        assert.deepEqual(await store.firing(firing.id), { sequence, firing: changed });
      }
    }
  }),
  triggerStoreCase("routes an event in the commit of its firings", async (store) => {
    const [event] = await acceptEvents(store, {});
    const firings = [firingOf(event!, { trigger: "a" }), firingOf(event!, { trigger: "b" })];
    await store.commit({ routed: [event!.id], firings });
    assert.deepEqual(await store.unrouted(10), []);
    assert.equal((await store.event(event!.id))?.isRouted, true);
    assert.deepEqual(firingsOf(await store.firings({ event: event!.id, limit: 10 })), firings.toReversed());
  }),
  triggerStoreCase("does not mind an event that is routed already, or that is gone", async (store) => {
    const [event] = await acceptEvents(store, {});
    await store.commit({ routed: [event!.id, "nobody"] });
    await store.commit({ routed: [event!.id] });
    assert.deepEqual(await store.unrouted(10), []);
    await store.commit({});
  }),
  triggerStoreCase("does nothing of a commit with a firing whose event is not stored", async (store) => {
    const [event] = await acceptEvents(store, {});
    const firings = [firingOf(event!), { ...firingOf(event!), event: "nobody" }];
    const triggers = [triggerState("trigger", { runs: 1 })];
    await assert.rejects(store.commit({ routed: [event!.id], firings, triggers }), { code: "AC_INTERNAL" });
    assert.deepEqual(idsOf(await store.unrouted(10)), [event!.id]);
    assert.deepEqual(await store.firings({ limit: 10 }), []);
    assert.deepEqual((await store.load()).triggers, []);
  }),
  triggerStoreCase("loads every open firing in order, with its event", async (store) => {
    const [first, second] = await acceptEvents(store, { payload: "first" }, { payload: "second" });
    const open = [
      firingOf(first!, { trigger: "a" }),
      firingOf(first!, { trigger: "b", state: running("run") }),
      firingOf(second!, { state: { kind: "evaluating", startedAt: 1, attempt: 1 } }),
    ];
    const closed = [firingOf(first!, { state: ended("r") }), firingOf(second!, { state: skipped("filter") })];
    await store.commit({ routed: [first!.id], firings: [open[0]!, closed[0]!, open[1]!] });
    await store.commit({ routed: [second!.id], firings: [closed[1]!, open[2]!] });
    const changed = { ...open[0]!, state: running("later") };
    await store.commit({ firings: [changed] });
    assert.deepEqual((await store.load()).open, [
      { firing: changed, event: first },
      { firing: open[1], event: first },
      { firing: open[2], event: second },
    ]);
    await store.commit({ firings: [changed, open[1]!].map((f) => ({ ...f, state: ended("x") })) });
    assert.deepEqual(firingsOf((await store.load()).open), [open[2]]);
  }),
  triggerStoreCase("loads more open firings than fit on a page", async (store) => {
    const [event] = await acceptEvents(store, {});
    await store.commit({ firings: Array.from({ length: 1_100 }, () => firingOf(event!)) });
    assert.equal((await store.load()).open.length, 1_100);
  }),
  triggerStoreCase("gives back every field of a trigger's state, the newest of each", async (store) => {
    const full = triggerState("full", {
      pause: { at: 1, by: "person", note: "until Monday" },
      failuresInARow: 2,
      runs: 3,
      cooldownUntil: 4.5,
      lastResult: { run: "r", event: "e", status: "FAILED", startedAt: 5, endedAt: 6, costUsd: null },
      spent: {
        hour: { since: 7, costUsd: 0.1, tokens: 8 },
        day: { since: 6, costUsd: 0.2, tokens: 9 },
        month: { since: 5, costUsd: 0.3, tokens: 10 },
      },
    });
    await store.commit({ triggers: [triggerState("full"), triggerState("plain")] });
    await store.commit({ triggers: [full] });
    const byId = (await store.load()).triggers.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    assert.deepEqual(byId, [full, triggerState("plain")]);
  }),
  triggerStoreCase("has the commits of one turn in the order of their calls", async (store) => {
    const firing = await addFiring(store, waiting);
    const [event] = await acceptEvents(store, {});
    const changes = [running("one"), { ...waiting, attempt: 2 }, running("two", 2)];
    const calls = changes.map((state) => store.commit({ firings: [{ ...firing, state }] }));
    const reading = store.firing(firing.id);
    await Promise.all([...calls, store.commit({ routed: [event!.id] })]);
    assert.deepEqual((await reading)?.firing.state, running("two", 2));
    assert.deepEqual(await store.unrouted(1), []);
  }),
];
