/** Runs whose requests the spend gate meters: what stops them, what they are charged, and what is told of them. */
import {
  AgentCoreError,
  createIds,
  type Escalation,
  noCallUsage,
  type PermitRequest,
  type SpendGateMode,
  type StopCause,
  unknownUsage,
  type WorkerEvent,
  type WorkerResult,
  type WorkerRunner,
  workerTaskSchema,
} from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import { describe, expect, it } from "vitest";
import type { RuntimeConfigInput } from "../config/runtime-config.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { createMemoryLedger } from "../ledger/memory-ledger.ts";
import { createFakeSpendGate, fakeUpstream, type FakeSpendGateOptions } from "../testing/fake-spend-gate.ts";
import { createFakeRunner, fakeAdapter, fakeResult } from "../testing/fake-worker.ts";
import { createManualClock } from "../testing/manual-clock.ts";
import { permitRequest, runtimeConfig } from "../testing/requests.ts";
import { createRuntime } from "./create-runtime.ts";

interface RigOptions {
  readonly config?: RuntimeConfigInput;
  readonly gate?: FakeSpendGateOptions;
  readonly runner?: WorkerRunner;
  readonly modes?: Readonly<Record<string, SpendGateMode>>;
  readonly ledger?: Ledger;
}

const budget: RuntimeConfigInput = { limits: { global: { cost_usd: { day: 100 } } } };

function rigOf(options: RigOptions = {}) {
  const { config = budget, gate: gateOptions, modes = {}, runner, ledger = createMemoryLedger() } = options;
  const clock = createManualClock();
  const fake = createFakeRunner();
  const gate = createFakeSpendGate(gateOptions);
  const runtime = createRuntime({
    config: runtimeConfig(config),
    adapters: [fakeAdapter(), fakeAdapter({ name: "claude", provider: "anthropic" })],
    runner: runner ?? fake,
    clock,
    ids: createIds(clock),
    ledger,
    spendGate: gate,
    spendGateModes: modes,
  });
  const events: WorkerEvent[] = [];
  const execute = async (change: Partial<PermitRequest> = {}) => {
    const request = permitRequest(change);
    const decision = await runtime.requestPermit(request);
    if (decision.kind !== "granted") throw new TypeError(`${decision.code}: ${decision.message}`);
    const { worker, workspace, capabilities } = request;
    const task = workerTaskSchema.parse({ worker, workspace, capabilities, instructions: "do it" });
    const observer = { onEvent: (event: WorkerEvent) => void events.push(event) };
    return { permitId: decision.permit.id, result: runtime.execute(decision.permit.id, task, observer) };
  };
  /** A run whose worker has its access to the gate. */
  const start = async (change: Partial<PermitRequest> = {}) => {
    const { permitId, result } = await execute(change);
    const run = await fake.nextRun();
    const access = await run.request.openSpendGate?.(fakeUpstream);
    const meter = gate.meters.at(-1);
    if (meter === undefined) throw new TypeError("the gate was not opened");
    return { permitId, result, run, access, meter };
  };
  const charged = async (): Promise<readonly number[]> => {
    const [level] = await ledger.levels([{ scope: "global", window: "total", windowStart: 0 }]);
    return [level?.costSpentMicroUsd ?? 0, level?.costHeldMicroUsd ?? 0, level?.tokensSpent ?? 0];
  };
  const usageEvents = () => events.filter((event) => event.type === "usage");
  return { runtime, clock, fake, gate, ledger, execute, start, charged, events, usageEvents };
}

const usage = {
  ...noCallUsage,
  inputTokens: 100,
  cacheReadTokens: 40,
  cacheWrite1hTokens: 5,
  outputTokens: 7,
};
const inWords = { inputTokens: 105, cachedInputTokens: 40, outputTokens: 7 };
const said: WorkerEvent = {
  type: "usage",
  usage: { inputTokens: 9e8, cachedInputTokens: null, outputTokens: 9e8 },
  costUsd: 900,
};

describe("a metered run is charged what the meter counted", () => {
  it("whatever its worker says, which is passed on without a cost and stops nothing", async () => {
    const { start, charged, usageEvents } = rigOf();
    const { run, meter, result } = await start({ maxCostUsd: 1, maxTokens: 1000 });
    meter.spend(1234, { tokens: 152, usage });
    run.emit(said);
    expect(run.cause).toBeNull();
    run.finish({ usage: unknownUsage, costUsd: 0.9, costBasis: "reported", costNote: "a worker's word" });
    const ended = await result;
    expect(ended).toMatchObject({ costUsd: 0.001234, costBasis: "metered", usage: inWords, summary: "done" });
    expect(ended.costNote).toBeUndefined();
    expect(await charged()).toEqual([1234, 0, 152]);
    expect(usageEvents()).toEqual([
      { type: "usage", usage: inWords, costUsd: 0.001234 },
      { ...said, costUsd: null },
    ]);
  });

  it("as an estimate if one of its calls was one", async () => {
    const { start } = rigOf();
    const { run, meter, result } = await start();
    meter.spend(10, { estimated: true });
    run.finish();
    expect(await result).toMatchObject({ costUsd: 0.00001, costBasis: "estimated" });
  });

  it("with the calls that were open when its worker ended", async () => {
    const atEnd = { costMicroUsd: 70_000, tokens: 300, usage, calls: 2, estimated: true };
    const { start, charged, usageEvents } = rigOf({ gate: { endsOpenCalls: atEnd } });
    const { run, meter, result } = await start();
    meter.spend(10);
    run.finish();
    // The 300 tokens that are charged, of which the responses reported 152.
    const usageAtMost = { ...inWords, outputTokens: 155 };
    expect(await result).toMatchObject({ costUsd: 0.07, costBasis: "estimated", usage: usageAtMost });
    expect(await charged()).toEqual([70_000, 0, 300]);
    expect(usageEvents().at(-1)).toMatchObject({ costUsd: 0.07, usage: usageAtMost });
  });

  it.each<[string, Partial<WorkerResult>]>([
    ["cancelled", { outcome: "cancelled", errorClass: "cancelled" }],
    ["timed out", { outcome: "timed_out", errorClass: "timeout" }],
    ["killed", { outcome: "failed", errorClass: "worker_crashed", exitCode: null }],
  ])("when it is %s", async (_how, end) => {
    const { start, charged } = rigOf();
    const { run, meter, result } = await start({ maxCostUsd: 9 });
    meter.spend(500, { tokens: 20 });
    run.emit({ type: "text", text: "an answer" });
    run.finish(end);
    expect(await result).toMatchObject({ ...end, costUsd: 0.0005, costBasis: "metered" });
    expect(await charged()).toEqual([500, 0, 20]);
  });

  it("also above its ceiling, and above what a report would be believed", async () => {
    const limits = { global: { cost_usd: { day: 100 } }, attempt: { plausible_cost_usd: 1 } };
    const { start, charged } = rigOf({ config: { limits } });
    const { run, meter, result } = await start({ maxCostUsd: 0.1 });
    meter.spend(3_000_000);
    run.finish();
    expect(await result).toMatchObject({ costUsd: 3 });
    expect((await charged())[0]).toBe(3_000_000);
  });

  it("which is nothing if it ended before its first request", async () => {
    const { start, charged } = rigOf();
    const { run, result } = await start();
    run.finish({ outcome: "failed", errorClass: "worker_crashed" });
    expect(await result).toMatchObject({ costUsd: 0, costBasis: "metered" });
    expect(await charged()).toEqual([0, 0, 0]);
  });

  it("which is nothing if every request was refused, although its worker prints what it was told", async () => {
    const { start, charged } = rigOf();
    const { run, meter, result } = await start();
    meter.act();
    run.emit({ type: "text", text: "API error" });
    run.finish({ outcome: "failed", errorClass: "quota_exhausted" });
    expect(await result).toMatchObject({ costUsd: 0, costBasis: "metered" });
    expect(await charged()).toEqual([0, 0, 0]);
  });
});

describe("a worker that sends its requests past the gate", () => {
  it("is stopped and charged by its own reports", async () => {
    const { start, charged } = rigOf();
    const { run, result } = await start({ maxCostUsd: 0.5 });
    run.emit({ type: "usage", usage: inWords, costUsd: 0.6 });
    expect(run.cause).toMatchObject({ code: "AC_COST_CEILING" });
    expect(await result).toMatchObject({ outcome: "budget_exhausted", costUsd: 1.2, costBasis: "estimated" });
    expect((await charged())[0]).toBe(1_200_000);
  });

  it("is charged its whole ceiling if it reports no cost, and the result says why", async () => {
    const { start, charged } = rigOf();
    const { run, result } = await start({ maxCostUsd: 0.5 });
    run.emit({ type: "text", text: "an answer" });
    run.finish();
    expect(await result).toMatchObject({
      costUsd: 0.5,
      costNote: expect.stringContaining(
        "worker codex did not send its requests through the spend gate",
      ) as string,
    });
    expect((await charged())[0]).toBe(500_000);
  });
});

describe("the meter's totals", () => {
  it("stop the run at its ceiling", async () => {
    const { start } = rigOf();
    const { meter, run, result } = await start({ maxCostUsd: 0.001 });
    meter.spend(999);
    expect(run.cause).toBeNull();
    meter.spend(1);
    expect(await result).toMatchObject({
      outcome: "budget_exhausted",
      code: "AC_COST_CEILING",
      costUsd: 0.001,
    });
  });

  it("are told at a bounded rate, and the last of them always", async () => {
    const { start, clock, usageEvents } = rigOf();
    const { meter, run, result } = await start();
    for (let call = 0; call < 1000; call += 1) {
      meter.spend(1);
      clock.advance(10);
    }
    const count = usageEvents().length;
    expect(count).toBeGreaterThan(10);
    expect(count).toBeLessThan(30);
    clock.advance(10_000);
    expect(usageEvents().at(-1)).toMatchObject({ costUsd: 0.001 });
    const quiet = usageEvents().length;
    clock.advance(10_000);
    expect(usageEvents()).toHaveLength(quiet);
    meter.spend(1);
    meter.spend(1);
    run.finish();
    await result;
    expect(usageEvents().at(-1)).toMatchObject({ costUsd: 0.001002 });
    const { pendingTimers } = clock;
    clock.advance(10_000);
    expect(usageEvents()).toHaveLength(quiet + 2);
    expect(pendingTimers).toBeLessThan(3);
  });
});

describe("a stop that the gate asks for", () => {
  it.each<[StopCause, Partial<WorkerResult>]>([
    [
      { kind: "budget", code: "AC_CALL_CEILING", message: "500 calls", evidence: { calls: 500 } },
      { outcome: "budget_exhausted", errorClass: "budget_exhausted", code: "AC_CALL_CEILING" },
    ],
    [
      { kind: "stalled", code: "AC_LOOP_DETECTED", message: "20 times the same", evidence: {} },
      { outcome: "stalled", errorClass: "stalled", code: "AC_LOOP_DETECTED" },
    ],
  ])("%j ends the run with it", async (cause, expected) => {
    const { start } = rigOf();
    const { meter, run, result } = await start();
    meter.spend(5);
    meter.stop(cause);
    expect(run.cause).toEqual(cause);
    expect(await result).toMatchObject({ ...expected, costUsd: 0.000005, costBasis: "metered" });
  });
});

describe("the gate is opened", () => {
  it("with the permit, the upstream and the limits of an attempt, and closed when the worker is gone", async () => {
    const attempt = { calls: 500, calls_in_flight: 16 };
    const { start } = rigOf({ config: { limits: { attempt } } });
    const { meter, access, permitId, run, result } = await start({ maxCostUsd: 2, maxTokens: 9 });
    expect(access?.key).toBe(`key of ${permitId}`);
    expect(meter.request).toMatchObject({
      permit: { id: permitId, grants: { maxCostUsd: 2, maxTokens: 9 } },
      upstream: fakeUpstream,
      limits: { calls: 500, callsInFlight: 16, identicalCalls: 20 },
    });
    expect(meter.isClosed).toBe(false);
    await expect(run.request.openSpendGate?.(fakeUpstream)).rejects.toMatchObject({ code: "AC_INTERNAL" });
    run.finish();
    await result;
    expect(meter.isClosed).toBe(true);
  });

  it("for no worker whose mode is off, and its own mode counts before the configuration's", async () => {
    const { execute, fake } = rigOf({ config: { spend_gate: "required" }, modes: { claude: "off" } });
    await execute();
    const { request: codex } = await fake.nextRun();
    await execute({ worker: "claude" });
    const { request: claude } = await fake.nextRun();
    expect(codex).toMatchObject({
      spendGateMode: "required",
      openSpendGate: expect.any(Function) as unknown,
    });
    expect(claude.spendGateMode).toBe("off");
    expect(claude.openSpendGate).toBeUndefined();
  });

  it("after the run is in the ledger, so that a crash leaves none without its charge, also where no budget applies", async () => {
    const { start, ledger, charged } = rigOf({ config: {} });
    const { permitId, meter, run, result } = await start();
    expect(await ledger.openHolds()).toMatchObject([{ holdId: permitId, costMicroUsd: 0, tokens: 0 }]);
    meter.spend(12, { tokens: 3 });
    run.finish();
    await result;
    expect(await ledger.openHolds()).toEqual([]);
    expect(await charged()).toEqual([12, 0, 3]);
  });

  it("not if the ledger cannot be written", async () => {
    const full = new AgentCoreError("AC_STORE_UNAVAILABLE", "the disk is full");
    const ledger = { ...createMemoryLedger(), hold: async () => Promise.reject(full) };
    const { execute, fake, gate } = rigOf({ config: {}, ledger });
    const { result } = await execute();
    const run = await fake.nextRun();
    await expect(run.request.openSpendGate?.(fakeUpstream)).rejects.toMatchObject({
      code: "AC_STORE_UNAVAILABLE",
      message: expect.stringContaining("the disk is full") as string,
    });
    run.finish({ outcome: "failed", errorClass: "internal" });
    await result;
    expect(gate.meters).toEqual([]);
  });

  it("and closed also when the worker cannot be started", async () => {
    const runner: WorkerRunner = {
      containmentLevel: "sealed",
      start: (request) => ({
        result: (async () => {
          await request.openSpendGate?.(fakeUpstream);
          return fakeResult({ outcome: "failed", errorClass: "internal", code: "AC_WORKER_SPAWN" });
        })(),
      }),
    };
    const { execute, gate, charged } = rigOf({ runner });
    const { result } = await execute();
    expect(await result).toMatchObject({ outcome: "failed", costUsd: null, costBasis: "none" });
    expect(gate.meters).toMatchObject([{ isClosed: true }]);
    expect(await charged()).toEqual([0, 0, 0]);
  });

  it("and an error of it is the runner's", async () => {
    const { execute, fake, gate } = rigOf({
      gate: { beforeOpen: async () => Promise.reject(new RangeError("no port is free")) },
    });
    const { result } = await execute();
    const run = await fake.nextRun();
    await expect(run.request.openSpendGate?.(fakeUpstream)).rejects.toThrow("no port is free");
    run.finish({ outcome: "failed", errorClass: "internal" });
    await result;
    expect(gate.meters).toEqual([]);
  });

  it("no longer once the run was stopped, and a meter that opens later is closed", async () => {
    const opening = Promise.withResolvers<void>();
    const { execute, fake, gate, runtime } = rigOf({ gate: { beforeOpen: () => opening.promise } });
    const { permitId, result } = await execute();
    const run = await fake.nextRun();
    const access = run.request.openSpendGate?.(fakeUpstream);
    await runtime.cancel(permitId, { reason: "enough" });
    await expect(access).rejects.toMatchObject({ code: "AC_CANCELLED", message: "enough" });
    expect(await result).toMatchObject({ outcome: "cancelled" });
    opening.resolve();
    await until(() => gate.meters[0]?.isClosed === true, { what: "the late meter is closed" });
  });
});

it("closing the runtime ends the runs, their meters, and then the gate", async () => {
  const { start, runtime, gate } = rigOf();
  const { meter, result } = await start();
  meter.spend(7);
  await runtime.close();
  expect(await result).toMatchObject({ outcome: "cancelled", costUsd: 0.000007 });
  expect(meter.isClosed).toBe(true);
  expect(gate.isClosed).toBe(true);
});

describe("a refusal that the gate sees during a run", () => {
  const failures = { consecutive_failures: 2, window: 100 };
  const config: RuntimeConfigInput = { breakers: failures, limits: { global: { concurrency: 10 } } };
  const request = () => permitRequest({ workspace: "/elsewhere", jobId: "other" });

  it("pauses the provider for all, and its end does not pause it again", async () => {
    const { start, runtime, clock } = rigOf({ config });
    const { meter, run, result } = await start();
    meter.refuse({ retryAfterMs: 5000 });
    expect(runtime.tryPermit(request())).toMatchObject({ code: "AC_PROVIDER_PAUSED", retryAfterMs: 5000 });
    clock.advance(4000);
    run.finish({ outcome: "failed", errorClass: "rate_limited", retryAfterMs: 5000 });
    await result;
    expect(runtime.tryPermit(request())).toMatchObject({ retryAfterMs: 1000 });
    clock.advance(1000);
    expect(runtime.tryPermit(request()).kind).toBe("granted");
  });

  it("pauses for the time that only the result names, as of a usage window, without counting again", async () => {
    const { start, runtime } = rigOf({ config });
    const { meter, run, result } = await start();
    meter.refuse();
    run.finish({ outcome: "failed", errorClass: "quota_exhausted", retryAfterMs: 3_600_000 });
    await result;
    expect(runtime.tryPermit(request())).toMatchObject({ retryAfterMs: 3_600_000 });
  });

  it("pauses the model that was refused, for permits that name it", async () => {
    const { start, runtime } = rigOf({ config });
    const named = permitRequest({ model: "gpt-9" });
    const first = runtime.tryPermit(named);
    if (first.kind === "granted") runtime.giveBack(first.permit.id);
    const { meter } = await start();
    meter.refuse({ model: "gpt-9", retryAfterMs: 5000 });
    expect(runtime.tryPermit(named)).toMatchObject({ code: "AC_PROVIDER_PAUSED" });
    expect(runtime.tryPermit(permitRequest({ model: "gpt-8" })).kind).toBe("granted");
    expect(runtime.tryPermit(permitRequest({ worker: "claude" })).kind).toBe("granted");
  });

  it("counts once at the breaker for each run, however often its worker tries again, and its end not again", async () => {
    const { start, runtime } = rigOf({ config });
    const breakerState = async () =>
      (await runtime.load()).breakers.find(({ target }) => target === "provider:openai")?.state;
    const [first, second] = [await start(), await start()];
    for (let call = 0; call < 9; call += 1) first.meter.refuse({ status: 529, retryAfterMs: 1 });
    expect(await breakerState()).toBe("closed");
    first.run.finish({ outcome: "failed", errorClass: "provider_unavailable" });
    await first.result;
    expect(await breakerState()).toBe("closed");
    second.meter.refuse({ status: 503, retryAfterMs: 1 });
    expect(await breakerState()).toBe("open");
    second.run.finish();
    await second.result;
    expect(await breakerState()).toBe("open");
  });

  it("is forgotten at the breaker when the run goes on to succeed", async () => {
    const { start, runtime } = rigOf({ config });
    const { meter, run, result } = await start();
    meter.refuse({ status: 529 });
    run.finish();
    await result;
    expect((await runtime.load()).breakers).toEqual([]);
  });
});

it("a key that the gate refused is an escalation, with the attempt that it belonged to", async () => {
  const { runtime, gate } = rigOf();
  const escalations: Escalation[] = [];
  runtime.onEscalation((escalation) => void escalations.push(escalation));
  gate.refuseKey({ kind: "ended", requests: 3, of: { jobId: "job-7", attempt: 1 } });
  gate.refuseKey({ kind: "unknown", requests: 1, of: null });
  expect(escalations).toMatchObject([
    {
      stage: "notify",
      code: "AC_SPEND_GATE_KEY",
      target: "spend-gate",
      message:
        "the spend gate refused 3 requests with the key of attempt 1 of job job-7, whose permit has ended",
      evidence: { kind: "ended", requests: 3, jobId: "job-7", attempt: 1 },
    },
    { evidence: { kind: "unknown", requests: 1 } },
  ]);
  const { refusedKeys } = await runtime.load();
  expect(refusedKeys).toEqual({ missing: 0, unknown: 1, ended: 3, earlier_attempt: 0, stopping: 0 });
});
