/** New events: stored once for each id and each key of a source, and given out until they are routed. */
import type { AcceptRequest, TriggerEvent } from "@agentcore/triggers";
import { eventColumns, eventOf, pageSize, valuesOfEvent } from "@agentcore/triggers";
import type { SqlValue } from "../driver.ts";
import { isUnrouted } from "../schema-triggers.ts";
import type { Sql } from "../sql.ts";

/** A request as the values of its rows, which are made before the transaction. */
export interface PreparedAccept {
  readonly events: readonly {
    readonly event: Pick<TriggerEvent, "id" | "source" | "key">;
    readonly values: readonly SqlValue[];
  }[];
  readonly sources: readonly (readonly [source: string, text: string])[];
}

export const prepareAccept = ({ events, sources = {} }: AcceptRequest): PreparedAccept => ({
  events: events.map((event) => ({ event, values: valuesOfEvent(event) })),
  sources: Object.entries(sources).map(([source, state]) => [source, JSON.stringify(state)]),
});

type Accepted = "accepted" | "duplicate";

export function accept(sql: Sql, { events, sources }: PreparedAccept): readonly Accepted[] {
  for (const [source, text] of sources)
    sql.run(
      `INSERT INTO trigger_sources (source, state_json) VALUES (?, ?)
       ON CONFLICT (source) DO UPDATE SET state_json = excluded.state_json`,
      source,
      text,
    );
  return events.map(({ event: { source, key }, values }) => {
    const number = sql.insert(
      `INSERT INTO trigger_events (${eventColumns}, routed) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, 0
       WHERE NOT EXISTS (SELECT 1 FROM trigger_past_keys WHERE source = ? AND key = ?) ON CONFLICT DO NOTHING`,
      ...values,
      source,
      key,
    );
    return number === undefined ? "duplicate" : "accepted";
  });
}

/** What `accept` returned, if its commit took effect although it seemed to fail; undefined if none of the events is stored. */
export function acceptedAlready(sql: Sql, { events }: PreparedAccept): readonly Accepted[] | undefined {
  const answers = events.map(({ event: { id } }): Accepted => {
    const row = sql.values("SELECT 1 FROM trigger_events WHERE id = ?", id);
    return row === undefined ? "duplicate" : "accepted";
  });
  return answers.includes("accepted") ? answers : undefined;
}

/** No more payload than this is read at once. One event is always given. */
const payloadLengthMax = 16 * 1024 * 1024;

export function unrouted(sql: Sql, limit: number): readonly TriggerEvent[] {
  const found: TriggerEvent[] = [];
  let last = 0;
  let length = 0;
  while (found.length < pageSize(limit) && length < payloadLengthMax) {
    const row = sql.get(
      `SELECT number, ${eventColumns} FROM trigger_events WHERE ${isUnrouted} AND number > ? ORDER BY number LIMIT 1`,
      last,
    );
    if (row === undefined) break;
    last = Number(row.number);
    length += String(row.payload_json).length;
    found.push(eventOf(row));
  }
  return found;
}
