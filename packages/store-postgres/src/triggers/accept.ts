/** New events: stored once for each id and each key of a source, and given out until they are routed. */
import {
  eventColumns,
  eventOf,
  pageSize,
  valuesOfEvent,
  type AcceptRequest,
  type TriggerEvent,
} from "@agentcore/triggers";
import { isUnrouted } from "../schema/schema-triggers.ts";
import { toColumn } from "../store/plain-text.ts";
import type { Sql } from "../store/sql.ts";
import { plainRow } from "./rows.ts";

type Value = string | number | null;

/** A request as the columns of its rows, which are made before the transaction. */
export interface PreparedAccept {
  readonly ids: readonly string[];
  /** In the order of `eventColumns`. */
  readonly columns: readonly (readonly Value[])[];
  readonly sources: readonly (readonly [source: string, text: string])[];
}

const columnNames = eventColumns.split(", ");
const casts = columnNames.map((name) => (name === "at" ? "float8[]" : "text[]"));

export function prepareAccept({ events, sources = {} }: AcceptRequest): PreparedAccept {
  const rows = events.map(valuesOfEvent);
  return {
    ids: events.map(({ id }) => id),
    columns: columnNames.map((name, index) => rows.map((row) => storable(row[index] ?? null, name))),
    sources: Object.entries(sources).map(([source, state]) => [toColumn(source), JSON.stringify(state)]),
  };
}

const storable = (value: Value, column: string): Value =>
  typeof value === "string" && !column.endsWith("_json") ? toColumn(value) : value;

type Accepted = "accepted" | "duplicate";

export async function accept(
  sql: Sql,
  { ids, columns, sources }: PreparedAccept,
): Promise<readonly Accepted[]> {
  if (sources.length > 0)
    await sql.run(
      `INSERT INTO trigger_sources (source, state_json) SELECT * FROM unnest($1::text[], $2::text[])
       ON CONFLICT (source) DO UPDATE SET state_json = excluded.state_json`,
      sources.map(([source]) => source),
      sources.map(([, text]) => text),
    );
  if (ids.length === 0) return [];
  const arrays = casts.map((cast, index) => `$${index + 1}::${cast}`).join(", ");
  const added = await sql.all(
    `INSERT INTO trigger_events (${eventColumns}, routed)
     SELECT ${eventColumns}, false FROM unnest(${arrays}) WITH ORDINALITY AS n (${eventColumns}, place)
     WHERE NOT EXISTS (SELECT FROM trigger_past_keys p WHERE p.source = n.source AND p.key = n.key)
     ORDER BY place ON CONFLICT DO NOTHING RETURNING id`,
    ...columns,
  );
  // The second of two events with one id is a duplicate of the first.
  const accepted = new Set(added.map((row) => String(row["id"])));
  return ids.map((id) => (accepted.delete(toColumn(id)) ? "accepted" : "duplicate"));
}

/** No more payload than this is read at once. One event is always given. */
const payloadBytesMax = 16 * 1024 * 1024;

export async function unrouted(sql: Sql, limit: number): Promise<readonly TriggerEvent[]> {
  const rows = await sql.all(
    `SELECT ${eventColumns} FROM trigger_events e JOIN (
       SELECT number, sum(octet_length(payload_json)) OVER (ORDER BY number) - octet_length(payload_json) AS before
       FROM trigger_events WHERE ${isUnrouted} ORDER BY number LIMIT $1
     ) n USING (number) WHERE n.before < $2 ORDER BY number`,
    pageSize(limit),
    payloadBytesMax,
  );
  return rows.map((row) => eventOf(plainRow(row)));
}
