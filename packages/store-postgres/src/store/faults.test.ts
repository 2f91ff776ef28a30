/** Faults of the server and of the connection to it: what was acknowledged is there, and nothing is there twice. */
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { once } from "node:events";
import { seededRandom, testSeed, until } from "@agentcore/contract/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestPostgres, startPostgres } from "../testing/index.ts";
import { type PostgresStore, openPostgresStore } from "./postgres-store.ts";
import type { Sql } from "./sql.ts";

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

/** Counts in a row, and keeps the id: a write that takes effect twice is refused, and one that is lost is missing from the sum. */
const countOnce = (id: string) => async (sql: Sql) => {
  await sql.run("INSERT INTO ledger_holds (hold_id, job_id, entry_json, held_at) VALUES ($1, '', '', 0)", id);
  await sql.run(
    `INSERT INTO ledger_counters VALUES ('s', 'total', 0, 1, 0, 0, 0, 0)
     ON CONFLICT (scope, "window", window_start) DO UPDATE SET cost_spent = ledger_counters.cost_spent + 1`,
  );
};

async function counted(
  store: PostgresStore,
): Promise<{ readonly sum: number; readonly ids: readonly unknown[] }> {
  return store.read(async (sql) => {
    const ids = (await sql.all("SELECT hold_id FROM ledger_holds ORDER BY hold_id")).map(
      (row) => row["hold_id"],
    );
    const row = await sql.get("SELECT coalesce(sum(cost_spent), 0) AS sum FROM ledger_counters");
    return { sum: Number(row?.["sum"]), ids };
  });
}

it("a server that is killed and started again under load loses nothing and does nothing twice", async () => {
  const random = seededRandom(testSeed("kills of PostgreSQL"));
  const url = await server.newDatabase();
  const stores = await Promise.all([openPostgresStore({ url }), openPostgresStore({ url })]);
  const acknowledged: string[] = [];
  const over = new AbortController();
  const load = stores.flatMap((store, host) =>
    [0, 1, 2].map(async (worker) => {
      for (let number = 0; !over.signal.aborted; number += 1) {
        const id = `${host}-${worker}-${number}`;
        await (worker === 2 ? store.lane("own") : store).write(countOnce(id));
        acknowledged.push(id);
      }
    }),
  );
  for (let kills = 0; kills < 4; kills += 1) {
    const goal = acknowledged.length + 5 + Math.floor(random.next() * 40);
    await until(() => acknowledged.length >= goal);
    await server.kill();
    await server.start();
  }
  over.abort();
  await Promise.all(load);
  const { sum, ids } = await counted(stores[0]);
  expect(ids).toEqual(acknowledged.toSorted());
  expect(sum).toBe(ids.length);
  expect(stores.some((store) => store.isFailing)).toBe(false);
  await Promise.all(stores.map((store) => store.close()));
});

/** Passes on what client and server say; `onCommit` decides what becomes of a connection whose client commits a change. */
async function proxyTo(url: string, onCommit: (client: Socket, pass: () => void) => void) {
  const { hostname, port } = new URL(url);
  const proxy = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) socket.on("error", () => undefined);
    client.on("close", () => upstream.end());
    upstream.on("close", () => client.destroy());
    upstream.on("data", (data) => client.writable && client.write(data));
    client.on("data", (data) => {
      const pass = (): void => void upstream.write(data);
      if (/INTO writers[^]*COMMIT/.test(data.toString("latin1"))) onCommit(client, pass);
      else pass();
    });
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const through = new URL(url);
  through.port = String((proxy.address() as AddressInfo).port);
  return { url: through.href, close: () => proxy.close() };
}

it("a commit whose connection breaks is confirmed by reading, whether it took effect or not", async () => {
  const url = await server.newDatabase();
  let commits = 0;
  const proxy = await proxyTo(url, (client, pass) => {
    commits += 1;
    // Every third reaches the server and its answer is lost; every third is lost before.
    if (commits % 3 !== 1) pass();
    if (commits % 3 !== 0) client.destroy();
  });
  const store = await openPostgresStore({ url: proxy.url });
  const ids = Array.from({ length: 9 }, (_, index) => `write ${index}`);
  const remembered: string[] = [];
  for (const id of ids) {
    await store.write(async (sql) => {
      await countOnce(id)(sql);
      sql.afterCommit(() => remembered.push(id));
    });
  }
  expect(commits).toBeGreaterThan(ids.length);
  expect(await counted(store)).toEqual({ sum: ids.length, ids });
  expect(remembered).toEqual(ids);
  await store.close();
  proxy.close();
});

it("a server that stays away is reported in time, and used again when it is back", async () => {
  const url = await server.newDatabase();
  const store = await openPostgresStore({ url, timeoutMs: 200 });
  await server.kill();
  await expect(store.write(countOnce("early"))).rejects.toMatchObject({ code: "AC_STORE_UNAVAILABLE" });
  await expect(store.read((sql) => sql.get("SELECT 1"))).rejects.toMatchObject({
    code: "AC_STORE_UNAVAILABLE",
  });
  expect(store.isFailing).toBe(true);
  await server.start();
  await store.write(countOnce("late"));
  expect(store.isFailing).toBe(false);
  expect(await counted(store)).toEqual({ sum: 1, ids: ["late"] });
  await store.close();
});
