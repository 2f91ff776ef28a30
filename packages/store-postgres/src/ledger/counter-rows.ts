/**
 * Rows of counters, locked for a transaction. All hosts lock them in one order, so that no two wait for each other: first the
 * counters of a job, last those that everything is booked in, which are then locked for the shortest time.
 */
import {
  type CounterAmounts,
  type CounterKey,
  type CounterLevel,
  type HoldEntry,
  noAmounts,
  plus,
} from "@agentcore/core";
import { fromColumn, toColumn } from "../store/plain-text.ts";
import type { Sql, SqlRow } from "../store/sql.ts";

export interface Counter {
  readonly key: CounterKey;
  amounts: CounterAmounts;
  /** When it was booked in for the first time here; null: it is not. */
  bookedAt: number | null;
}

export class CounterRows {
  readonly #rows: ReadonlyMap<string, Counter>;

  constructor(rows: readonly Counter[]) {
    this.#rows = new Map(rows.map((row) => [nameOf(row.key), row]));
  }

  readonly amountsOf = (key: CounterKey): CounterAmounts => this.#rows.get(nameOf(key))?.amounts ?? noAmounts;

  /** Adds to each counter of the entry. */
  book(entry: HoldEntry, add: CounterAmounts): void {
    for (const key of entry.counters) {
      const row = this.#rows.get(nameOf(key))!;
      row.amounts = plus(row.amounts, add);
      row.bookedAt ??= entry.heldAt;
    }
  }

  booked(): readonly Counter[] {
    return [...this.#rows.values()].filter(({ bookedAt }) => bookedAt !== null);
  }
}

/** Locks the counters of the entries, in the order for all, and makes those that are missing. */
export async function lockCounters(sql: Sql, entries: readonly HoldEntry[]): Promise<CounterRows> {
  const values = countersOf(entries);
  const count = values[0].length;
  if (count === 0) return new CounterRows([]);
  for (;;) {
    const rows = await sql.all(lock, ...values);
    if (rows.length === count) {
      return new CounterRows(
        rows.map((row) => ({ key: keyOf(row), amounts: amountsOf(row), bookedAt: null })),
      );
    }
    await sql.run(makeMissing, ...values);
  }
}

/** The keys of the counters of the entries, in the order for all, for {@link makeMissing}. */
export function countersOf(entries: readonly HoldEntry[]): KeyArrays {
  return keyArrays(inLockOrder(entries.flatMap(({ counters }) => counters)));
}

type KeyArrays = [readonly string[], readonly string[], readonly number[]];

/** Keys as three parameters, for {@link keysFrom}. */
export function keyArrays(keys: readonly CounterKey[]): KeyArrays {
  return [
    keys.map(({ scope }) => toColumn(scope)),
    keys.map(({ window }) => window),
    keys.map(({ windowStart }) => windowStart),
  ];
}

const keysFrom = `unnest($1::text[], $2::text[], $3::float8[]) WITH ORDINALITY AS k (scope, "window", window_start, place)`;
const isCounterOfKey = `c.scope = k.scope AND c."window" = k."window" AND c.window_start = k.window_start`;
export const countersOfKeys = `${keysFrom} JOIN ledger_counters c ON ${isCounterOfKey}`;

/** Without `created_at`: nothing is booked in them yet. */
export const makeMissing = `
  INSERT INTO ledger_counters (scope, "window", window_start, cost_spent, cost_held, tokens_spent, tokens_held)
  SELECT scope, "window", window_start, 0, 0, 0, 0 FROM ${keysFrom}
  WHERE NOT EXISTS (SELECT FROM ledger_counters c WHERE ${isCounterOfKey}) ORDER BY place
  ON CONFLICT DO NOTHING`;
const lock = `SELECT c.* FROM ${countersOfKeys} ORDER BY k.place FOR UPDATE OF c`;

const kinds = ["job", "provider", "worker", "tenant", "global"];
const rankOf = ({ scope }: CounterKey): number => kinds.indexOf(scope.split(":", 1)[0]!);

/** Each key once. Kinds of scopes that this version does not know come first. */
function inLockOrder(keys: readonly CounterKey[]): readonly CounterKey[] {
  const named = new Map(keys.map((key) => [nameOf(key), key]));
  return [...named]
    .toSorted(([a, one], [b, other]) => rankOf(one) - rankOf(other) || (a < b ? -1 : 1))
    .map(([, key]) => key);
}

function nameOf({ scope, window, windowStart }: CounterKey): string {
  return `${scope} ${window} ${windowStart}`;
}

function keyOf(row: SqlRow): CounterKey {
  return {
    scope: fromColumn(String(row["scope"])),
    window: row["window"] as CounterKey["window"],
    windowStart: Number(row["window_start"]),
  };
}

function amountsOf(row: SqlRow): CounterAmounts {
  return {
    costSpentMicroUsd: Number(row["cost_spent"]),
    costHeldMicroUsd: Number(row["cost_held"]),
    tokensSpent: Number(row["tokens_spent"]),
    tokensHeld: Number(row["tokens_held"]),
  };
}

export function levelOfRow(row: SqlRow): CounterLevel {
  return { ...keyOf(row), ...amountsOf(row) };
}
