/**
 * The tables of `state.db`, as the migrations that lead to them. A migration that was released is never changed: what
 * comes later is a new one. A database of a later version than this code knows is refused, because writing to it could
 * break what its own version relies on; so is one from before the first migration, because nothing leads on from there.
 *
 * Columns that hold JSON end in `_json`; moments are in ms since the epoch.
 */
import { jobTables } from "./schema-jobs.ts";
import { pieces } from "./schema-pieces.ts";
import { journalTables } from "./schema-journal.ts";
import { ledgerTables } from "./schema-ledger.ts";

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** In the file's header, so that no other program's database is taken for ours: "AgCo". */
export const applicationId = 0x4167436f;

const versionTable = `
CREATE TABLE schema_version (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at REAL NOT NULL
) STRICT;
`;

/** Versions 1 and 2 were never released. */
export const migrations: readonly Migration[] = [
  {
    version: 3,
    name: "jobs, ledger and journal",
    sql: versionTable + jobTables + ledgerTables + journalTables,
  },
  { version: 4, name: "pieces of workflow runs", sql: pieces },
];
