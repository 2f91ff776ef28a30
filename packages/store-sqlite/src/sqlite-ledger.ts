/**
 * The {@link Ledger} of `@agentcore/core` on `state.db`. Each call is one write of the database's group commit, so a check
 * and its hold are one transaction that no other process can come between. A hold's row stays after its settlement, so that
 * its id is not used again and a known amount can still replace an estimate.
 *
 * Settled holds, and counters of windows that ended and of jobs, are deleted once they are older than `keepMs`; counters
 * that never end (`total` of anything but a job) and open holds are never deleted.
 */
import {
  type CounterAmounts,
  type CounterKey,
  type CounterLevel,
  type HoldEntry,
  type HoldOutcome,
  type Ledger,
  levelsBelowMax,
  type SettleOutcome,
  type Spent,
  amountsHeld,
  amountsSpent,
  decideSettlement,
  firstRefusal,
  knownHold,
  readHoldEntry,
} from "@agentcore/core";
import type { WriteSql } from "./commit-batch.ts";
import type { Sql } from "./sql.ts";
import type { StateDatabase } from "./state-database.ts";

export interface SqliteLedgerOptions {
  /** How long settled holds and ended counters are kept after the hold was taken. Default 90 days. */
  readonly keepMs?: number;
}

const dayMs = 86_400_000;
/** Minimum time between two searches for old rows, and how many are deleted in one step. */
const cleanUpEveryMs = 3_600_000;
const cleanUpRowsMax = 1000;

export function createSqliteLedger(database: StateDatabase, options: SqliteLedgerOptions = {}): Ledger {
  const { keepMs = 90 * dayMs } = options;
  let cleanedUpAt = -Infinity;

  const cleanUp = (sql: WriteSql, now: number): void => {
    if (Math.abs(now - cleanedUpAt) < cleanUpEveryMs) return;
    deleteOld(sql, now - keepMs);
    sql.afterCommit(() => (cleanedUpAt = now));
  };

  return {
    hold: (entry) =>
      database.write(
        (sql) => {
          cleanUp(sql, entry.heldAt);
          return hold(sql, entry);
        },
        // A hold that no caller knows about would be held until the process ends.
        (sql) => (isKnown(sql, entry.holdId) ? { ok: true } : undefined),
      ),
    settle: (holdId, spent) =>
      database.write(
        (sql) => settle(sql, holdId, spent),
        (sql) => (isSettledSo(sql, holdId, spent) ? "settled" : undefined),
      ),
    charge: async (entry, spent) => {
      const { holdId } = entry;
      await database.write(
        (sql) => {
          cleanUp(sql, entry.heldAt);
          refuseKnown(sql, holdId);
          insertHold(sql, entry);
          markSettled(sql, holdId, spent);
          book(sql, entry, amountsSpent(spent));
          return true;
        },
        (sql) => isKnown(sql, holdId) || undefined,
      );
    },
    levels: (keys) => database.read((sql) => keys.map((key) => levelOf(sql, key))),
    levelsBelow: (prefix, windows) =>
      database.read((sql) => {
        const rows = sql.all(
          `SELECT * FROM ledger_counters WHERE scope >= ? AND substr(scope, 1, ?) = ? ORDER BY scope`,
          prefix,
          prefix.length,
          prefix,
        ) as unknown as CounterRow[];
        const isAsked = ({ window, window_start: start }: CounterRow) =>
          windows.some((one) => one.window === window && one.windowStart === start);
        return rows.filter(isAsked).slice(0, levelsBelowMax).map(levelOfRow);
      }),
    openHolds: () =>
      database.read((sql) =>
        sql
          .all("SELECT entry_json FROM ledger_holds WHERE settled_at IS NULL ORDER BY held_at, rowid")
          .flatMap((row) => readHoldEntry(row.entry_json) ?? []),
      ),
  };
}

function hold(sql: Sql, entry: HoldEntry): HoldOutcome {
  refuseKnown(sql, entry.holdId);
  const refusal = firstRefusal(entry, (key) => levelOf(sql, key));
  if (refusal !== null) return refusal;
  insertHold(sql, entry);
  book(sql, entry, amountsHeld(entry));
  return { ok: true };
}

interface HoldRow {
  readonly entry_json: string;
  readonly spent_cost: number | null;
  readonly spent_tokens: number | null;
  readonly spent_basis: Spent["basis"] | null;
}

function settle(sql: Sql, holdId: string, spent: Spent): SettleOutcome {
  const row = sql.get(
    "SELECT entry_json, spent_cost, spent_tokens, spent_basis FROM ledger_holds WHERE hold_id = ?",
    holdId,
  ) as HoldRow | undefined;
  if (row === undefined) return "unknown";
  const entry = JSON.parse(row.entry_json) as HoldEntry;
  const { outcome, add } = decideSettlement(entry, settledBefore(row), spent);
  if (add === null) return outcome;
  markSettled(sql, holdId, spent);
  book(sql, entry, add);
  return outcome;
}

function settledBefore({ spent_basis: basis, spent_cost: costMicroUsd, spent_tokens: tokens }: HoldRow) {
  return basis === null ? null : { basis, costMicroUsd: costMicroUsd ?? 0, tokens: tokens ?? 0 };
}

function refuseKnown(sql: Sql, holdId: string): void {
  if (isKnown(sql, holdId)) throw knownHold(holdId);
}

function isKnown(sql: Sql, holdId: string): boolean {
  return sql.get("SELECT 1 AS known FROM ledger_holds WHERE hold_id = ?", holdId) !== undefined;
}

function isSettledSo(sql: Sql, holdId: string, { settledAt, costMicroUsd, tokens }: Spent): boolean {
  const row = sql.get(
    `SELECT 1 AS settled FROM ledger_holds
     WHERE hold_id = ? AND settled_at = ? AND spent_cost = ? AND spent_tokens = ?`,
    holdId,
    settledAt,
    costMicroUsd,
    tokens,
  );
  return row !== undefined;
}

function insertHold(sql: Sql, entry: HoldEntry): void {
  sql.run(
    "INSERT INTO ledger_holds (hold_id, job_id, entry_json, held_at) VALUES (?, ?, ?, ?)",
    entry.holdId,
    entry.jobId,
    JSON.stringify(entry),
    entry.heldAt,
  );
}

function markSettled(sql: Sql, holdId: string, spent: Spent): void {
  sql.run(
    "UPDATE ledger_holds SET spent_cost = ?, spent_tokens = ?, spent_basis = ?, settled_at = ? WHERE hold_id = ?",
    spent.costMicroUsd,
    spent.tokens,
    spent.basis,
    spent.settledAt,
    holdId,
  );
}

/** Adds the amounts to each counter of the entry. The table's checks refuse a negative held amount. */
function book(sql: Sql, entry: HoldEntry, add: CounterAmounts): void {
  const amounts = [add.costSpentMicroUsd, add.costHeldMicroUsd, add.tokensSpent, add.tokensHeld];
  for (const { scope, window, windowStart } of entry.counters) {
    const key = [scope, window, windowStart];
    const updated = sql.run(
      `UPDATE ledger_counters SET cost_spent = cost_spent + ?, cost_held = cost_held + ?,
         tokens_spent = tokens_spent + ?, tokens_held = tokens_held + ?
       WHERE scope = ? AND window = ? AND window_start = ?`,
      ...amounts,
      ...key,
    );
    if (updated > 0) continue;
    sql.run("INSERT INTO ledger_counters VALUES (?, ?, ?, ?, ?, ?, ?, ?)", ...key, ...amounts, entry.heldAt);
  }
}

/** As stored. */
interface CounterRow {
  readonly scope: string;
  readonly window: CounterKey["window"];
  readonly window_start: number;
  readonly cost_spent: number;
  readonly cost_held: number;
  readonly tokens_spent: number;
  readonly tokens_held: number;
}

function levelOfRow(row: CounterRow): CounterLevel {
  return {
    scope: row.scope,
    window: row.window,
    windowStart: row.window_start,
    costSpentMicroUsd: row.cost_spent,
    costHeldMicroUsd: row.cost_held,
    tokensSpent: row.tokens_spent,
    tokensHeld: row.tokens_held,
  };
}

const empty = { cost_spent: 0, cost_held: 0, tokens_spent: 0, tokens_held: 0 };

function levelOf(sql: Sql, { scope, window, windowStart }: CounterKey): CounterLevel {
  const row = sql.get(
    "SELECT * FROM ledger_counters WHERE scope = ? AND window = ? AND window_start = ?",
    scope,
    window,
    windowStart,
  ) as CounterRow | undefined;
  return levelOfRow(row ?? { scope, window, window_start: windowStart, ...empty });
}

function deleteOld(sql: Sql, before: number): void {
  sql.run(
    `DELETE FROM ledger_holds WHERE hold_id IN (
       SELECT hold_id FROM ledger_holds WHERE settled_at < ? AND settled_at IS NOT NULL LIMIT ?)`,
    before,
    cleanUpRowsMax,
  );
  sql.run(
    `DELETE FROM ledger_counters WHERE (scope, window, window_start) IN (
       SELECT scope, window, window_start FROM ledger_counters
       WHERE created_at < ? AND cost_held = 0 AND tokens_held = 0
         AND (window <> 'total' OR scope GLOB 'job:*') LIMIT ?)`,
    before,
    cleanUpRowsMax,
  );
}
