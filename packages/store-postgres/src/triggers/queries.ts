/** Read-only queries about events and firings, for people. */
import {
  eventColumns,
  firingColumns,
  openKinds,
  overKinds,
  pageSize,
  storedEventOf,
  storedFiringOf,
  type EventQuery,
  type FiringCount,
  type FiringQuery,
  type StoredEvent,
  type StoredFiring,
} from "@agentcore/triggers";
import { toColumn } from "../store/plain-text.ts";
import type { Sql, SqlValue } from "../store/sql.ts";
import { plainRow } from "./rows.ts";

const selectEvent = `SELECT number, ${eventColumns}, routed FROM trigger_events`;

export async function event(sql: Sql, id: string): Promise<StoredEvent | null> {
  const row = await sql.get(`${selectEvent} WHERE id = $1`, toColumn(id));
  return row === undefined ? null : storedEventOf(plainRow(row));
}

export async function events(sql: Sql, query: EventQuery): Promise<readonly StoredEvent[]> {
  const { source, before = Number.MAX_SAFE_INTEGER, limit } = query;
  const newestFirst = "number < $1 ORDER BY number DESC LIMIT $2";
  const rows =
    source === undefined
      ? await sql.all(`${selectEvent} WHERE ${newestFirst}`, before, pageSize(limit))
      : await sql.all(
          `${selectEvent} WHERE source = $3 AND ${newestFirst}`,
          before,
          pageSize(limit),
          toColumn(source),
        );
  return rows.map((row) => storedEventOf(plainRow(row)));
}

const selectFiring = `SELECT ${firingColumns} FROM trigger_firings f JOIN trigger_events e ON e.number = f.event`;

export async function firing(sql: Sql, id: string): Promise<StoredFiring | null> {
  const row = await sql.get(`${selectFiring} WHERE f.id = $1`, toColumn(id));
  return row === undefined ? null : storedFiringOf(plainRow(row));
}

type Kind = FiringCount["kind"];
const everyKind: readonly Kind[] = [...openKinds, ...overKinds];

export async function firings(sql: Sql, query: FiringQuery): Promise<readonly StoredFiring[]> {
  const { trigger, event: eventId, run, kinds, before = Number.MAX_SAFE_INTEGER, limit } = query;
  const values: SqlValue[] = [before, pageSize(limit)];
  const given = (value: SqlValue): string => `$${values.push(value)}`;
  const conditions = [
    "number < $1",
    ...(trigger === undefined ? [] : [`trigger_id = ${given(toColumn(trigger))}`]),
    ...(eventId === undefined
      ? []
      : [`event = (SELECT number FROM trigger_events WHERE id = ${given(toColumn(eventId))})`]),
    ...(run === undefined
      ? []
      : [`number = (SELECT firing FROM trigger_runs WHERE run = ${given(toColumn(run))})`]),
  ].join(" AND ");
  const numbers = "SELECT number FROM trigger_firings WHERE";
  const newest = "ORDER BY number DESC LIMIT $2";
  const isOfFew = eventId !== undefined || run !== undefined;
  const asked = kinds ?? (isOfFew || trigger === undefined ? null : everyKind);
  if (asked?.length === 0) return [];
  // An index gives the newest of each kind; the newest of all kinds are among those.
  const all =
    asked === null
      ? `${numbers} ${conditions}`
      : [...new Set(asked)]
          .map((kind) => `(${numbers} ${conditions} AND kind = ${given(kind)} ${newest})`)
          .join(" UNION ALL ");
  const rows = await sql.all(
    `${selectFiring} WHERE f.number = ANY (ARRAY(SELECT number FROM (${all}) n ${newest})) ORDER BY f.number DESC`,
    ...values,
  );
  return rows.map((row) => storedFiringOf(plainRow(row)));
}

/** Reads an index in full: its cost grows with the firings that are kept. */
export async function countFirings(sql: Sql): Promise<readonly FiringCount[]> {
  const rows = await sql.all(
    "SELECT trigger_id, kind, reason_code, count(*) AS count FROM trigger_firings GROUP BY trigger_id, kind, reason_code",
  );
  return rows.map(plainRow).map((row) => ({
    trigger: String(row["trigger_id"]),
    kind: row["kind"] as Kind,
    reason: row["reason_code"] as string | null,
    count: Number(row["count"]),
  }));
}
