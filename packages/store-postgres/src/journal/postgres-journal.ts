/** The `Journal` of `@agentcore/scheduler` on PostgreSQL: each append is one write of the store's group commit. */
import { assert } from "@agentcore/contract";
import {
  type Journal,
  type JournalDeletion,
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
import { fromColumn, toColumn } from "../store/plain-text.ts";
import type { PostgresStore } from "../store/postgres-store.ts";
import type { Sql } from "../store/sql.ts";

const stores = new WeakMap<Journal, PostgresStore>();

/** The store of a journal that was created here. */
export function storeOf(journal: Journal): PostgresStore | undefined {
  return stores.get(journal);
}

export function createPostgresJournal(store: PostgresStore): Journal {
  const journal: Journal = {
    append: async (stream, append) => {
      const appendTo = prepareAppend({ stream, ...append });
      return store.write(async (sql) => ((await appendTo(sql)) ? "appended" : "conflict"));
    },
    read: (stream) =>
      store.read(async (sql) => {
        const name = toColumn(stream);
        const found = await sql.get("SELECT header_json FROM journal_streams WHERE stream = $1", name);
        if (found === undefined) return undefined;
        const header = readableHeaderOf(stream, found["header_json"], "the database");
        const rows = await sql.all(
          "SELECT entry_json FROM journal_entries WHERE stream = $1 ORDER BY position",
          name,
        );
        const texts = rows.map((row) => row["entry_json"]);
        return { stream, header, entries: readableEntriesOf(stream, texts, "the database") };
      }),
    list: (query) => store.read((sql) => listStreams(sql, query)),
    deleteEnded: (request) => store.write((sql) => deleteEnded(sql, request)),
    endMark: () =>
      store.read(async (sql) => Number((await sql.get("SELECT number FROM journal_end_mark"))?.["number"])),
  };
  stores.set(journal, store);
  return journal;
}

async function listStreams(sql: Sql, query: JournalQuery): Promise<readonly JournalListing[]> {
  const { prefix, before = null, isOpen, partOf } = query;
  const isPart =
    partOf === undefined ? "TRUE" : partOf === null ? "part_of IS NULL" : "part_of = ANY ($4::text[])";
  const rows = await sql.all(
    `SELECT stream, header_json, length FROM journal_streams
     WHERE stream >= $1 AND stream < $1 || U&'\\+10FFFF' AND starts_with(stream, $1) AND ($2::text IS NULL OR stream < $2)
       AND ${isOpen === true ? "ended_at IS NULL" : "TRUE"} AND ${isPart}
     ORDER BY stream DESC LIMIT $3`,
    toColumn(prefix),
    toColumn(before),
    journalLimit(query),
    ...(partOf === undefined || partOf === null ? [] : [partOf.map((stream) => toColumn(stream))]),
  );
  // Without a readable header nothing is known about a stream; list the others all the same.
  return rows.flatMap((row) => {
    const header = headerOf(row["header_json"]);
    if (header === null) return [];
    return { stream: fromColumn(String(row["stream"])), header, length: Number(row["length"]) };
  });
}

/** Returns a function that appends, or returns false if the stream does not have the length that the writer expects. */
export function prepareAppend({
  stream,
  after,
  entries,
  header,
}: JournalWrite): (sql: Sql) => Promise<boolean> {
  assert(after > 0 || header !== undefined, `the first append to ${stream} has no header`);
  const texts = entries.map((entry) => JSON.stringify(entry));
  const values = [
    toColumn(stream),
    after,
    texts,
    header === undefined ? null : JSON.stringify(header),
    typeof header?.["endedAt"] === "number" ? header["endedAt"] : null,
    typeof header?.["partOf"] === "string" ? toColumn(header["partOf"]) : null,
    header !== undefined && isEndOfWhole(header),
  ];
  return async (sql) => {
    const row = await sql.get(after === 0 ? makeStream : extendStream, ...values);
    return row?.["streams"] === 1;
  };
}

const endNumber =
  "next_end AS (UPDATE journal_end_mark SET number = number + 1 WHERE $7::boolean RETURNING number)";

const insertEntries = `
  added AS (
    INSERT INTO journal_entries (stream, position, entry_json)
    SELECT w.stream, $2::bigint + e.place - 1, e.text FROM written w, unnest($3::text[]) WITH ORDINALITY AS e (text, place))
  SELECT count(*) AS streams FROM written`;

const makeStream = `
  WITH ${endNumber}, written AS (
    INSERT INTO journal_streams (stream, length, header_json, ended_at, part_of, end_number)
    VALUES ($1, cardinality($3::text[]), $4, $5, $6, (SELECT number FROM next_end)) ON CONFLICT DO NOTHING RETURNING stream),
  ${insertEntries}`;

/** If a stream continues after its end, as a resumed run does, its next end counts. */
const extendStream = `
  WITH ${endNumber}, written AS (
    UPDATE journal_streams SET
      length = $2::bigint + cardinality($3::text[]),
      header_json = coalesce($4, header_json),
      ended_at = CASE WHEN $4 IS NULL THEN ended_at ELSE $5::double precision END,
      part_of = CASE WHEN $4 IS NULL THEN part_of ELSE $6::text END,
      end_number = CASE WHEN $4 IS NULL THEN end_number WHEN $7 THEN coalesce(end_number, (SELECT number FROM next_end)) END
    WHERE stream = $1 AND length = $2 RETURNING stream),
  ${insertEntries}`;

async function deleteEnded(
  sql: Sql,
  { endedBefore, upToMark = Number.MAX_SAFE_INTEGER, limit = journalDeletionLimit }: JournalDeletion,
): Promise<number> {
  const row = await sql.get(
    `WITH ended AS (
       SELECT stream FROM journal_streams
       WHERE ended_at < $1 AND ended_at IS NOT NULL AND part_of IS NULL AND coalesce(end_number, 0) <= $2
       ORDER BY ended_at LIMIT $3),
     doomed AS (
       SELECT stream FROM ended UNION SELECT s.stream FROM journal_streams s JOIN ended e ON s.part_of = e.stream),
     entries AS (DELETE FROM journal_entries e USING doomed d WHERE e.stream = d.stream),
     streams AS (DELETE FROM journal_streams s USING doomed d WHERE s.stream = d.stream)
     SELECT count(*) AS streams FROM ended`,
    endedBefore,
    Math.min(upToMark, Number.MAX_SAFE_INTEGER),
    limit,
  );
  return Number(row?.["streams"]);
}
