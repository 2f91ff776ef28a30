/** Spend over time, from the counters of the ledger. See `SpendReader.readSpend` of `@agentcore/core`. */
import { type SpendQuery, type SpendRow, spendRowOf } from "@agentcore/core";
import type { PostgresLane } from "../store/postgres-store.ts";

// ";" follows ":": the scopes between the two are those of workers.
const spend = `
  SELECT window_start AS at, scope, cost_spent, tokens_spent FROM ledger_counters
  WHERE (scope = 'global' OR (scope > 'worker:' AND scope < 'worker;')) AND created_at IS NOT NULL
    AND "window" = $1 AND window_start >= $2 AND window_start < $3
  ORDER BY at, scope`;

export function readSpend(
  store: Pick<PostgresLane, "read">,
  { window, since, until }: SpendQuery,
): Promise<readonly SpendRow[]> {
  return store.read(async (sql) => (await sql.all(spend, window, since, until)).map(spendRowOf));
}
