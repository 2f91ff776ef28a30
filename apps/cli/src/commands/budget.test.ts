import type { Ledger } from "@agentcore/core";
import { createMemoryLedger, windowStartOf } from "@agentcore/core";
import { runtimeConfigSchema } from "@agentcore/core";
import { expect, it } from "vitest";
import { budgetLines } from "../screen/budget-screen.ts";
import { budgetLevels } from "../queue/budget-levels.ts";

const now = Date.UTC(2026, 10, 29, 12);
const owner = { pid: 1, startTicks: null, bootId: null };

async function spend(ledger: Ledger, tenant: string, costMicroUsd: number, at = now): Promise<void> {
  const scopes = ["global", `tenant:${tenant}`];
  const counters = scopes.map((scope) => {
    const windowStart = windowStartOf("day", at);
    return { scope, window: "day", windowStart, costCapMicroUsd: null, tokensCap: null } as const;
  });
  const entry = { holdId: `${tenant}-${at}`, jobId: "j", attempt: 1, worker: "w", owner, heldAt: at };
  const spent = { costMicroUsd, tokens: 0, basis: "reported", settledAt: at } as const;
  await ledger.charge({ ...entry, costMicroUsd: 0, tokens: 0, counters }, spent);
}

it("each tenant that falls under tenants.default is shown with what it spent, and what else the limit is for", async () => {
  const ledger = createMemoryLedger();
  await spend(ledger, "acme", 3_060_000);
  await spend(ledger, "research", 7_000_000);
  await spend(ledger, "gone", 1_000_000, now - 48 * 3_600_000);
  const day = (usd: number) => ({ cost_usd: { day: usd } });
  const tenants = { default: day(5), research: day(20) };
  const config = runtimeConfigSchema.parse({ limits: { global: day(50), tenants } });
  const levels = await budgetLevels(config, ledger, now);
  expect(levels.map(({ scope, limit, spent }) => [scope, limit, spent])).toEqual([
    ["global", 50, 10.06],
    ["tenant:research", 20, 7],
    ["tenant:acme", 5, 3.06],
    ["tenant:*", 5, 0],
  ]);
  const text = budgetLines(levels, "charge_ceiling").map((line) => line.map((one) => one.text).join(""));
  expect(text.at(-1)).toContain("a run without a tenant counts in none");
});

it("without limits for tenants none is shown, whoever spent", async () => {
  const ledger = createMemoryLedger();
  await spend(ledger, "acme", 1);
  const config = runtimeConfigSchema.parse({ limits: { global: { cost_usd: { day: 50 } } } });
  expect((await budgetLevels(config, ledger, now)).map(({ scope }) => scope)).toEqual(["global"]);
});
