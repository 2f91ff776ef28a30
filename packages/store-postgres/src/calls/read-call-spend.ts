/** What calls through the spend gate cost, by worker, model and tenant. See `SpendReader.readCallSpend` of `@agentcore/core`. */
import type { CallSpend } from "@agentcore/contract";
import { type CallSpendQuery, callSpendOf } from "@agentcore/core";
import type { PostgresLane } from "../store/postgres-store.ts";
import { fromColumns } from "../store/plain-rows.ts";

const spend = `
  SELECT g.worker, g.tenant, c.provider, c.model, count(*) AS calls,
    coalesce(sum(c.cost) FILTER (WHERE c.outcome <> 'open'), 0) AS cost,
    coalesce(sum(c.tokens) FILTER (WHERE c.outcome <> 'open'), 0) AS tokens,
    coalesce(sum(c.cost) FILTER (WHERE c.outcome = 'open'), 0) AS held
  FROM provider_calls c LEFT JOIN jobs j ON j.id = c.job_id LEFT JOIN claim_groups g ON g.number = j.claim_group
  WHERE c.started_at >= $1 AND c.started_at < $2
  GROUP BY g.worker, g.tenant, c.provider, c.model`;

export function readCallSpend(
  store: Pick<PostgresLane, "read">,
  { since, until }: CallSpendQuery,
): Promise<CallSpend> {
  return store.read(async (sql) => {
    const rows = await sql.all(spend, since, until);
    return callSpendOf(rows.map(fromColumns), { since, until });
  });
}
