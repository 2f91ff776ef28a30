/** What attempts that have not ended hold, for `budget`, the API and the page. */
import { holdsMax, type HoldDocument } from "@agentcore/contract";
import { processState, type HoldEntry, type Ledger, type ProcessState, usdOf } from "@agentcore/core";
import type { Config } from "../config/schema.ts";
import { levelOf, type Limit } from "./budget-levels.ts";

const ownerStates: Readonly<Record<ProcessState, HoldDocument["owner"]["state"]>> = {
  alive: "alive",
  gone: "dead",
  unknown: "unknown",
};

/** The oldest first, at most `holdsMax`. */
export async function openHolds(
  { limits }: Pick<Config, "limits">,
  ledger: Pick<Ledger, "levels" | "openHolds">,
): Promise<HoldDocument[]> {
  const entries = (await ledger.openHolds()).slice(0, holdsMax);
  const { cost_usd, tokens } = limits.job;
  const caps = Object.entries({ cost_usd, tokens }) as [Limit["kind"], number | undefined][];
  const jobLimits = (jobId: string): Limit[] =>
    caps.flatMap(([kind, limit]) =>
      limit === undefined ? [] : [{ scope: `job:${jobId}`, kind, window: "total", limit }],
    );
  const levels = await ledger.levels(
    entries.map(({ jobId }) => ({ scope: `job:${jobId}`, window: "total", windowStart: 0 })),
  );
  return entries.map((entry, index) => ({
    ...holdOf(entry),
    job: jobLimits(entry.jobId).map((limit) => {
      const { kind, held, spent, left } = levelOf(limit, levels[index]);
      return { kind, limit: limit.limit, held, spent, left };
    }),
  }));
}

function holdOf({ holdId, jobId, attempt, worker, owner, heldAt, ...held }: HoldEntry) {
  const nameOf = (prefix: string): string | null =>
    held.counters.find(({ scope }) => scope.startsWith(prefix))?.scope.slice(prefix.length) ?? null;
  return {
    type: "hold",
    permitId: holdId,
    jobId,
    attempt,
    worker,
    tenant: nameOf("tenant:"),
    provider: nameOf("provider:"),
    costUsd: usdOf(held.costMicroUsd),
    tokens: held.tokens,
    heldAt,
    owner: { pid: owner.pid, state: ownerStates[processState(owner)] },
  } as const;
}
