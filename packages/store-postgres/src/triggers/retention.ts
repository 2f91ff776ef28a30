/** Deletes old firings, then old events without firings, a bounded number at once. The keys of events stay for a while. */
import { forgetKeysAfterMs, type TriggerStore } from "@agentcore/triggers";
import { hasEnded } from "../schema/schema-triggers.ts";
import type { Sql } from "../store/sql.ts";

export async function deleteEnded(
  sql: Sql,
  { before, now, limit }: Parameters<TriggerStore["deleteEnded"]>[0],
): Promise<number> {
  await sql.run(
    `DELETE FROM trigger_past_keys WHERE (source, key) IN (
       SELECT source, key FROM trigger_past_keys WHERE forget_at <= $1 ORDER BY forget_at LIMIT $2)`,
    now,
    limit,
  );
  const firings = await sql.run(
    `DELETE FROM trigger_firings WHERE number IN (
       SELECT number FROM trigger_firings WHERE ${hasEnded} AND ended_at < $1 ORDER BY ended_at LIMIT $2)`,
    before,
    limit,
  );
  const events = await sql.run(
    `WITH old AS (
       SELECT number, source, key FROM trigger_events e WHERE at < $1 AND routed
         AND NOT EXISTS (SELECT FROM trigger_firings f WHERE f.event = e.number) ORDER BY at LIMIT $2
     ), kept AS (
       INSERT INTO trigger_past_keys (source, key, forget_at) SELECT source, key, $3 FROM old WHERE key IS NOT NULL
       ON CONFLICT (source, key) DO UPDATE SET forget_at = excluded.forget_at
     )
     DELETE FROM trigger_events WHERE number IN (SELECT number FROM old)`,
    before,
    limit - firings,
    now + forgetKeysAfterMs,
  );
  return firings + events;
}
