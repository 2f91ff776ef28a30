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
import type { SqlValue } from "../driver.ts";
import { hasEnded, isOpen } from "../schema-triggers.ts";
import type { Sql } from "../sql.ts";

const selectEvent = `SELECT number, ${eventColumns}, routed FROM trigger_events`;

export function event(sql: Sql, id: string): StoredEvent | null {
  const row = sql.get(`${selectEvent} WHERE id = ?`, id);
  return row === undefined ? null : storedEventOf(row);
}

export function events(sql: Sql, query: EventQuery): readonly StoredEvent[] {
  const { source, before = Number.MAX_SAFE_INTEGER, limit } = query;
  const newestFirst = "number < ? ORDER BY number DESC LIMIT (? + 0)";
  const rows =
    source === undefined
      ? sql.all(`${selectEvent} WHERE ${newestFirst}`, before, pageSize(limit))
      : sql.all(`${selectEvent} WHERE source = ? AND ${newestFirst}`, source, before, pageSize(limit));
  return rows.map(storedEventOf);
}

const withEvent = "trigger_firings f LEFT JOIN trigger_events e ON e.number = f.event";

export function firing(sql: Sql, id: string): StoredFiring | null {
  const row = sql.get(`SELECT ${firingColumns} FROM ${withEvent} WHERE f.id = ?`, id);
  return row === undefined ? null : storedFiringOf(row);
}

export function firings(sql: Sql, query: FiringQuery): readonly StoredFiring[] {
  const { text, values } = numbersOf(query);
  const rows = sql.all(
    `SELECT ${firingColumns} FROM (${text} ORDER BY number DESC LIMIT (? + 0)) n
     CROSS JOIN trigger_firings f ON f.number = n.number LEFT JOIN trigger_events e ON e.number = f.event
     ORDER BY n.number DESC`,
    ...values,
    pageSize(query.limit),
  );
  return rows.map(storedFiringOf);
}

interface Select {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

type Kind = FiringCount["kind"];
const everyKind: readonly Kind[] = [...openKinds, ...overKinds];

/** Selects the numbers of the firings that a query asks for. Its text depends only on which fields are given. */
function numbersOf(query: FiringQuery): Select {
  const { trigger, event: eventId, run, kinds, before = Number.MAX_SAFE_INTEGER, limit } = query;
  if (eventId !== undefined || run !== undefined) return numbersOfFew(query);
  if (trigger === undefined && kinds === undefined)
    return { text: "SELECT number FROM trigger_firings WHERE number < ?", values: [before] };
  // An index gives the newest of each kind; the newest of all kinds are among those.
  const selects = [...new Set(kinds ?? everyKind)].map((kind): Select => {
    const isOfKind = overKinds.some((over) => over === kind) ? hasEnded : isOpen;
    const where = trigger === undefined ? `${isOfKind} AND kind = ?` : "trigger_id = ? AND kind = ?";
    return {
      text: `SELECT number FROM (SELECT number FROM trigger_firings WHERE ${where} AND number < ? ORDER BY number DESC LIMIT (? + 0))`,
      values: [...(trigger === undefined ? [] : [trigger]), kind, before, pageSize(limit)],
    };
  });
  const none = "SELECT number FROM trigger_firings WHERE FALSE";
  return {
    text: selects.map(({ text }) => text).join(" UNION ALL ") || none,
    values: selects.flatMap(({ values }) => values),
  };
}

/** An event and a run have a few firings each. With a plus sign, a condition is checked row by row and not by an index. */
function numbersOfFew({ trigger, event: eventId, run, kinds, before }: FiringQuery): Select {
  const conditions: readonly (readonly [string, SqlValue | undefined])[] = [
    ["number = (SELECT firing FROM trigger_runs WHERE run = ?)", run],
    [`${run === undefined ? "" : "+"}event = (SELECT number FROM trigger_events WHERE id = ?)`, eventId],
    ["+trigger_id = ?", trigger],
    ["+kind IN (SELECT value FROM json_each(?))", kinds && JSON.stringify(kinds)],
    ["+number < ?", before],
  ];
  const given = conditions.flatMap(([text, value]) => (value === undefined ? [] : [{ text, value }]));
  return {
    text: `SELECT number FROM trigger_firings WHERE ${given.map(({ text }) => text).join(" AND ")}`,
    values: given.map(({ value }) => value),
  };
}

/** Reads two indexes in full: its cost grows with the firings that are kept. */
export function countFirings(sql: Sql): readonly FiringCount[] {
  const byKind = sql.allValues(
    "SELECT trigger_id, kind, NULL, count(*) FROM trigger_firings GROUP BY trigger_id, kind",
  );
  const byReason = sql.allValues(
    `SELECT trigger_id, 'skipped', reason_code, count(*) FROM trigger_firings WHERE reason_code IS NOT NULL
     GROUP BY trigger_id, reason_code`,
  );
  return [...byKind.filter(([, kind]) => kind !== "skipped"), ...byReason].map(
    ([trigger, kind, reason, count]) => ({
      trigger: String(trigger),
      kind: kind as Kind,
      reason: reason === null ? null : String(reason),
      count: Number(count),
    }),
  );
}
