/**
 * The tables of `state.db`, and the migrations that lead to them. A migration that was released is never changed: a later
 * change is a new migration. A database of a later version than this code knows is refused, because writing to it could
 * break what its own version relies on; so is one from before the first migration, because nothing leads on from there.
 *
 * Columns that hold JSON end in `_json`; moments are in ms since the epoch.
 */
import { callTables } from "./schema-calls.ts";
import { journalEndNumbers, journalTables } from "./schema-journal.ts";
import { ledgerTables } from "./schema-ledger.ts";
import { queueFromVersion3, queueTables } from "./schema-queue.ts";
import { triggerTables } from "./schema-triggers.ts";

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** In the file's header, so that another program's database is not mistaken for ours: "AgCo". */
export const applicationId = 0x4167436f;

const versionTable = `
CREATE TABLE schema_version (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at REAL NOT NULL
) STRICT;
`;

/**
 * Migrates a database of an earlier release to the newest version, step by step. To add a version: write its SQL beside the
 * tables, append it here, and add a dump of a database of the version before to the tests.
 */
export const migrations: readonly Migration[] = [
  { version: 4, name: "where a job stands in its row", sql: queueFromVersion3 },
  { version: 5, name: "numbers for the ends of streams", sql: journalEndNumbers },
  { version: 6, name: "events, triggers and API tokens", sql: triggerTables },
  { version: 7, name: "metered calls", sql: callTables },
];

/** The tables of a new database: the outcome of all migrations. */
export const newest: Migration = {
  version: 7,
  name: "metered calls",
  sql:
    versionTable +
    queueTables +
    ledgerTables +
    journalTables +
    journalEndNumbers +
    triggerTables +
    callTables,
};

/** The first released version, and so the oldest that can be migrated. */
export const oldestVersion = 3;
