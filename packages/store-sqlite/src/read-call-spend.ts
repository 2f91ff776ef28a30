/** What calls through the spend gate cost, by worker, model and tenant. Calls are deleted with their jobs. */
import type { CallSpend } from "@agentcore/contract";
import { type CallSpendQuery, callSpendOf } from "@agentcore/core";
import type { StateDatabase } from "./state-database.ts";

// Numbers are in the order of the starts: this walks back from the newest call to the first one before the time.
const lastBefore = "SELECT number FROM provider_calls WHERE started_at < ? ORDER BY number DESC LIMIT 1";

const spend = `
  SELECT g.worker, g.tenant, c.provider, c.model, count(*) AS calls,
    sum(CASE c.outcome WHEN 'open' THEN 0 ELSE c.cost END) AS cost,
    sum(CASE c.outcome WHEN 'open' THEN 0 ELSE c.tokens END) AS tokens,
    sum(CASE c.outcome WHEN 'open' THEN c.cost ELSE 0 END) AS held
  FROM provider_calls c LEFT JOIN jobs j ON j.id = c.job_id LEFT JOIN claim_groups g ON g.number = j.claim_group
  WHERE c.number > ? AND c.started_at >= ? AND c.started_at < ?
  GROUP BY g.worker, g.tenant, c.provider, c.model`;

export function readCallSpend(
  database: Pick<StateDatabase, "read">,
  { since, until }: CallSpendQuery,
): Promise<CallSpend> {
  return database.read((sql) => {
    const before = Number(sql.get(lastBefore, since)?.number ?? 0);
    return callSpendOf(sql.all(spend, before, since, until), { since, until });
  });
}
