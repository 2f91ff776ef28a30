/** Writes what was decided about events, and reads what the next daemon begins with. */
import { assert } from "@agentcore/contract";
import {
  endedAtOf,
  eventColumns,
  eventOf,
  firingColumns,
  firingOf,
  isOpen as isOpenFiring,
  reasonCodeOf,
  runOf,
  storedSources,
  storedTriggerState,
  unreadableState,
  type Firing,
  type LoadedTriggers,
  type PreparedChange,
} from "@agentcore/triggers";
import { isOpen } from "../schema-triggers.ts";
import type { Sql } from "../sql.ts";

export function commit(sql: Sql, { routed, firings, triggers }: PreparedChange): void {
  for (const id of routed) sql.run("UPDATE trigger_events SET routed = 1 WHERE id = ? AND routed = 0", id);
  for (const { firing, text } of firings) writeFiring(sql, firing, text);
  for (const { id, text } of triggers)
    sql.run(
      `INSERT INTO trigger_states (id, state_json) VALUES (?, ?)
       ON CONFLICT (id) DO UPDATE SET state_json = excluded.state_json`,
      id,
      text,
    );
}

function writeFiring(sql: Sql, firing: Firing, text: string): void {
  const { id, trigger, event, at, key, state } = firing;
  const eventNumber = sql.values("SELECT number FROM trigger_events WHERE id = ?", event)?.[0];
  assert(eventNumber !== undefined, `the event ${event} of the firing ${id} is not stored`);
  sql.run(
    `INSERT INTO trigger_firings (id, trigger_id, event, at, key, kind, ended_at, reason_code, state_json)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET key = excluded.key, kind = excluded.kind, ended_at = excluded.ended_at,
       reason_code = excluded.reason_code, state_json = excluded.state_json`,
    id,
    trigger,
    eventNumber,
    at,
    key,
    state.kind,
    endedAtOf(firing),
    reasonCodeOf(state),
    text,
  );
  const run = runOf(firing);
  if (run === null) return;
  sql.run(
    `INSERT INTO trigger_runs (run, firing) SELECT ?, number FROM trigger_firings WHERE id = ?
     ON CONFLICT (run) DO UPDATE SET firing = excluded.firing WHERE firing <> excluded.firing`,
    run,
    id,
  );
}

export interface LoadedRows extends LoadedTriggers {
  /** Numbers of open firings that cannot be read, or whose event cannot be. */
  readonly damaged: readonly number[];
}

export function load(sql: Sql, now: number): LoadedRows {
  const open: LoadedTriggers["open"][number][] = [];
  const damaged: number[] = [];
  const rows = sql.all(
    `SELECT ${firingColumns}, f.event FROM trigger_firings f LEFT JOIN trigger_events e ON e.number = f.event
     WHERE f.${isOpen} ORDER BY f.number`,
  );
  for (const row of rows) {
    const firing = firingOf(row);
    const eventRow = sql.get(
      `SELECT ${eventColumns} FROM trigger_events WHERE number = ?`,
      row.event ?? null,
    );
    const event = eventRow === undefined ? undefined : eventOf(eventRow);
    if (event === undefined || event.skipped?.code === "unreadable" || !isOpenFiring(firing))
      damaged.push(Number(row.number));
    else open.push({ firing, event });
  }
  return {
    triggers: sql.all("SELECT id, state_json FROM trigger_states").map((row) => storedTriggerState(row, now)),
    open,
    sources: sourcesOf(sql),
    damaged,
  };
}

/** Ends firings that cannot go on. */
export function endUnreadable(sql: Sql, numbers: readonly number[], now: number): void {
  const state = unreadableState(now);
  for (const number of numbers)
    sql.run(
      `UPDATE trigger_firings SET kind = ?, ended_at = ?, reason_code = ?, state_json = ? WHERE number = ? AND ${isOpen}`,
      state.kind,
      now,
      reasonCodeOf(state),
      JSON.stringify(state),
      number,
    );
}

const sourcesOf = (sql: Sql): LoadedTriggers["sources"] =>
  storedSources(sql.all("SELECT source, state_json FROM trigger_sources"));
