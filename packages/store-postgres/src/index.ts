/** The state of AgentCore in a PostgreSQL database that several hosts share. */
export {
  openPostgresStore,
  type PostgresLane,
  type PostgresStore,
  type PostgresStoreOptions,
} from "./store/postgres-store.ts";
export { probePostgres, type PostgresProbe } from "./probe/probe-postgres.ts";
export type { Sql, SqlRow, SqlValue, WriteSql } from "./store/sql.ts";
export { createPostgresLedger, type PostgresLedgerOptions } from "./ledger/postgres-ledger.ts";
export { createPostgresTokenStore } from "./triggers/postgres-token-store.ts";
export {
  createPostgresTriggerStore,
  type PostgresTriggerStoreOptions,
} from "./triggers/postgres-trigger-store.ts";
export { createPostgresJobStore } from "./jobs/postgres-job-store.ts";
export { createPostgresJournal } from "./journal/postgres-journal.ts";
export { createPostgresCallJournal } from "./calls/postgres-call-journal.ts";
export { readSpend } from "./ledger/read-spend.ts";
export { readCallSpend } from "./calls/read-call-spend.ts";
