/**
 * The permit gate beside what else one could use: a decision and its release with a budget tree five deep (global, tenant,
 * worker, provider, job; concurrency, start rate, cost and tokens at each that has a configuration), breakers on, workspace
 * locks on, and 1,000 permits live.
 *
 * The floor is a check of the same depth written by hand, which issues no permit: no id, no record, no lock, no evidence.
 * The peers do less: cockatiel guards one call with one breaker, bottleneck and p-queue limit concurrency. A decision is
 * shorter than a clock is fine, so p50 and the rate are taken over batches; p99 is taken over single decisions, with the
 * cost of reading the clock in it; the rate counts processor time. Rounds of the subjects are interleaved, since the
 * machine is shared.
 */
import {
  adapterContractVersion,
  capabilities,
  type PermitRequest,
  systemClock,
  systemIds,
  type WorkerAdapter,
  type WorkerRunner,
} from "@agentcore/contract";
import { createRuntime, type InProcessRuntime, runtimeConfigSchema } from "@agentcore/core";
import Bottleneck from "bottleneck";
import { circuitBreaker, ConsecutiveBreaker, handleAll } from "cockatiel";
import PQueue from "p-queue";
import { median, quantile, type Report } from "./report.ts";

const livePermits = 1000;
const batch = 32;
const rounds = 8;
const batchesPerRound = 1500;
const singles = 100_000;

export async function benchPermit(report: Report): Promise<void> {
  const { runtime, requests } = busyRuntime();
  const decide = (index: number): void => {
    const decision = runtime.tryPermit(requests[index % requests.length] as PermitRequest);
    if (decision.kind !== "granted") throw new TypeError(`${decision.code}: ${decision.message}`);
    runtime.giveBack(decision.permit.id);
  };
  const check = handWrittenCheck();
  for (const warmUp of [decide, check]) for (let i = 0; i < 100_000; i += 1) warmUp(i);
  const [ours, floor]: [number[], number[]] = [[], []];
  let processorUs = 0;
  for (let round = 0; round < rounds; round += 1) {
    const before = process.cpuUsage();
    ours.push(...batchesOf(decide));
    const { user, system } = process.cpuUsage(before);
    processorUs += user + system;
    floor.push(...batchesOf(check));
  }
  const perSecond = (1e6 * rounds * batchesPerRound * batch) / processorUs;
  const [oursP50, floorP50] = [median(ours), median(floor)];
  report({ name: "permit decision + release, p50", value: oursP50, unit: "µs", note: "aim < 2" });
  report({
    name: "permit decision + release, p99",
    value: singleP99(decide),
    unit: "µs",
    note: "aim < 10; one by one",
  });
  report({ name: "permit decisions + releases", value: perSecond, unit: "/s", note: "aim > 300,000" });
  report({
    name: "floor: check of the same depth by hand, p50",
    value: floorP50,
    unit: "µs",
    note: `ours is ${(oursP50 / floorP50).toFixed(1)} × it`,
  });
  await reportAsync(
    report,
    "validated, over promises: requestPermit + releasePermit",
    200,
    oursP50,
    async (index) => {
      const decision = await runtime.requestPermit(requests[index % requests.length] as PermitRequest);
      if (decision.kind === "granted") await runtime.releasePermit(decision.permit.id);
    },
  );
  await reportPeers(report, oursP50);
  await runtime.close();
}

async function reportPeers(report: Report, oursP50: number): Promise<void> {
  const nothing = (): void => {};
  const breaker = circuitBreaker(handleAll, { halfOpenAfter: 10_000, breaker: new ConsecutiveBreaker(5) });
  await reportAsync(report, "peer: cockatiel 4, one breaker alone", 1000, oursP50, async () =>
    breaker.execute(nothing),
  );
  const queue = new PQueue({ concurrency: 8 });
  await reportAsync(report, "peer: p-queue 10, concurrency 8", 1000, oursP50, async () => queue.add(nothing));
  const limiter = new Bottleneck({ maxConcurrent: 8, reservoir: 1_000_000 });
  await reportAsync(report, "peer: bottleneck 2, concurrency and reservoir", 5, oursP50, async () =>
    limiter.schedule(async () => {}),
  );
}

/** One after another, since a caller waits for its answer; p50 over batches. */
async function reportAsync(
  report: Report,
  name: string,
  perBatch: number,
  oursP50: number,
  call: (index: number) => Promise<unknown>,
): Promise<void> {
  const batches: number[] = [];
  for (let round = 0; round < 30; round += 1) {
    const startedMs = performance.now();
    for (let i = 0; i < perBatch; i += 1) await call(i);
    if (round >= 5) batches.push(((performance.now() - startedMs) * 1000) / perBatch);
  }
  const p50 = median(batches);
  report({
    name: `${name}, p50`,
    value: p50,
    unit: "µs",
    note: `${(p50 / oursP50).toFixed(2)} × the synchronous decision`,
  });
}

/** Mean time of one call in each batch, in microseconds. */
function batchesOf(call: (index: number) => void): number[] {
  const means: number[] = [];
  for (let i = 0; i < batchesPerRound; i += 1) {
    const startedMs = performance.now();
    for (let j = 0; j < batch; j += 1) call(j);
    means.push(((performance.now() - startedMs) * 1000) / batch);
  }
  return means;
}

function singleP99(call: (index: number) => void): number {
  const times: number[] = [];
  for (let i = 0; i < singles; i += 1) {
    const startedMs = performance.now();
    call(i);
    times.push((performance.now() - startedMs) * 1000);
  }
  return quantile(
    times.toSorted((a, b) => a - b),
    0.99,
  );
}

/** A runtime with every kind of limit on every scope, and 1,000 permits that stay. */
function busyRuntime(): { runtime: InProcessRuntime; requests: readonly PermitRequest[] } {
  const limits = {
    concurrency: 5000,
    start_rate: { count: 1_000_000, per: "1ms" },
    cost_usd: { day: 1_000_000 },
    tokens: { day: 1e12 },
  };
  const runtime = createRuntime({
    config: runtimeConfigSchema.parse({
      limits: {
        global: limits,
        tenants: { default: limits },
        workers: { agent: limits },
        providers: { cloud: limits },
        job: { cost_usd: 100, tokens: 1e9 },
      },
      permit_ttl: "1h",
    }),
    adapters: [adapter],
    runner,
    clock: systemClock,
    ids: systemIds,
  });
  for (let i = 0; i < livePermits; i += 1) {
    const decision = runtime.tryPermit(requestOf(i));
    if (decision.kind !== "granted") throw new TypeError(`${decision.code}: ${decision.message}`);
  }
  return { runtime, requests: Array.from({ length: batch }, (_, i) => requestOf(livePermits + i)) };
}

function requestOf(index: number): PermitRequest {
  return {
    jobId: `job-${index}`,
    attempt: 1,
    maxAttempts: 3,
    worker: "agent",
    model: "large",
    tenant: `tenant-${index % 10}`,
    workspace: `/home/user/work/project-${index}`,
    capabilities: ["read", "edit"],
    timeoutMs: 600_000,
    maxCostUsd: 1.5,
    maxTokens: 100_000,
    priorityClass: "batch",
  };
}

const notCalled = (): never => {
  throw new TypeError("nothing is executed here");
};

const adapter: WorkerAdapter = {
  contractVersion: adapterContractVersion,
  name: "agent",
  title: "Agent",
  provider: "cloud",
  capabilities,
  program: { command: "agent", versionArgs: [], install: "", credentialEnv: [], loginPaths: [] },
  plan: notCalled,
  createReader: notCalled,
};

const runner: WorkerRunner = { containmentLevel: "sealed", start: notCalled };

/** Five scopes in a row, each with a breaker, a concurrency, a token bucket and a cost budget. */
function handWrittenCheck(): (index: number) => void {
  const scopes = Array.from({ length: 5 }, () => ({
    isOpen: false,
    running: livePermits,
    concurrency: 5000,
    tokens: 1e9,
    updatedMs: performance.now(),
    heldUsd: 0,
    spentUsd: 0,
    capUsd: 1e6,
  }));
  const ratePerMs = 1e6;
  return () => {
    const nowMs = performance.now();
    const ask = 1.5;
    for (const scope of scopes) {
      const tokens = Math.min(1e9, scope.tokens + (nowMs - scope.updatedMs) * ratePerMs);
      const isFull = scope.isOpen || scope.running >= scope.concurrency || tokens < 1;
      if (isFull || scope.spentUsd + scope.heldUsd + ask > scope.capUsd) throw new TypeError("refused");
      scope.tokens = tokens - 1;
      scope.updatedMs = nowMs;
    }
    for (const scope of scopes) {
      scope.running += 1;
      scope.heldUsd += ask;
    }
    for (const scope of scopes) {
      scope.running -= 1;
      scope.heldUsd -= ask;
    }
  };
}
