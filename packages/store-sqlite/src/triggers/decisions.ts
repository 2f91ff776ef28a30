/** Writes what was decided about events, and reads what the next daemon begins with. */
import { assert, jsonOr } from "@agentcore/contract";
import {
  endedAtOf,
  isOpen as isOpenFiring,
  runOf,
  type BudgetWindow,
  type Firing,
  type FiringState,
  type Json,
  type LoadedTriggers,
  type TriggerChange,
  type TriggerState,
} from "@agentcore/triggers";
import { isOpen } from "../schema-triggers.ts";
import type { Sql } from "../sql.ts";
import { eventColumns, eventOf } from "./event-row.ts";
import { firingColumns, firingOf, unreadableState } from "./firing-row.ts";
import { hasFields, isNumber, isText, orNull, type Check } from "./shape.ts";

/** A change with its texts, which are made before the transaction. */
export interface PreparedChange {
  readonly routed: readonly string[];
  readonly firings: readonly { readonly firing: Firing; readonly text: string }[];
  readonly triggers: readonly { readonly id: string; readonly text: string }[];
}

export const prepareChange = ({
  routed = [],
  firings = [],
  triggers = [],
}: TriggerChange): PreparedChange => ({
  routed: [...routed],
  firings: firings.map((firing) => ({ firing, text: JSON.stringify(firing.state) })),
  triggers: triggers.map((state) => ({ id: state.id, text: JSON.stringify(state) })),
});

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

const reasonCodeOf = (state: FiringState): string | null =>
  state.kind === "skipped" ? state.reason.code : null;

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
    triggers: sql.all("SELECT id, state_json FROM trigger_states").map((row) => triggerStateOf(row, now)),
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

/** A source whose state cannot be read begins as a new one. */
function sourcesOf(sql: Sql): Readonly<Record<string, Json>> {
  const states = sql.all("SELECT source, state_json FROM trigger_sources").flatMap((row) => {
    const state = jsonOr(row.state_json, undefined) as Json | undefined;
    return state === undefined ? [] : [[String(row.source), state] as const];
  });
  return Object.fromEntries(states);
}

const pauseFields = { at: isNumber, by: isText, note: isText };
const resultFields = { run: isText, event: isText, status: isText, startedAt: isNumber, endedAt: isNumber };
const isSpent: Check = (value) => hasFields(value, { since: isNumber, costUsd: isNumber, tokens: isNumber });
const spentFields = { hour: isSpent, day: isSpent, month: isSpent } satisfies Record<BudgetWindow, Check>;

// Every field is named, so that a state of another shape does not go out of step with its check.
const triggerFields = {
  id: isText,
  pause: orNull((value) => hasFields(value, pauseFields)),
  failuresInARow: isNumber,
  runs: isNumber,
  cooldownUntil: isNumber,
  lastResult: orNull((value) => hasFields(value, resultFields)),
  spent: orNull((value) => hasFields(value, spentFields)),
} satisfies Record<keyof TriggerState, Check>;

/** A state that cannot be read may have had a pause, or a budget that was spent: the trigger waits for a person. */
function triggerStateOf(row: { readonly [column: string]: unknown }, now: number): TriggerState {
  const id = String(row["id"]);
  const state = jsonOr(row["state_json"], null) as TriggerState | null;
  if (state !== null && state.id === id && hasFields(state, triggerFields)) return state;
  const note =
    "what was stored about the trigger cannot be read any more; resume it to begin with a new state";
  return {
    id,
    pause: { at: now, by: "damage", note },
    failuresInARow: 0,
    runs: 0,
    cooldownUntil: 0,
    lastResult: null,
    spent: null,
  };
}
