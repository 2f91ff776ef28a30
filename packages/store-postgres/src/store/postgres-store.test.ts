import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../testing/index.ts";
import { type PostgresStore, openPostgresStore } from "./postgres-store.ts";

describe("a store on PostgreSQL", () => {
  let database: TestDatabase;
  let store: PostgresStore;
  beforeAll(async () => {
    database = await testDatabase();
    store = await openPostgresStore({ url: database.url });
  });
  afterAll(async () => {
    await store.close();
    await database.remove();
  });

  it("commits", async () => {
    expect(await store.read((sql) => sql.all("SELECT version FROM schema_version"))).toEqual([
      { version: 1 },
    ]);
    const other = await openPostgresStore({ url: database.url });
    const before = await store.externalVersion();
    const insert = (id: string) =>
      other.write((sql) =>
        sql.run(
          "INSERT INTO ledger_holds (hold_id, job_id, entry_json, held_at) VALUES ($1, 'j', '{}', 0)",
          id,
        ),
      );
    const outcomes = await Promise.allSettled(["a", "b", "a", "c"].map(insert));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
    expect(outcomes[2]).toMatchObject({ reason: { code: "AC_INTERNAL" } });
    expect(await other.externalVersion()).toBe(before);
    expect(await store.externalVersion()).toBe(before + 3);
    await other.write((sql) => sql.get("SELECT 1"));
    expect(await store.externalVersion()).toBe(before + 3);
    await other.close();
    expect(await store.read((sql) => sql.all("SELECT * FROM writers"))).toEqual([]);
  });
});
