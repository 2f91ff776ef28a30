/** What calls through the spend gate cost, by worker, model and tenant. Calls are deleted with their jobs. */
import { type CallSpend, callSpendMax } from "@agentcore/contract";
import { type CallSpendQuery, usdOf } from "@agentcore/core";
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

type Row = Readonly<Record<string, unknown>>;

/** At most `callSpendMax` entries of each kind, the dearest. */
export function readCallSpend(
  database: Pick<StateDatabase, "read">,
  { since, until }: CallSpendQuery,
): Promise<CallSpend> {
  return database.read((sql) => {
    const before = Number(sql.get(lastBefore, since)?.number ?? 0);
    const rows = sql.all(spend, before, since, until) as readonly Row[];
    return {
      sinceAt: since,
      untilAt: until,
      workers: summed(rows, ({ worker }) => nameOf(worker)),
      models: summed(rows, ({ provider, model }) => `${String(provider)}/${nameOf(model) ?? "–"}`),
      tenants: summed(rows, ({ tenant }) => nameOf(tenant)),
    };
  });
}

const nameOf = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

function summed(rows: readonly Row[], of: (row: Row) => string | null): CallSpend["workers"] {
  const sum = (part: readonly Row[], column: string): number =>
    part.reduce((total, row) => total + Number(row[column]), 0);
  return [...Map.groupBy(rows, of)]
    .map(([name, part]) => ({
      name,
      calls: sum(part, "calls"),
      costUsd: usdOf(sum(part, "cost")),
      tokens: sum(part, "tokens"),
      heldUsd: usdOf(sum(part, "held")),
    }))
    .toSorted((a, b) => b.costUsd + b.heldUsd - a.costUsd - a.heldUsd)
    .slice(0, callSpendMax);
}
