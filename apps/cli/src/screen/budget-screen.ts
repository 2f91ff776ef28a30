/** `budget`: every limit, how much of it is held by runs in progress, spent, and left. */
import type { BreakerLevel, BudgetLevel } from "@agentcore/contract";
import { span, type Line, type Tone } from "./line.ts";
import { formatCount, formatDollars } from "./run-view.ts";
import { table } from "./table.ts";

export function budgetLines(levels: readonly BudgetLevel[], breakers: readonly BreakerLevel[]): Line[] {
  const open = breakers.filter(({ state }) => state !== "closed");
  const columns = [
    { title: "SCOPE" },
    { title: "LIMIT ON" },
    { title: "PER" },
    { title: "LIMIT", align: "right" },
    { title: "HELD", align: "right" },
    { title: "SPENT", align: "right" },
    { title: "LEFT", align: "right" },
  ] as const;
  const rows = levels.map((level) => {
    const left = Math.max(0, level.limit - level.held - level.spent);
    const amount = (value: number): string =>
      level.kind === "cost_usd" ? formatDollars(value) : formatCount(value);
    return [
      span(level.scope),
      span(level.kind.replaceAll("_", " ")),
      span(level.window ?? "–"),
      span(amount(level.limit)),
      span(amount(level.held)),
      span(amount(level.spent)),
      span(amount(left), toneOf(left / level.limit)),
    ];
  });
  return [
    ...(rows.length === 0
      ? [[span("No limit is set. `agentcore schema` describes `limits`.", "dim")]]
      : table(columns, rows)),
    ...(open.length === 0
      ? []
      : [
          [],
          ...open.map(({ target, state }) => [
            span(`  breaker ${target}: `, "warn"),
            span(state.replaceAll("_", " "), "bad"),
          ]),
        ]),
  ];
}

function toneOf(share: number): Tone {
  if (share <= 0) return "bad";
  return share < 0.2 ? "warn" : "good";
}
