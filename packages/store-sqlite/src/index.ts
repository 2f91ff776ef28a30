/**
 * Durable state on SQLite: the job store and journal of `@agentcore/scheduler`, the ledger and
 * the journal of calls of `@agentcore/core`, and the events, triggers and API tokens of `@agentcore/triggers`, in one file.
 */
export * from "./driver.ts";
export { type StartCheck, quickCheckBytesMax } from "./inspect-file.ts";
export type { Sql } from "./sql.ts";
export { openStateDatabase, type StateDatabase, type StateDatabaseOptions } from "./state-database.ts";
export { createSqliteCallJournal } from "./sqlite-call-journal.ts";
export { createSqliteLedger, type SqliteLedgerOptions } from "./sqlite-ledger.ts";
export { readCallSpend } from "./read-call-spend.ts";
export { readSpend } from "./read-spend.ts";
export { createSqliteJobStore } from "./sqlite-job-store.ts";
export { createSqliteJournal } from "./sqlite-journal.ts";
export { createSqliteTokenStore } from "./sqlite-token-store.ts";
export { createSqliteTriggerStore, type SqliteTriggerStoreOptions } from "./sqlite-trigger-store.ts";
export { takeProcessLock, type ProcessLock } from "./process-lock.ts";
