import { expect, it } from "vitest";
import { callSpendLines } from "./budget-screen.ts";
import { textOf } from "./line.ts";

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
