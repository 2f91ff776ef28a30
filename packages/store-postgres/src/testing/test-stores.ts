/** Stores for the tests of a file: one database, and in it a schema for each test. */
import { afterAll, beforeAll } from "vitest";
import { type PostgresStore, type PostgresStoreOptions, openPostgresStore } from "../store/postgres-store.ts";
import { type TestDatabase, testDatabase } from "./test-database.ts";

export interface TestStores {
  /** In a schema of its own, unless one is given. */
  open(this: void, options?: Partial<PostgresStoreOptions>): Promise<PostgresStore>;
  newSchema(this: void): string;
  url(this: void): string;
}

/** Call it where the tests of a file are defined. */
export function testStores(): TestStores {
  let database: TestDatabase;
  let schemas = 0;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.remove());
  const newSchema = (): string => `test_${(schemas += 1)}`;
  return {
    open: (options) => openPostgresStore({ url: database.url, schema: newSchema(), ...options }),
    newSchema,
    url: () => database.url,
  };
}
