/** What holds besides where several processes share one trigger store. */
import assert from "node:assert/strict";
import { testEvent } from "./events.ts";
import { acceptEvents, firingOf, type SharedTriggerStoreHarness, type StoreCase } from "./store-fixtures.ts";

export const sharedTriggerCases: readonly StoreCase<SharedTriggerStoreHarness>[] = [
  {
    name: "shows the daemon the events that another process added",
    async run(harness) {
      const one = await harness.open();
      const other = await harness.connect(one);
      const [mine] = await acceptEvents(one, {});
      const [theirs] = await acceptEvents(other, {});
      assert.deepEqual(await one.unrouted(10), [mine, theirs]);
      const firing = firingOf(theirs!);
      await one.commit({ routed: [mine!.id, theirs!.id], firings: [firing] });
      assert.deepEqual(await other.unrouted(10), []);
      assert.deepEqual((await other.firing(firing.id))?.firing, firing);
    },
  },
  {
    name: "accepts a key once from several processes",
    async run(harness) {
      const one = await harness.open();
      const stores = [one, await harness.connect(one)];
      const answers = await Promise.all(
        Array.from({ length: 200 }, async (_, index) =>
          stores[index % 2]!.accept({ events: [testEvent({ key: `k${index % 50}` })] }),
        ),
      );
      assert.equal(answers.flat().filter((answer) => answer === "accepted").length, 50);
      assert.equal((await one.unrouted(1_000)).length, 50);
    },
  },
  {
    name: "gives unrouted events in portions of bounded size, each of them once",
    async run(harness) {
      const store = await harness.open();
      const payload = "x".repeat(6 * 1024 * 1024);
      const events = await acceptEvents(store, { payload }, { payload }, { payload }, { payload });
      const seen: string[] = [];
      for (;;) {
        const portion = await store.unrouted(1_000);
        if (portion.length === 0) break;
        assert.ok(portion.length < events.length);
        seen.push(...portion.map(({ id }) => id));
        await store.commit({ routed: portion.map(({ id }) => id) });
      }
      assert.deepEqual(
        seen,
        events.map(({ id }) => id),
      );
    },
  },
];
