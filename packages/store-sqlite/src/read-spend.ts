/**
 * Spend over time, from the counters of the ledger: they book each attempt in the hour and in the day in which its permit was
 * issued, of everything and of its worker, whether a limit applies or not. Counters are kept for 90 days (see
 * `createSqliteLedger`).
 */
import { type SpendQuery, type SpendRow, spendRowOf } from "@agentcore/core";
import type { StateDatabase } from "./state-database.ts";

// ";" follows ":": the scopes between the two are those of workers.
const spend = `
  SELECT window_start AS at, scope, cost_spent, tokens_spent FROM ledger_counters
  WHERE scope = 'global' AND window = ? AND window_start >= ? AND window_start < ?
  UNION ALL
  SELECT window_start AS at, scope, cost_spent, tokens_spent FROM ledger_counters
  WHERE scope > 'worker:' AND scope < 'worker;' AND window = ? AND window_start >= ? AND window_start < ?
  ORDER BY at, scope`;

/** The oldest first. Windows in which nothing was booked are left out. */
export function readSpend(
  database: Pick<StateDatabase, "read">,
  { window, since, until }: SpendQuery,
): Promise<readonly SpendRow[]> {
  return database.read((sql) => sql.all(spend, window, since, until, window, since, until).map(spendRowOf));
}
