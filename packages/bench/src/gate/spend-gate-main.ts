/** The spend gate in a process of its own, with the durable journal: as the runtime composes it, without the runtime. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cancellation, type StopCause, systemClock, systemIds } from "@agentcore/contract";
import { createSpendGate } from "@agentcore/spend-gate";
import { createSqliteCallJournal, openStateDatabase } from "@agentcore/store-sqlite";
import type { Listening } from "./messages.ts";

/** Each has a meter, a key and a ceiling of its own. */
const attempts = 50;
const upstreamUrl = process.argv[2] ?? "";
const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
process.on("disconnect", () => process.exit());

const database = await openStateDatabase({ directory });
const gate = createSpendGate({
  env: {},
  directory: join(directory, "gate"),
  journal: createSqliteCallJournal(database),
  clock: systemClock,
  ids: systemIds,
});
const meters = await Promise.all(
  Array.from({ length: attempts }, (_, n) =>
    gate.open({
      permit: {
        id: `permit-${n}`,
        jobId: `job-${n}`,
        attempt: 1,
        worker: "claude-code",
        provider: "anthropic",
        workspace: "/work",
        issuedAt: 0,
        deadline: Number.MAX_SAFE_INTEGER,
        grants: { capabilities: [], maxCostUsd: 10_000, maxTokens: null, model: null, timeoutMs: 60_000 },
        degraded: [],
        budgets: [],
        breakers: [],
        signal: new Cancellation<StopCause>(),
      },
      upstream: {
        provider: "anthropic",
        protocol: "anthropic-messages",
        baseUrl: upstreamUrl,
        credential: { kind: "header", name: "x-api-key", value: "the-key-of-the-provider" },
      },
      limits: { calls: null, callsInFlight: null, identicalCalls: 20 },
      listener: {
        onSpending: () => {},
        onActivity: () => {},
        onStop: ({ message }) => console.error(message),
        onRefusal: () => {},
      },
    }),
  ),
);
process.send?.({
  url: meters[0]?.access.url ?? "",
  keys: meters.map(({ access }) => ({ "x-api-key": access.key })),
} satisfies Listening);
