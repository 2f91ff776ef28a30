import type { HoldDocument } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { budgetLines, callSpendLines, holdLines } from "./budget-screen.ts";
import { textOf, type Line } from "./line.ts";

const at = (lines: readonly Line[], columns: number): string[] =>
  lines.flatMap((line) => line.fit?.(columns) ?? [line]).map(textOf);

const level = { kind: "cost_usd", window: "day", limit: 25, held: 2.5, spent: 20, left: 2.5 } as const;
const hold: HoldDocument = {
  type: "hold",
  permitId: "019de312-ac00-7000-8000-0000aaaaaaaa",
  jobId: "019de312-ac00-7000-8000-0000bbbbbbbb",
  attempt: 2,
  worker: "codex",
  tenant: "acme",
  provider: "openai",
  costUsd: 0.5,
  tokens: 0,
  heldAt: 0,
  owner: { pid: 4711, state: "alive" },
  job: [{ kind: "cost_usd", limit: 2, held: 0.5, spent: 0.25, left: 1.25 }],
};

describe("the tree of budgets", () => {
  it("has tenants, workers and providers below all, each limit with its window, and jobs below their innermost scope", () => {
    const levels = [
      { ...level, scope: "tenant:acme" },
      { ...level, scope: "worker:codex", kind: "tokens", limit: 4000, held: 1000, spent: 0, left: 3000 },
      { ...level, scope: "worker:codex", window: null },
      { ...level, scope: "provider:openai", window: "hour" },
      { ...level, scope: "job:*", window: null, limit: 2, held: 0, spent: 0, left: 2 },
    ] as const;
    const other = { ...hold, jobId: "nightly", worker: "claude-code" };
    const uncapped = { ...hold, jobId: "no-limit", job: [] };
    const lines = budgetLines(levels, [hold, { ...hold, attempt: 3 }, other, uncapped], "zero");
    expect(lines.map(textOf)).toEqual([
      "SCOPE              UNIT    PER     LIMIT   HELD   SPENT   LEFT",
      "global             –       –        none      –       –      –",
      "  tenant:acme      usd     day    $25.00  $2.50  $20.00  $2.50",
      "  worker:codex     tokens  day     4,000  1,000       0  3,000",
      "                   usd     total  $25.00  $2.50  $20.00  $2.50",
      "    job:bbbbbbbb   usd     total   $2.00  $0.50   $0.25  $1.25",
      "  provider:openai  usd     hour   $25.00  $2.50  $20.00  $2.50",
      "    job:nightly    usd     total   $2.00  $0.50   $0.25  $1.25",
      "  job:*            usd     total   $2.00     $0      $0  $2.00",
      "Without a price for its model, a run whose worker reports no cost counts as $0, and no cost limit stops it (unpriced: zero).",
      "job:* is each job, over all its attempts.",
    ]);
    for (const line of at(lines, 50)) expect(line.length).toBeLessThanOrEqual(50);
    expect(at(lines, 50)[5]).toBe("    job:bbb…  usd     total   $2.00   $0.25  $1.25");
  });

  it("is said not to be there without limits", () => {
    expect(budgetLines([], [hold], "refuse").map(textOf)).toEqual([
      "No cost or token limit is set; see `limits` in `agentcore schema`.",
    ]);
  });
});

describe("open holds", () => {
  const dead = { ...hold, permitId: "p", costUsd: 0, tokens: 700, owner: { pid: 9, state: "dead" } } as const;

  it("have permit, job, age and the process that holds, and say what becomes of those of a dead one", () => {
    const lines = holdLines([hold, dead], 125_000);
    expect(lines.map(textOf)).toEqual([
      "",
      "HELD BY PERMIT  JOB       ATTEMPT  WORKER  DOLLARS  TOKENS   FOR  OWNER",
      "aaaaaaaa        bbbbbbbb        2  codex     $0.50       –  2m5s  4711 alive",
      "p               bbbbbbbb        2  codex         –     700  2m5s  9 dead",
      "What a dead process held is charged when the next runtime of this state directory starts.",
    ]);
    expect(at(lines, 60)[2]).toBe("aaaaaaaa        bbbbbbbb        2    $0.50  2m5s  4711 alive");
    expect(holdLines([hold], 0)).toHaveLength(3);
  });

  it("are not mentioned if there are none", () => {
    expect(holdLines([], 0)).toEqual([]);
  });
});

const sinceAt = Date.UTC(2026, 10, 1);

it("shows what calls cost by worker, model and tenant, and what is open apart", () => {
  const all = { calls: 3, costUsd: 1.5, tokens: 12_000, heldUsd: 0.25 };
  const spent = {
    sinceAt,
    untilAt: sinceAt + 1,
    workers: [{ name: "codex", ...all }],
    models: [{ name: "openai/gpt-5", ...all }],
    tenants: [{ name: null, ...all }],
  };
  expect(callSpendLines(spent).map(textOf)).toEqual([
    "",
    "SPENT BY            CALLS  TOKENS   OPEN  SPENT",
    "worker:codex            3  12,000  $0.25  $1.50",
    "model:openai/gpt-5      3  12,000  $0.25  $1.50",
    "no tenant               3  12,000  $0.25  $1.50",
    "By the calls through the spend gate since 2026-11-01, of jobs that are kept.",
  ]);
});

it("says nothing where no call was metered", () => {
  expect(callSpendLines({ sinceAt, untilAt: sinceAt, workers: [], models: [], tenants: [] })).toEqual([]);
});
