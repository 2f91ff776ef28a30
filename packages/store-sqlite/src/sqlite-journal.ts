/** The `Journal` of `@agentcore/scheduler` on `state.db`: each append is one write of the database's group commit. */
import { assert } from "@agentcore/contract";
import {
  type Journal,
  type JournalDeletion,
  type JournalHeader,
  type JournalListing,
  type JournalQuery,
  type JournalWrite,
  headerOf,
  isEndOfWhole,
  journalDeletionLimit,
  journalLimit,
  readableEntriesOf,
  readableHeaderOf,
} from "@agentcore/scheduler";
import type { Sql } from "./sql.ts";
import type { StateDatabase } from "./state-database.ts";

const databases = new WeakMap<Journal, StateDatabase>();

/** The database of a journal that was created here. */
export function databaseOf(journal: Journal): StateDatabase | undefined {
  return databases.get(journal);
}

export function createSqliteJournal(database: StateDatabase): Journal {
  const journal: Journal = {
    append: async (stream, append) => {
      const appendTo = prepareAppend({ stream, ...append });
      return database.write((sql) => (appendTo(sql) ? "appended" : "conflict"));
    },
    read: (stream) =>
      database.read((sql) => {
        const found = sql.get("SELECT header_json FROM journal_streams WHERE stream = ?", stream);
        if (found === undefined) return undefined;
        const header = readableHeaderOf(stream, found.header_json, "state.db");
        const rows = sql.all(
          "SELECT entry_json FROM journal_entries WHERE stream = ? ORDER BY position",
          stream,
        );
        const texts = rows.map((row) => row.entry_json);
        return { stream, header, entries: readableEntriesOf(stream, texts, "state.db") };
      }),
    list: (query) => database.read((sql) => listStreams(sql, query)),
    deleteEnded: (request) => database.write((sql) => deleteEnded(sql, request)),
    endMark: () =>
      database.read((sql) =>
        Number(sql.get("SELECT seq FROM sqlite_sequence WHERE name = 'journal_end_numbers'")?.seq ?? 0),
      ),
  };
  databases.set(journal, database);
  return journal;
}

function listStreams(sql: Sql, query: JournalQuery): readonly JournalListing[] {
  const { prefix, before = null, isOpen, partOf } = query;
  const isPart =
    partOf === undefined
      ? "TRUE"
      : partOf === null
        ? `${whole} IS NULL`
        : `${whole} IN (SELECT value FROM json_each(?))`;
  return (
    sql
      .all(
        `SELECT stream, header_json, length FROM journal_streams
         WHERE substr(stream, 1, length(?)) = ? AND (? IS NULL OR stream < ?)
           AND ${isOpen === true ? "header_json ->> '$.endedAt' IS NULL" : "TRUE"} AND ${isPart}
         ORDER BY stream DESC LIMIT (? + 0)`,
        prefix,
        prefix,
        before,
        before,
        ...(partOf === undefined || partOf === null ? [] : [JSON.stringify(partOf)]),
        journalLimit(query),
      )
      // Without a readable header nothing is known about a stream; list the others all the same.
      .flatMap((row) => {
        const header = headerOf(row.header_json);
        return header === null ? [] : { stream: String(row.stream), header, length: Number(row.length) };
      })
  );
}

/** As in the indexes `journal_ends` and `journal_parts`. */
const whole = "header_json ->> '$.partOf'";

/** The texts are made before the transaction. The function appends them, and returns false if the stream has another length. */
export function prepareAppend({ stream, after, entries, header }: JournalWrite): (sql: Sql) => boolean {
  const texts = entries.map((entry) => JSON.stringify(entry));
  return (sql) => {
    if (!makeOrExtend(sql, stream, after, after + texts.length, header)) return false;
    if (header !== undefined) numberEnd(sql, stream, header);
    for (const [index, text] of texts.entries()) {
      sql.run(
        "INSERT INTO journal_entries (stream, position, entry_json) VALUES (?, ?, ?)",
        stream,
        after + index,
        text,
      );
    }
    return true;
  };
}

/** Returns whether the stream had the length that the writer expects. */
function makeOrExtend(
  sql: Sql,
  stream: string,
  after: number,
  length: number,
  header: JournalHeader | undefined,
): boolean {
  if (after === 0) {
    assert(header !== undefined, `the first append to ${stream} has no header`);
    const made = sql.run(
      "INSERT INTO journal_streams (stream, header_json, length) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      stream,
      JSON.stringify(header),
      length,
    );
    return made === 1;
  }
  const extended = sql.run(
    `UPDATE journal_streams SET length = ?, header_json = coalesce(?, header_json)
     WHERE stream = ? AND length = ?`,
    length,
    header === undefined ? null : JSON.stringify(header),
    stream,
    after,
  );
  return extended === 1;
}

/** If a stream continues after its end, as a resumed run does, its next end counts. */
function numberEnd(sql: Sql, stream: string, header: JournalHeader): void {
  if (isEndOfWhole(header)) {
    sql.run("INSERT INTO journal_end_numbers (stream) VALUES (?) ON CONFLICT DO NOTHING", stream);
  } else sql.run("DELETE FROM journal_end_numbers WHERE stream = ?", stream);
}

function deleteEnded(
  sql: Sql,
  { endedBefore, upToMark = Number.MAX_SAFE_INTEGER, limit = journalDeletionLimit }: JournalDeletion,
): number {
  const ended = sql.all(
    `SELECT stream FROM journal_streams s
     WHERE header_json ->> '$.endedAt' < ? AND header_json ->> '$.partOf' IS NULL
       AND coalesce((SELECT number FROM journal_end_numbers n WHERE n.stream = s.stream), 0) <= ?
     ORDER BY header_json ->> '$.endedAt' LIMIT (? + 0)`,
    endedBefore,
    upToMark,
    limit,
  );
  for (const { stream } of ended) {
    const parts = sql.all(
      "SELECT stream FROM journal_streams WHERE header_json ->> '$.partOf' = ?",
      String(stream),
    );
    for (const doomed of [...parts, { stream }]) {
      sql.run("DELETE FROM journal_entries WHERE stream = ?", String(doomed.stream));
      sql.run("DELETE FROM journal_end_numbers WHERE stream = ?", String(doomed.stream));
      sql.run("DELETE FROM journal_streams WHERE stream = ?", String(doomed.stream));
    }
  }
  return ended.length;
}
