/**
 * The tables, and the migrations that lead to them. A migration that was released is never changed: a later change is a new
 * migration. A schema of a later version than this code knows is refused.
 *
 * Columns that hold JSON end in `_json` and are text: `jsonb` refuses characters that a string of JavaScript may have. Moments are
 * in ms since the epoch, `double precision`. Text that is ordered or searched by its beginning has the collation "C", so that
 * its order is the same on every server and in JavaScript.
 */
import { callTables } from "./schema-calls.ts";
import { journalTables } from "./schema-journal.ts";
import { ledgerTables } from "./schema-ledger.ts";
import { queueTables } from "./schema-queue.ts";
import { triggerTables } from "./schema-triggers.ts";

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

const storeTables = `
CREATE TABLE schema_version (
  version integer PRIMARY KEY,
  name text NOT NULL,
  applied_at double precision NOT NULL
);

-- Changes with each commit of jobs, journal, events and triggers, so that other hosts notice.
CREATE TABLE store_version (
  number bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO store_version VALUES (0);

-- The last commit of each open handle: it tells whether a commit took effect whose answer was lost.
CREATE TABLE writers (
  writer text PRIMARY KEY,
  commits bigint NOT NULL,
  changes bigint NOT NULL,        -- commits that changed something
  used_at double precision NOT NULL
) WITH (fillfactor = 50);
`;

/** Migrates tables of an earlier release to the newest version, step by step. */
export const migrations: readonly Migration[] = [];

/** The tables of a new schema: the outcome of all migrations. */
export const newest: Migration = {
  version: 1,
  name: "first",
  sql: [storeTables, queueTables, journalTables, ledgerTables, triggerTables, callTables].join(""),
};
