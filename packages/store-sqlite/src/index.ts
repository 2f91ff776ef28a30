/** Durable state on SQLite: the job store of `@agentcore/scheduler` and the ledger of `@agentcore/core`, in one file. */
export * from "./driver.ts";
export { type StartCheck, quickCheckBytesMax } from "./inspect-file.ts";
export type { Sql } from "./sql.ts";
export { openStateDatabase, type StateDatabase, type StateDatabaseOptions } from "./state-database.ts";
export { createSqliteLedger, type SqliteLedgerOptions } from "./sqlite-ledger.ts";
export { createSqliteJobStore } from "./sqlite-job-store.ts";
export { createSqliteJournal } from "./sqlite-journal.ts";
