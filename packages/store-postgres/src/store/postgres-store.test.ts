import { createServer } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { testStores } from "../testing/test-stores.ts";
import type { PostgresStore, PostgresStoreOptions } from "./postgres-store.ts";
import type { Sql } from "./sql.ts";

const { open: openStore, newSchema, url: urlOf } = testStores();
const opened: PostgresStore[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
});

async function open(options: Partial<PostgresStoreOptions> = {}): Promise<PostgresStore> {
  const store = await openStore(options);
  opened.push(store);
  return store;
}

const addHold = (id: string) => (sql: Sql) =>
  sql.run("INSERT INTO ledger_holds (hold_id, job_id, entry_json, held_at) VALUES ($1, 'j', '{}', 0)", id);

const holdsIn = (store: PostgresStore) =>
  store.read(async (sql) =>
    (await sql.all("SELECT hold_id FROM ledger_holds ORDER BY number")).map((row) => row["hold_id"]),
  );

describe("writes", () => {
  it("of one turn of the event loop share a transaction, in order", async () => {
    const store = await open();
    let commits = 0;
    store.onCommit(() => (commits += 1));
    const remembered: string[] = [];
    await Promise.all(
      ["a", "b", "c"].map((id) =>
        store.write(async (sql) => {
          await addHold(id)(sql);
          sql.afterCommit(() => remembered.push(id));
        }),
      ),
    );
    expect([commits, remembered, await holdsIn(store)]).toEqual([1, ["a", "b", "c"], ["a", "b", "c"]]);
  });

  it("that fail are rejected alone, whether the database refuses them or they throw", async () => {
    const store = await open();
    const outcomes = await Promise.allSettled([
      store.write(addHold("a")),
      store.write(addHold("a")),
      store.write(async (sql) => {
        await addHold("b")(sql);
        throw new RangeError("no");
      }),
      store.write(addHold("c")),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(outcomes[1]).toMatchObject({ reason: { code: "AC_INTERNAL" } });
    expect(await holdsIn(store)).toEqual(["a", "c"]);
  });

  it("that keep a refused statement to themselves are rejected, because nothing of them is stored", async () => {
    const store = await open();
    const write = store.write(async (sql) => {
      await addHold("a")(sql);
      await addHold("a")(sql).catch(() => undefined);
    });
    await expect(write).rejects.toMatchObject({ code: "AC_INTERNAL" });
    expect(await holdsIn(store)).toEqual([]);
  });

  it("of several handles exclude each other, so that what one read still holds when it writes", async () => {
    const schema = newSchema();
    const stores = await Promise.all([open({ schema }), open({ schema }), open({ schema })]);
    const countOne = (sql: Sql) =>
      sql
        .get("SELECT coalesce(max(held_at), 0) AS highest FROM ledger_holds")
        .then((row) => Number(row?.["highest"]) + 1)
        .then((next) =>
          sql.run(
            "INSERT INTO ledger_holds (hold_id, job_id, entry_json, held_at) VALUES ($1, '', '', $2)",
            `h${next}`,
            next,
          ),
        );
    const writes = Array.from({ length: 30 }, (_, index) => stores[index % 3]!.write(countOne));
    await Promise.all(writes);
    expect(await holdsIn(stores[0])).toHaveLength(30);
  });

  it("are refused after the handle was closed, which waits for earlier ones", async () => {
    const schema = newSchema();
    const store = await open({ schema });
    const before = store.write(addHold("a"));
    await store.close();
    await before;
    await expect(store.write(addHold("b"))).rejects.toMatchObject({ code: "AC_STORE_UNAVAILABLE" });
    expect(await holdsIn(await open({ schema }))).toEqual(["a"]);
  });
});

describe("reads", () => {
  it("see every earlier write of the handle, on one view, and change nothing", async () => {
    const schema = newSchema();
    const [store, other] = [await open({ schema }), await open({ schema })];
    void store.write(addHold("a"));
    const seen = await store.read(async (sql) => {
      const before = await sql.all("SELECT hold_id FROM ledger_holds");
      await other.write(addHold("b"));
      return [before, await sql.all("SELECT hold_id FROM ledger_holds")];
    });
    expect(seen).toEqual([[{ hold_id: "a" }], [{ hold_id: "a" }]]);
    await expect(store.read(addHold("c"))).rejects.toThrow(/read-only/);
  });

  it("of the version tell of commits by other handles, and only of those that changed something", async () => {
    const schema = newSchema();
    const [store, other] = [await open({ schema }), await open({ schema })];
    const before = await store.externalVersion();
    await store.write(addHold("mine"));
    await other.write((sql) => sql.get("SELECT 1"));
    await other.lane("ledger").write(addHold("of a lane"));
    expect(await store.externalVersion()).toBe(before);
    await other.write(addHold("of another"));
    expect(await store.externalVersion()).not.toBe(before);
  });
});

describe("opening", () => {
  it("makes the tables once, though several hosts start at the same time", async () => {
    const schema = newSchema();
    const stores = await Promise.all(Array.from({ length: 4 }, () => open({ schema })));
    expect(await stores[3]!.read((sql) => sql.all("SELECT version FROM schema_version"))).toEqual([
      { version: 1 },
    ]);
  });

  it("refuses tables of a later version, and a schema that has other tables", async () => {
    const schema = newSchema();
    const store = await open({ schema });
    await store.write((sql) => sql.run("UPDATE schema_version SET version = 1000"));
    await expect(open({ schema })).rejects.toMatchObject({ code: "AC_STORE_NEWER" });
    await store.write((sql) => sql.run("DROP TABLE schema_version"));
    await expect(open({ schema })).rejects.toMatchObject({ code: "AC_STORE_REFUSED" });
    await expect(open({ schema: "Robert'); --" })).rejects.toMatchObject({ code: "AC_CONFIG_INVALID" });
  });

  it("says why a server cannot be used, and never shows a password", async () => {
    const place = new URL(urlOf());
    const secret = place.password;
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    server.close();
    const other = (change: (url: URL) => void): string => {
      const url = new URL(urlOf());
      change(url);
      return url.href;
    };
    const errors = await Promise.all(
      [
        { url: other((url) => (url.port = String(port))), openTimeoutMs: 50 },
        { url: other((url) => (url.password = `${secret}x`)) },
        { url: other((url) => (url.pathname = "/none")) },
        { url: `postgres://agentcore:${secret}@127.0.0.1:port/x` },
        { url: `mysql://agentcore:${secret}@127.0.0.1/x` },
      ].map((options) =>
        open(options).then(
          () => null,
          (error: Error & { code?: string; evidence?: unknown }) => error,
        ),
      ),
    );
    expect(errors.map((error) => `${error?.code}: ${error?.message}`)).toEqual([
      expect.stringMatching(/AC_STORE_UNAVAILABLE: .* cannot be reached: .*ECONNREFUSED.*; start PostgreSQL/),
      expect.stringMatching(/AC_STORE_REFUSED: .* cannot be opened: password authentication failed/),
      expect.stringMatching(/AC_STORE_REFUSED: .* cannot be opened: database "none" does not exist/),
      expect.stringMatching(/AC_CONFIG_INVALID: .* is not a URL as in postgres:/),
      expect.stringMatching(
        /AC_CONFIG_INVALID: .* is not the URL of a PostgreSQL database, such as postgres:/,
      ),
    ]);
    const shown = errors
      .map((error) => `${error?.stack} ${JSON.stringify(error)} ${String(error?.cause)}`)
      .join();
    expect(shown).not.toContain(secret);
    expect((await open()).place).not.toContain(secret);
  });
});
