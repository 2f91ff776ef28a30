import type { Ledger } from "@agentcore/core";
import { createMemoryLedger, processOwner, windowStartOf } from "@agentcore/core";
import { runtimeConfigSchema } from "@agentcore/core";
import { expect, it } from "vitest";
import { budgetLines } from "../screen/budget-screen.ts";
import { budgetLevels } from "../queue/budget-levels.ts";
import { openHolds } from "../queue/open-holds.ts";

const now = Date.UTC(2026, 10, 29, 12);
const owner = { pid: 1, startTicks: null, bootId: null };
const nobody = { pid: 2 ** 30, startTicks: 1, bootId: null };

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
  const text = budgetLines(levels, [], "charge_ceiling").map((line) => line.map((one) => one.text).join(""));
  expect(text.at(-1)).toContain("a run without a tenant counts in none");
});

it("without limits for tenants none is shown, whoever spent", async () => {
  const ledger = createMemoryLedger();
  await spend(ledger, "acme", 1);
  const config = runtimeConfigSchema.parse({ limits: { global: { cost_usd: { day: 50 } } } });
  expect((await budgetLevels(config, ledger, now)).map(({ scope }) => scope)).toEqual(["global"]);
});

it("open holds have what their permit holds, the limits of their job, and whether their process lives", async () => {
  const ledger = createMemoryLedger();
  const counters = ["global", "tenant:acme", "provider:openai", "job:j"].map((scope) => {
    return { scope, window: "total", windowStart: 0, costCapMicroUsd: null, tokensCap: null } as const;
  });
  const entry = { jobId: "j", worker: "codex", heldAt: now, costMicroUsd: 500_000, tokens: 0, counters };
  await ledger.hold({ ...entry, holdId: "p1", attempt: 1, owner: nobody });
  await ledger.hold({ ...entry, holdId: "p2", attempt: 2, owner: processOwner() });
  await ledger.hold({ ...entry, holdId: "p3", attempt: 3, owner });
  await ledger.settle("p3", { costMicroUsd: 250_000, tokens: 5, basis: "metered", settledAt: now });
  const config = runtimeConfigSchema.parse({ limits: { job: { cost_usd: 2 } } });
  const job = [{ kind: "cost_usd", limit: 2, held: 1, spent: 0.25, left: 0.75 }];
  const held = {
    jobId: "j",
    worker: "codex",
    tenant: "acme",
    provider: "openai",
    costUsd: 0.5,
    tokens: 0,
    job,
  };
  expect(await openHolds(config, ledger)).toEqual([
    {
      type: "hold",
      permitId: "p1",
      attempt: 1,
      heldAt: now,
      owner: { pid: nobody.pid, state: "dead" },
      ...held,
    },
    {
      type: "hold",
      permitId: "p2",
      attempt: 2,
      heldAt: now,
      owner: { pid: process.pid, state: "alive" },
      ...held,
    },
  ]);
  expect(await openHolds(runtimeConfigSchema.parse({}), ledger)).toMatchObject([{ job: [] }, { job: [] }]);
  expect(await budgetLevels(config, ledger, now)).toMatchObject([{ scope: "job:*", limit: 2, left: 2 }]);
});
