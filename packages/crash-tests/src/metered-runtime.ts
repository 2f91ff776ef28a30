/**
 * A runtime with the spend gate, whose workers are calls of `fetch` in its own process: `node metered-runtime.ts DIRECTORY
 * UPSTREAM`. Its eight lanes make one run after the other, of a few requests each, until it is killed.
 */
import { join } from "node:path";
import {
  type RunRequest,
  systemClock,
  systemIds,
  type Upstream,
  type WorkerResult,
  workerTaskSchema,
} from "@agentcore/contract";
import { createRuntime, processOwner, runtimeConfigSchema } from "@agentcore/core";
import { fakeAdapter, fakeResult } from "@agentcore/core/testing";
import { createSpendGate } from "@agentcore/spend-gate";
import { createSqliteCallJournal, createSqliteLedger, openStateDatabase } from "@agentcore/store-sqlite";

const [directory = "", baseUrl = ""] = process.argv.slice(2);
const lanes = 8;
const upstream: Upstream = {
  provider: "anthropic",
  protocol: "anthropic-messages",
  baseUrl,
  credential: { kind: "none" },
};

/** Its body names the permit, so that the upstream knows what each run cost. */
async function ask(access: { url: string; key: string }, permitId: string, number: number): Promise<void> {
  const response = await fetch(`${access.url}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": access.key, "content-type": "application/json" },
    body: JSON.stringify({
      model: "house-model",
      max_tokens: 100,
      stream: true,
      metadata: { user_id: permitId },
      messages: [{ role: "user", content: `question ${number}` }],
    }),
  });
  await response.text();
}

async function work({ openSpendGate, permit, onStarted }: RunRequest): Promise<WorkerResult> {
  const access = await openSpendGate?.(upstream);
  if (access === undefined) throw new TypeError("there is no spend gate");
  const nobody = { hostPid: 1, hostPidStartTicks: null, pidNamespace: null, cgroupPath: null, bootId: null };
  onStarted?.({ marker: permit.id, implementation: "fetch", ...nobody });
  await ask(access, permit.id, 0);
  await Promise.all([1, 2].map((number) => ask(access, permit.id, number)));
  return fakeResult();
}

const database = await openStateDatabase({ directory });
const runtime = createRuntime({
  config: runtimeConfigSchema.parse({
    limits: { global: { concurrency: lanes, cost_usd: { total: 10_000 } }, attempt: { cost_usd: 1 } },
    pacing: { provider_interval: "0ms" },
    workspace_lock: false,
  }),
  adapters: [fakeAdapter({ name: "claude", provider: "anthropic" })],
  runner: { containmentLevel: "best-effort", start: (request) => ({ result: work(request) }) },
  clock: systemClock,
  ids: systemIds,
  ledger: createSqliteLedger(database),
  owner: processOwner(),
  spendGate: createSpendGate({
    journal: createSqliteCallJournal(database),
    directory: join(directory, "gate"),
    env: {},
    clock: systemClock,
    ids: systemIds,
    prices: { "house-model": { input: 10, output: 50 } },
  }),
});

async function lane(): Promise<never> {
  for (;;) {
    const task = { worker: "claude", workspace: "/w", capabilities: [] } as const;
    const decision = await runtime.requestPermit({
      ...task,
      capabilities: [],
      jobId: systemIds.next(),
      attempt: 1,
      maxAttempts: 1,
      timeoutMs: 60_000,
      priorityClass: "batch",
    });
    if (decision.kind !== "granted") throw new TypeError(decision.message);
    await runtime.execute(decision.permit.id, workerTaskSchema.parse({ ...task, instructions: "ask" }));
  }
}

await Promise.race(Array.from({ length: lanes }, lane));
