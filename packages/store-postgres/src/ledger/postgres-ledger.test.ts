import { omitUndefined } from "@agentcore/contract";
import { type OpenLedger, checkReadSpend, counterOf, ledgerConformanceCases } from "@agentcore/core/testing";
import { describe, expect, it } from "vitest";
import { testStores } from "../testing/test-stores.ts";
import { readSpend } from "./read-spend.ts";
import { type PostgresLedgerOptions, createPostgresLedger } from "./postgres-ledger.ts";

const { open: openStore, newSchema } = testStores();

async function openIn(schema: string, options?: PostgresLedgerOptions): Promise<OpenLedger> {
  const store = await openStore({ schema });
  return {
    ledger: createPostgresLedger(store, options),
    reopen: () => openIn(schema),
    close: () => store.close(),
  };
}

describe("the PostgreSQL ledger meets the port's conformance suite", () => {
  const open = (keepMs?: number) => openIn(newSchema(), omitUndefined({ keepMs }));
  it.each(ledgerConformanceCases({ open }, { shared: true }))("$name", async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });
});

it("no two hosts wait for each other, whatever the order in which their holds name the counters", async () => {
  const schema = newSchema();
  const hosts = await Promise.all([1, 2, 3].map(() => openIn(schema)));
  const counters = ["job:j", "provider:p", "worker:w", "tenant:t", "global"].map((scope) =>
    counterOf(scope, "day"),
  );
  const hold = (index: number) =>
    hosts[index % 3]!.ledger.hold({
      holdId: `h${index}`,
      jobId: "j",
      attempt: 1,
      worker: "w",
      owner: { pid: 1, startTicks: null, bootId: null },
      heldAt: 1000,
      costMicroUsd: 1,
      tokens: 0,
      counters: index % 2 === 0 ? counters : counters.toReversed(),
    });
  for (let round = 0; round < 40; round += 1) {
    await Promise.all([0, 1, 2, 3, 4, 5].map((host) => hold(round * 6 + host)));
  }
  const [level] = await hosts[0]!.ledger.levels([counters[4]!]);
  expect(level?.costHeldMicroUsd).toBe(240);
  await Promise.all(hosts.map((host) => host.close()));
  // A session reports what it counted when it ends.
  const store = await openStore({ schema });
  const row = await store.read((sql) =>
    sql.get("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"),
  );
  expect(row).toEqual({ deadlocks: 0 });
  await store.close();
});

it("spend is summed by window, of everything and of each worker, and nothing else", async () => {
  const store = await openStore();
  await expect(
    checkReadSpend(createPostgresLedger(store), (query) => readSpend(store, query)),
  ).resolves.toBeUndefined();
  await store.close();
});
