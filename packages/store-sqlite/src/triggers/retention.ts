/** Deletes old firings, then old events without firings, a bounded number at once. The keys of events stay for a while. */
import { forgetKeysAfterMs, type TriggerStore } from "@agentcore/triggers";
import { hasEnded } from "../schema-triggers.ts";
import type { Sql } from "../sql.ts";

export function deleteEnded(
  sql: Sql,
  { before, now, limit }: Parameters<TriggerStore["deleteEnded"]>[0],
): number {
  sql.run(
    `DELETE FROM trigger_past_keys WHERE (source, key) IN (
       SELECT source, key FROM trigger_past_keys WHERE forget_at <= ? ORDER BY forget_at LIMIT (? + 0))`,
    now,
    limit,
  );
  const firings = sql.run(
    `DELETE FROM trigger_firings WHERE number IN (
       SELECT number FROM trigger_firings WHERE ${hasEnded} AND ended_at < ? ORDER BY ended_at LIMIT (? + 0))`,
    before,
    limit,
  );
  const events = sql.all(
    `SELECT number, source, key FROM trigger_events e WHERE at < ? AND routed = 1
       AND NOT EXISTS (SELECT 1 FROM trigger_firings f WHERE f.event = e.number) ORDER BY at LIMIT (? + 0)`,
    before,
    limit - firings,
  );
  for (const { number = null, source = null, key = null } of events) {
    if (key !== null)
      sql.run(
        "INSERT INTO trigger_past_keys (source, key, forget_at) VALUES (?, ?, ?) ON CONFLICT (source, key) DO UPDATE SET forget_at = excluded.forget_at",
        source,
        key,
        now + forgetKeysAfterMs,
      );
    sql.run("DELETE FROM trigger_events WHERE number = ?", number);
  }
  return firings + events.length;
}
