/** `budget`: shows every limit, and how much of it is held, spent, and left. */
import type { BudgetDocument, CallSpendDocument, PricingDocument } from "@agentcore/contract";
import { paragraph, span, type Line, type Span, type Tone } from "./line.ts";
import { formatCount, formatDollars } from "./run-view.ts";
import { table } from "./table.ts";
import { oneLine } from "./text.ts";
import { unpricedWords } from "./unpriced.ts";

type BudgetFacts = Omit<BudgetDocument, "type">;

export function budgetLines(levels: readonly BudgetFacts[], unpriced: PricingDocument["unpriced"]): Line[] {
  if (levels.length === 0) {
    return [[span("No cost or token limit is set; see `limits` in `agentcore schema`.", "dim")]];
  }
  const columns = [
    { title: "SCOPE" },
    { title: "LIMIT ON", isWhole: true },
    { title: "PER", isWhole: true },
    { title: "LIMIT", align: "right" },
    { title: "HELD", align: "right", mayGo: true },
    { title: "SPENT", align: "right" },
    { title: "LEFT", align: "right" },
  ] as const;
  const note = [
    span(
      "tenant:* is each further tenant, separately; a run without a tenant counts in none.",
      "dim" as const,
    ),
  ];
  const price = paragraph([span(`Without a price for its model, ${unpricedWords[unpriced]}.`, "dim")]);
  const hasAnyTenant = levels.some(({ scope }) => scope === "tenant:*");
  return [...table(columns, levels.map(cells)), price, ...(hasAnyTenant ? [note] : [])];
}

/** What calls through the spend gate cost, by worker, model and tenant; nothing if there were none. */
export function callSpendLines({
  sinceAt,
  workers,
  models,
  tenants,
}: Omit<CallSpendDocument, "type">): Line[] {
  if (workers.length === 0) return [];
  const since = new Date(sinceAt).toISOString().slice(0, "2026-11-30".length);
  const rows = Object.entries({ worker: workers, model: models, tenant: tenants }).flatMap(
    ([kind, entries]) =>
      entries.map(({ name, calls, tokens, costUsd, heldUsd }) => [
        span(name === null ? `no ${kind}` : `${kind}:${oneLine(name)}`),
        span(formatCount(calls)),
        span(formatCount(tokens)),
        span(heldUsd === 0 ? "–" : formatDollars(heldUsd)),
        span(formatDollars(costUsd)),
      ]),
  );
  const columns = [
    { title: "SPENT BY" },
    { title: "CALLS", align: "right" },
    { title: "TOKENS", align: "right", mayGo: true },
    { title: "OPEN", align: "right", mayGo: true },
    { title: "SPENT", align: "right" },
  ] as const;
  const note = span(`By the calls through the spend gate since ${since}, of jobs that are kept.`, "dim");
  return [[span("")], ...table(columns, rows), paragraph([note])];
}

function cells({ scope, kind, window, limit, held, spent, left }: BudgetFacts): Span[] {
  const amount = (value: number): string => (kind === "cost_usd" ? formatDollars(value) : formatCount(value));
  return [
    span(scope),
    span(kind.replaceAll("_", " ")),
    span(window ?? "–"),
    span(amount(limit)),
    span(amount(held)),
    span(amount(spent)),
    span(amount(left), toneOf(left / limit)),
  ];
}

function toneOf(share: number): Tone {
  if (share <= 0) return "bad";
  return share < 0.2 ? "warn" : "good";
}
