/** Some clients of the shared ledger in a process of its own, each with a handle and connections of its own. */
import { systemClock, systemIds } from "@agentcore/contract";
import { processOwner, type HoldEntry, type Ledger } from "@agentcore/core";
import { createPostgresLedger, openPostgresStore } from "@agentcore/store-postgres";
import { median } from "../report.ts";

export interface HoldsAsked {
  readonly url: string;
  /** Handles with connections of their own. */
  readonly clients: number;
  /** Calls in flight on each. */
  readonly callers: number;
  readonly forMs: number;
}

export interface HoldsDone {
  readonly pairsPerSecond: number;
  readonly holdMs: number;
}

let ledgers: readonly Ledger[] | undefined;

const windowStart = 0;
const tenants = 4;

/** As the permit of an attempt holds: in the counters of its job's tenant, of its worker, and of all. */
function entryOf(client: number): HoldEntry {
  const scopes = ["global", `tenant:team-${client % tenants}`, `worker:worker-${client % tenants}`];
  return {
    holdId: systemIds.next(),
    jobId: "job",
    attempt: 1,
    worker: "worker",
    owner: processOwner(),
    heldAt: systemClock.now(),
    costMicroUsd: 1000,
    tokens: 0,
    counters: scopes.map((scope) => ({
      scope,
      window: "total",
      windowStart,
      costCapMicroUsd: 1e12,
      tokensCap: null,
    })),
  };
}

async function pairs({ url, clients, callers, forMs }: HoldsAsked): Promise<HoldsDone> {
  const own = (ledgers ??= await Promise.all(
    Array.from({ length: clients }, async () => createPostgresLedger(await openPostgresStore({ url }))),
  ));
  const calls = own.flatMap((ledger) => Array.from({ length: callers }, () => ledger));
  const times: number[] = [];
  const startedAt = performance.now();
  await Promise.all(
    calls.map(async (ledger, client) => {
      while (performance.now() - startedAt < forMs) {
        const entry = entryOf(client);
        const at = performance.now();
        const outcome = await ledger.hold(entry);
        times.push(performance.now() - at);
        if (!outcome.ok) throw new RangeError("a hold was refused");
        const spent = { costMicroUsd: 500, tokens: 0, basis: "metered", settledAt: entry.heldAt } as const;
        await ledger.settle(entry.holdId, spent);
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  return { pairsPerSecond: times.length / seconds, holdMs: median(times) };
}

process.on("message", (asked: HoldsAsked) => {
  void pairs(asked).then((answer) => process.send?.(answer));
});

// Nobody asks any more.
process.on("disconnect", () => process.exit());
