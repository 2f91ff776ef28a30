import { omitUndefined } from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import {
  type OpenLedger,
  checkReadSpend,
  counterOf,
  holdOf,
  ledgerConformanceCases,
} from "@agentcore/core/testing";
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
  const store = await openStore({ schema });
  const hosts = await Promise.all([openIn(schema), openIn(schema)]);
  const scopes = ["job:j", "provider:p", "worker:w", "tenant:t", "global"];
  const counters = scopes.map((scope) => counterOf(scope, "day"));
  const amounts = { costMicroUsd: 1, heldAt: 1000 };
  await hosts[0].ledger.hold(holdOf("first", counters, amounts));
  let holds: Promise<unknown> | undefined;
  // While another has the counter in the middle, both get as far as they can.
  await store.write(async (sql) => {
    await sql.run("SELECT FROM ledger_counters WHERE scope = 'worker:w' FOR UPDATE");
    holds ??= Promise.all([
      hosts[0].ledger.hold(holdOf("forwards", counters, amounts)),
      hosts[1].ledger.hold(holdOf("backwards", counters.toReversed(), amounts)),
    ]);
    const waiting = `SELECT count(*) AS count FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await until(async () => Number((await sql.get(waiting))?.["count"]) === 2);
  });
  expect(await holds).toEqual([{ ok: true }, { ok: true }]);
  await Promise.all(hosts.map((host) => host.close()));
  // A session reports what it counted when it ends.
  const others =
    "SELECT count(*) AS count FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
  const countOf = (query: string) => store.read(async (sql) => Number((await sql.get(query))?.["count"]));
  await until(async () => (await countOf(others)) <= 1);
  const deadlocks = "SELECT deadlocks AS count FROM pg_stat_database WHERE datname = current_database()";
  expect(await countOf(deadlocks)).toBe(0);
  await store.close();
});

it("spend is summed by window, of everything and of each worker, and nothing else", async () => {
  const store = await openStore();
  await expect(
    checkReadSpend(createPostgresLedger(store), (query) => readSpend(store, query)),
  ).resolves.toBeUndefined();
  await store.close();
});
