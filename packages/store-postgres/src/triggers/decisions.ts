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
import { isOpen, isUnrouted } from "../schema/schema-triggers.ts";
import type { Sql, SqlRow } from "../store/sql.ts";
import { plainRow, textColumn } from "./rows.ts";

export async function commit(sql: Sql, { routed, firings, triggers }: PreparedChange): Promise<void> {
  if (routed.length > 0)
    await sql.run(
      `UPDATE trigger_events SET routed = true WHERE id = ANY ($1::text[]) AND ${isUnrouted}`,
      textColumn(routed, (id) => id),
    );
  if (firings.length > 0) await writeFirings(sql, firings);
  if (triggers.length > 0)
    await sql.run(
      `INSERT INTO trigger_states (id, state_json) SELECT * FROM unnest($1::text[], $2::text[])
       ON CONFLICT (id) DO UPDATE SET state_json = excluded.state_json`,
      textColumn(triggers, ({ id }) => id),
      triggers.map(({ text }) => text),
    );
}

async function writeFirings(sql: Sql, all: PreparedChange["firings"]): Promise<void> {
  // A statement writes each row once: the last state of a firing counts.
  const firings = [...new Map(all.map((one) => [one.firing.id, one])).values()];
  const text = (of: (firing: Firing) => string | null) => textColumn(firings, ({ firing }) => of(firing));
  const written = await sql.run(
    `INSERT INTO trigger_firings (id, trigger_id, event, at, key, kind, ended_at, reason_code, state_json)
     SELECT n.id, n.trigger_id, e.number, n.at, n.key, n.kind, n.ended_at, n.reason_code, n.state_json
     FROM unnest($1::text[], $2::text[], $3::text[], $4::float8[], $5::text[], $6::text[], $7::float8[], $8::text[], $9::text[])
       WITH ORDINALITY AS n (id, trigger_id, event, at, key, kind, ended_at, reason_code, state_json, place)
     JOIN trigger_events e ON e.id = n.event ORDER BY n.place
     ON CONFLICT (id) DO UPDATE SET key = excluded.key, kind = excluded.kind, ended_at = excluded.ended_at,
       reason_code = excluded.reason_code, state_json = excluded.state_json`,
    text(({ id }) => id),
    text(({ trigger }) => trigger),
    text(({ event }) => event),
    firings.map(({ firing }) => firing.at),
    text(({ key }) => key),
    firings.map(({ firing }) => firing.state.kind),
    firings.map(({ firing }) => endedAtOf(firing)),
    text(({ state }) => reasonCodeOf(state)),
    firings.map(({ text: json }) => json),
  );
  assert(written === firings.length, "the event of a firing is not stored");
  await writeRuns(
    sql,
    firings.map(({ firing }) => firing),
  );
}

async function writeRuns(sql: Sql, firings: readonly Firing[]): Promise<void> {
  const firingOfRun = new Map(
    firings.flatMap((firing) => {
      const run = runOf(firing);
      return run === null ? [] : [[run, firing.id] as const];
    }),
  );
  if (firingOfRun.size === 0) return;
  await sql.run(
    `INSERT INTO trigger_runs (run, firing)
     SELECT n.run, f.number FROM unnest($1::text[], $2::text[]) AS n (run, firing) JOIN trigger_firings f ON f.id = n.firing
     ON CONFLICT (run) DO UPDATE SET firing = excluded.firing WHERE trigger_runs.firing <> excluded.firing`,
    textColumn([...firingOfRun.keys()], (run) => run),
    textColumn([...firingOfRun.values()], (id) => id),
  );
}

export interface LoadedRows extends LoadedTriggers {
  /** Numbers of open firings that cannot be read, or whose event cannot be. */
  readonly damaged: readonly number[];
}

const eventPrefix = "event_";
const columnsOfEvent = eventColumns
  .split(", ")
  .map((name) => `e.${name} AS ${eventPrefix}${name}`)
  .join(", ");

export async function load(sql: Sql, now: number): Promise<LoadedRows> {
  const open: LoadedTriggers["open"][number][] = [];
  const damaged: number[] = [];
  const rows = await sql.all(
    `SELECT ${firingColumns}, ${columnsOfEvent} FROM trigger_firings f JOIN trigger_events e ON e.number = f.event
     WHERE f.${isOpen} ORDER BY f.number`,
  );
  for (const row of rows.map(plainRow)) {
    const firing = firingOf(row);
    const event = eventOf(partOf(row));
    if (event.skipped?.code === "unreadable" || !isOpenFiring(firing)) damaged.push(Number(row["number"]));
    else open.push({ firing, event });
  }
  const states = await sql.all("SELECT id, state_json FROM trigger_states");
  const sources = await sql.all("SELECT source, state_json FROM trigger_sources");
  return {
    triggers: states.map((row) => storedTriggerState(plainRow(row), now)),
    open,
    sources: storedSources(sources.map(plainRow)),
    damaged,
  };
}

/** The columns of the event in a row of both. */
const partOf = (row: SqlRow): SqlRow =>
  Object.fromEntries(
    Object.entries(row).flatMap(([name, value]) =>
      name.startsWith(eventPrefix) ? [[name.slice(eventPrefix.length), value]] : [],
    ),
  );

/** Ends firings that cannot go on. */
export async function endUnreadable(sql: Sql, numbers: readonly number[], now: number): Promise<void> {
  const state = unreadableState(now);
  await sql.run(
    `UPDATE trigger_firings SET kind = $1, ended_at = $2, reason_code = $3, state_json = $4
     WHERE number = ANY ($5::bigint[]) AND ${isOpen}`,
    state.kind,
    now,
    reasonCodeOf(state),
    JSON.stringify(state),
    numbers,
  );
}
