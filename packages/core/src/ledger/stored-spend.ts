/** What was spent, from the sums that stores on SQL read. */
import { type CallSpend, callSpendMax } from "@agentcore/contract";
import { usdOf } from "./ledger.ts";
import type { CallSpendQuery, SpendRow } from "./spend-reader.ts";

type Row = Readonly<Record<string, unknown>>;

/** Of a counter: `at`, `scope`, `cost_spent` and `tokens_spent`. */
export function spendRowOf(row: Row): SpendRow {
  return {
    at: Number(row["at"]),
    scope: String(row["scope"]),
    costUsd: usdOf(Number(row["cost_spent"])),
    tokens: Number(row["tokens_spent"]),
  };
}

/**
 * From sums by worker, tenant, provider and model: `calls`, and `cost`, `tokens` and `held`. At most `callSpendMax` entries of
 * each kind, the dearest.
 */
export function callSpendOf(rows: readonly Row[], { since, until }: CallSpendQuery): CallSpend {
  return {
    sinceAt: since,
    untilAt: until,
    workers: summed(rows, (row) => nameOf(row["worker"])),
    models: summed(rows, (row) => `${String(row["provider"])}/${nameOf(row["model"]) ?? "–"}`),
    tenants: summed(rows, (row) => nameOf(row["tenant"])),
  };
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
