import {
  type ContainmentReceipt,
  createIds,
  type Escalation,
  type ExecutionObserver,
  type PermitRequest,
  type ProbeOutput,
  type ProbeSpec,
  probeSpecSchema,
  type WorkerEvent,
  unknownUsage,
  type WorkerTask,
} from "@agentcore/contract";
import { workerTaskSchema } from "@agentcore/contract";
import { describe, expect, it, onTestFinished } from "vitest";
import { until } from "@agentcore/contract/testing";
import type { RuntimeConfigInput } from "../config/runtime-config.ts";
import { type Ledger, windowStartOf } from "../ledger/ledger.ts";
import { createMemoryLedger } from "../ledger/memory-ledger.ts";
import type { MachineSample } from "../pressure/machine-signals.ts";
import { createFakeRunner, fakeAdapter, type FakeRunnerOptions } from "../testing/fake-worker.ts";
import { createManualClock } from "../testing/manual-clock.ts";
import { permitRequest, runtimeConfig } from "../testing/requests.ts";
import { createRuntime } from "./create-runtime.ts";
import type { RuntimeOptions } from "./runtime-options.ts";

interface RigOptions extends Partial<Omit<RuntimeOptions, "config" | "runner">> {
  readonly config?: RuntimeConfigInput;
  readonly runner?: FakeRunnerOptions;
}

function rigOf({ config = {}, runner: runnerOptions = {}, ...rest }: RigOptions = {}) {
  const clock = createManualClock();
  const runner = createFakeRunner(runnerOptions);
  const adapters = [fakeAdapter(), fakeAdapter({ name: "claude", provider: "anthropic" })];
  const runtime = createRuntime({
    config: runtimeConfig(config),
    adapters,
    runner,
    clock,
    ids: createIds(clock),
    ...rest,
  });
  const escalations: Escalation[] = [];
  runtime.onEscalation((escalation) => escalations.push(escalation));

  const grant = async (change: Partial<PermitRequest> = {}): Promise<string> => {
    const decision = await runtime.requestPermit(
      permitRequest({ workspace: `/w/${Math.random()}`, ...change }),
    );
    if (decision.kind !== "granted") throw new TypeError(`${decision.code}: ${decision.message}`);
    return decision.permit.id;
  };
  /** Requests a permit and executes it in a separate workspace. */
  const start = async (
    change: Partial<PermitRequest> = {},
    observer: ExecutionObserver = {},
    task: Partial<WorkerTask> = {},
  ) => {
    const request = permitRequest(change);
    const permitId = await grant(request);
    const result = runtime.execute(permitId, taskOf(request, task), observer);
    return { permitId, request, result, run: await runner.nextRun() };
  };
  return { runtime, clock, runner, escalations, grant, start };
}

function taskOf(request: PermitRequest, change: Partial<WorkerTask> = {}): WorkerTask {
  const { worker, workspace, capabilities, model } = request;
  const task = { worker, workspace, capabilities, instructions: "do it", ...(model && { model }), ...change };
  return workerTaskSchema.parse(task);
}

const receiptWith = (survivors: number): ContainmentReceipt => ({
  level: "sealed",
  implementation: "fake",
  processesSeen: 3,
  survivors,
  signals: ["TERM", "KILL"],
  emptyAfterMs: null,
  provedBy: "cgroup",
});

const usage = (costUsd: number): WorkerEvent => ({
  type: "usage",
  usage: { inputTokens: 1, cachedInputTokens: 0, outputTokens: 1 },
  costUsd,
});

it("starts at one provider are spread out in time, and a stopped run does not wait for its turn", async () => {
  const rig = rigOf({ config: { pacing: {}, limits: { global: { concurrency: 10 } } } });
  const [first, other] = [await rig.start(), await rig.start({ worker: "claude" })];
  const requests = [permitRequest(), permitRequest()];
  const permits = [await rig.grant(requests[0]), await rig.grant(requests[1])];
  const results = requests.map((request, index) => rig.runtime.execute(permits[index]!, taskOf(request)));
  await rig.runtime.cancel(permits[1]!, { reason: "not wanted any more" });
  expect(await results[1]).toMatchObject({ outcome: "cancelled", code: "AC_CANCELLED" });
  expect(rig.runner.runs).toHaveLength(2);
  await expect.poll(() => rig.clock.advance(10) ?? rig.runner.runs.length).toBe(3);
  for (const { run } of [first, other]) run.finish();
  rig.runner.runs[2]?.finish();
  await Promise.all([first.result, other.result, ...results]);
});

describe("one run", () => {
  it("events, identity and the one result come through, and everything is given back", async () => {
    const rig = rigOf({ config: { limits: { global: { cost_usd: { day: 10 } } } } });
    const seen: string[] = [];
    const observer: ExecutionObserver = {
      onEvent: (event) => seen.push(event.type),
      onStarted: ({ implementation }) => seen.push(implementation),
    };
    const { result, run } = await rig.start({ maxCostUsd: 4 }, observer);
    expect(await rig.runtime.load()).toMatchObject({ permitsLive: 1, executing: 1 });
    run.emit({ type: "text", text: "hello" });
    run.emit(usage(1.5));
    run.finish({ costUsd: 1.5, costBasis: "reported" });
    expect(await result).toMatchObject({ outcome: "succeeded", costUsd: 1.5 });
    expect(seen).toEqual(["fake", "text", "usage"]);
    const load = await rig.runtime.load();
    expect(load).toMatchObject({ permitsLive: 0, executing: 0, draining: false, containment: "sealed" });
    expect(load.budgets).toContainEqual({
      scope: "global",
      kind: "cost_usd",
      window: "day",
      limit: 10,
      held: 0,
      spent: 1.5,
    });
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it("the runner gets the adapter, the settings and the task as granted", async () => {
    const rig = rigOf({ settings: { codex: { model: "x" } } });
    const { run, result } = await rig.start();
    expect(run.request.adapter.name).toBe("codex");
    expect(run.request.settings).toEqual({ model: "x" });
    run.finish();
    await result;
  });

  it("an observer that throws does not become the run's failure", async () => {
    const rig = rigOf();
    const angry = () => {
      throw new RangeError("no");
    };
    const { run, result } = await rig.start({}, { onEvent: angry, onStarted: angry });
    run.emit({ type: "text", text: "x" });
    run.finish();
    expect((await result).outcome).toBe("succeeded");
  });

  it("a runner that throws is a result, and the permit ends", async () => {
    const rig = rigOf({ runner: { startThrows: new RangeError("no more processes") } });
    const request = permitRequest();
    const result = await rig.runtime.execute(await rig.grant(request), taskOf(request));
    expect(result).toMatchObject({
      outcome: "failed",
      errorClass: "internal",
      code: "AC_INTERNAL",
      summary: "no more processes",
    });
    expect((await rig.runtime.load()).permitsLive).toBe(0);
  });
});

describe("a permit", () => {
  it("authorizes one execution only", async () => {
    const rig = rigOf();
    const { permitId, request, run, result } = await rig.start();
    await expect(rig.runtime.execute(permitId, taskOf(request))).rejects.toMatchObject({
      code: "AC_PERMIT_INVALID",
    });
    run.finish();
    await result;
    await expect(rig.runtime.execute(permitId, taskOf(request))).rejects.toMatchObject({
      code: "AC_PERMIT_INVALID",
    });
    expect(rig.runner.runs.length).toBe(1);
  });

  it("of another runtime, or made up, is worth nothing", async () => {
    const [one, other] = [rigOf(), rigOf()];
    const request = permitRequest();
    const foreign = await other.grant(request);
    for (const permitId of [foreign, "made-up"]) {
      await expect(one.runtime.execute(permitId, taskOf(request))).rejects.toMatchObject({
        code: "AC_PERMIT_INVALID",
      });
    }
  });

  it("stays usable after a task that does not fit it", async () => {
    const rig = rigOf();
    const request = permitRequest();
    const permitId = await rig.grant(request);
    const misfit = taskOf(request, { workspace: "/elsewhere" });
    await expect(rig.runtime.execute(permitId, misfit)).rejects.toMatchObject({ code: "AC_PERMIT_INVALID" });
    const result = rig.runtime.execute(permitId, taskOf(request));
    (await rig.runner.nextRun()).finish();
    expect((await result).outcome).toBe("succeeded");
  });

  it("that nobody uses is given back after its time, with its hold", async () => {
    const ledger = createMemoryLedger();
    const rig = rigOf({ ledger, config: { permit_ttl: "30s" } });
    const request = permitRequest();
    const permitId = await rig.grant({ ...request, maxCostUsd: 3 });
    expect(await ledger.openHolds()).toHaveLength(1);
    rig.clock.advance(31_000);
    expect((await rig.runtime.load()).permitsLive).toBe(0);
    expect(await ledger.openHolds()).toEqual([]);
    await expect(rig.runtime.execute(permitId, taskOf(request))).rejects.toMatchObject({
      code: "AC_PERMIT_INVALID",
    });
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it("that is released is given back at once, and releasing again does nothing", async () => {
    const ledger = createMemoryLedger();
    const rig = rigOf({ ledger });
    const permitId = await rig.grant({ maxCostUsd: 3 });
    await rig.runtime.releasePermit(permitId);
    await rig.runtime.releasePermit(permitId);
    await rig.runtime.releasePermit("never-was");
    expect(await ledger.openHolds()).toEqual([]);
    expect((await rig.runtime.load()).permitsLive).toBe(0);
  });

  it("is refused for a request that is wrong, with the field named", async () => {
    const { runtime } = rigOf();
    await expect(runtime.requestPermit(permitRequest({ maxCostUsd: -1 }))).rejects.toMatchObject({
      code: "AC_JOB_INVALID",
      message: expect.stringContaining("maxCostUsd"),
    });
  });

  it("crosses as plain data", async () => {
    const { runtime } = rigOf();
    const decision = await runtime.requestPermit(permitRequest());
    expect(structuredClone(decision)).toEqual(decision);
    expect(decision.kind === "granted" && "signal" in decision.permit).toBe(false);
  });
});

describe("stopping a run", () => {
  it("a cancel reaches the worker with its reason, and a second one with force ends it at once", async () => {
    const rig = rigOf({ runner: { ignoresStop: true } });
    const { permitId, run, result } = await rig.start();
    await rig.runtime.cancel(permitId, { reason: "Ctrl-C" });
    expect(run.cause).toMatchObject({ kind: "cancelled", code: "AC_CANCELLED", message: "Ctrl-C" });
    await rig.runtime.cancel(permitId, { reason: "again" });
    expect(run.isForced).toBe(false);
    await rig.runtime.cancel(permitId, { reason: "now", force: true });
    expect(run.isForced).toBe(true);
    expect(run.cause?.message).toBe("Ctrl-C");
    run.finish({ outcome: "cancelled", errorClass: "cancelled" });
    expect((await result).outcome).toBe("cancelled");
    await rig.runtime.cancel(permitId, { reason: "late" });
  });

  it("a cancel of a permit that was not executed gives it back", async () => {
    const rig = rigOf();
    const permitId = await rig.grant();
    await rig.runtime.cancel(permitId, { reason: "changed my mind" });
    expect((await rig.runtime.load()).permitsLive).toBe(0);
  });

  it.each<[string, RuntimeConfigInput, Partial<PermitRequest>, number, string]>([
    ["its wall clock", {}, { timeoutMs: 250 }, 250, "AC_TIMEOUT"],
    [
      "the configured silence",
      { watchdog: { silence: "20s" } },
      { timeoutMs: 600_000 },
      20_000,
      "AC_STALLED",
    ],
    [
      "the job's own silence",
      { watchdog: { silence: "20s" } },
      { timeoutMs: 600_000, silenceTimeoutMs: 5000 },
      5000,
      "AC_STALLED",
    ],
    [
      "the longest silence a job may ask for",
      { watchdog: { silence_max: "30s" } },
      { timeoutMs: 600_000, silenceTimeoutMs: 90_000 },
      30_000,
      "AC_STALLED",
    ],
  ])("%s ends it, on time", async (_name, config, request, afterMs, code) => {
    const rig = rigOf({ config });
    const { run, result } = await rig.start(request);
    rig.clock.advance(afterMs - 10);
    expect(run.cause).toBeNull();
    rig.clock.advance(15);
    expect(run.cause?.code).toBe(code);
    await result;
  });

  it("a run that is charged its whole ceiling says why: its model has no price, or nothing was reported", async () => {
    const rig = rigOf();
    const priced = await rig.start({ maxCostUsd: 2 });
    priced.run.emit({ type: "started", session: null, model: "house" });
    priced.run.emit({ type: "text", text: "hello" });
    priced.run.finish({ usage: { inputTokens: 9, cachedInputTokens: null, outputTokens: 9 } });
    expect(await priced.result).toMatchObject({
      costUsd: 2,
      costBasis: "estimated",
      costNote: "cost unknown: no price for model house; the ceiling of $2 was charged",
      summary: "done (cost unknown: no price for model house; the ceiling of $2 was charged)",
    });
    const silent = await rig.start({ maxCostUsd: 2 });
    silent.run.emit({ type: "text", text: "hello" });
    silent.run.finish();
    expect((await silent.result).summary).toContain(
      "cost unknown: worker codex reported neither cost nor tokens",
    );
    const unanswered = await rig.start({ maxCostUsd: 2 });
    unanswered.run.finish({ outcome: "timed_out", errorClass: "timeout" });
    expect(await unanswered.result).toMatchObject({ costUsd: 0.25, summary: "done" });
  });

  it("a run that says at its end that it cost less than was counted is charged what was counted, and both are said", async () => {
    const rig = rigOf();
    const { run, result } = await rig.start({ maxCostUsd: 1 });
    run.emit({ type: "usage", usage: unknownUsage, costUsd: 0.5 });
    run.finish({ costUsd: 1e-300, costBasis: "reported" });
    expect(await result).toMatchObject({
      costUsd: 0.5,
      costBasis: "estimated",
      summary:
        "done (the worker reported a cost of $1e-300 at its end; $0.5 had been counted and were charged)",
    });
  });

  it.each([
    [1e13, 1000, "estimated"],
    [1e9, 1000, "estimated"],
    [999, 999, "reported"],
    [1e-320, 0, "reported"],
    [Number.NaN, 5, "estimated"],
    [Infinity, 5, "estimated"],
    [-1, 5, "estimated"],
    ["5", 5, "estimated"],
  ])("a reported cost of %s is booked as $%d, %s", async (reported, booked, costBasis) => {
    const ledger = createMemoryLedger();
    const rig = rigOf({ ledger, config: { limits: { global: { cost_usd: { total: 5000 } } } } });
    const { run, result } = await rig.start({ maxCostUsd: 5 });
    run.emit({ type: "text", text: "hello" });
    const [costUsd, tokens] = [reported as number, reported as number];
    run.finish({ costUsd, costBasis: "reported", usage: { ...unknownUsage, outputTokens: tokens } });
    const ended = await result;
    expect(ended.costBasis).toBe(costBasis);
    expect(ended.costUsd).toBeCloseTo(booked);
    if (booked === 1000) expect(ended.summary).toContain("limits.attempt.plausible_cost_usd");
    const [level] = await ledger.levels([{ scope: "global", window: "total", windowStart: 0 }]);
    expect(level).toMatchObject({ costSpentMicroUsd: booked * 1e6, costHeldMicroUsd: 0 });
    expect(Number.isSafeInteger(level?.tokensSpent)).toBe(true);
  });

  it.each([1e13, Number.NaN, -5])(
    "a total of %s on the way neither lifts a ceiling nor breaks a sum",
    async (said) => {
      const rig = rigOf({ config: { limits: { global: { cost_usd: { day: 5000 } } } } });
      const { run, result } = await rig.start({ maxCostUsd: 5 });
      run.emit(usage(said));
      expect(run.cause?.code ?? null).toBe(said > 5 ? "AC_COST_CEILING" : null);
      run.emit(usage(5));
      expect((await result).outcome).toBe("budget_exhausted");
      const { budgets } = await rig.runtime.load();
      for (const { spent, held } of budgets) expect([Number.isFinite(spent), held]).toEqual([true, 0]);
    },
  );

  it("the cost ceiling ends it at the event that reaches it", async () => {
    const rig = rigOf();
    const { run, result } = await rig.start({ maxCostUsd: 1 });
    run.emit(usage(0.99));
    expect(run.cause).toBeNull();
    run.emit(usage(1.02));
    expect(run.cause).toMatchObject({ kind: "budget", code: "AC_COST_CEILING" });
    // What was reported, and as much as the costliest answer for the one that may have been in progress.
    expect(await result).toMatchObject({
      outcome: "budget_exhausted",
      costUsd: 2.01,
      costBasis: "estimated",
    });
  });

  it("a worker that reported its end and does not exit is ended, and not stopped", async () => {
    const rig = rigOf({ runner: { endsAsReported: true } });
    const { run, result } = await rig.start({ timeoutMs: 3_600_000 });
    run.emit({ type: "ended" });
    rig.clock.advance(119_000);
    expect(run.isFinished).toBe(false);
    rig.clock.advance(2000);
    expect(run.cause).toBeNull();
    expect(await result).toMatchObject({
      outcome: "succeeded",
      summary: expect.stringContaining("reported its end and did not exit for 2m"),
    });
  });

  it("a runner that cannot end it so stops it as stalled", async () => {
    const rig = rigOf();
    const { run, result } = await rig.start({ timeoutMs: 3_600_000 });
    run.emit({ type: "ended" });
    rig.clock.advance(121_000);
    expect(run.cause).toMatchObject({ code: "AC_STALLED", evidence: { how: "not_exited" } });
    expect((await result).outcome).toBe("stalled");
  });

  it("a runtime that was suspended for two hours kills nobody on waking", async () => {
    const rig = rigOf({ config: { watchdog: { silence: "10m" } } });
    const { run, result } = await rig.start({ timeoutMs: 3_600_000 });
    rig.clock.advance(60_000);
    rig.clock.sleep(2 * 3_600_000);
    rig.clock.advance(8 * 60_000);
    expect(run.cause).toBeNull();
    rig.clock.advance(2 * 60_000);
    expect(run.cause?.code).toBe("AC_STALLED");
    await result;
  });

  it("a correction of the wall clock, either way, ends nothing early and freezes nothing", async () => {
    const rig = rigOf();
    const { run, result } = await rig.start({ timeoutMs: 60_000 });
    rig.clock.jump(30 * 86_400_000);
    rig.clock.advance(30_000);
    rig.clock.jump(-60 * 86_400_000);
    rig.clock.advance(29_000);
    expect(run.cause).toBeNull();
    rig.clock.advance(2000);
    expect(run.cause?.code).toBe("AC_TIMEOUT");
    await result;
  });
});

describe("the ledger", () => {
  const day = (ledger: Ledger, at: number) =>
    ledger.levels([{ scope: "global", window: "day", windowStart: windowStartOf("day", at) }]);
  const config: RuntimeConfigInput = { limits: { global: { concurrency: 20, cost_usd: { day: 10 } } } };

  it("holds the ceiling while a run goes on and what it spent afterwards", async () => {
    const ledger = createMemoryLedger();
    const rig = rigOf({ ledger, config });
    const { run, result } = await rig.start({ maxCostUsd: 4, tenant: "acme" });
    expect(await day(ledger, rig.clock.now())).toMatchObject([
      { costHeldMicroUsd: 4_000_000, costSpentMicroUsd: 0 },
    ]);
    run.finish({ costUsd: 1.5, costBasis: "reported" });
    await result;
    expect(await day(ledger, rig.clock.now())).toMatchObject([
      { costHeldMicroUsd: 0, costSpentMicroUsd: 1_500_000 },
    ]);
    const [tenant] = await ledger.levels([{ scope: "tenant:acme", window: "total", windowStart: 0 }]);
    expect(tenant?.costSpentMicroUsd).toBe(1_500_000);
  });

  it("books a run that held nothing, so that a cap configured later counts it", async () => {
    const ledger = createMemoryLedger();
    const rig = rigOf({ ledger });
    const { run, result } = await rig.start();
    run.finish({ costUsd: 0.25, costBasis: "reported" });
    await result;
    expect(await day(ledger, rig.clock.now())).toMatchObject([{ costSpentMicroUsd: 250_000 }]);
  });

  it("refuses what another process has left nothing of, and everything is given back", async () => {
    const ledger = createMemoryLedger();
    const [one, other] = [rigOf({ ledger, config }), rigOf({ ledger, config })];
    const { run, result } = await other.start({ maxCostUsd: 8 });
    const denied = await one.runtime.requestPermit(permitRequest({ maxCostUsd: 3 }));
    expect(denied).toMatchObject({
      kind: "deferred",
      code: "AC_BUDGET_COST",
      evidence: { held: 8, limit: 10 },
    });
    expect((await one.runtime.load()).permitsLive).toBe(0);
    run.finish({ costUsd: 7.5, costBasis: "reported" });
    await result;
    expect(await one.runtime.requestPermit(permitRequest({ maxCostUsd: 3 }))).toMatchObject({
      kind: "deferred",
      retryAfterMs: windowStartOf("day", one.clock.now()) + 86_400_000 - one.clock.now(),
    });
    expect((await one.runtime.requestPermit(permitRequest({ maxCostUsd: 2.5 }))).kind).toBe("granted");
  });

  it("lets an attempt have what the job's earlier attempts left, also those of another process", async () => {
    const ledger = createMemoryLedger();
    const capped: RuntimeConfigInput = { limits: { job: { cost_usd: 5 } } };
    const earlier = rigOf({ ledger, config: capped });
    const first = await earlier.start({ jobId: "j" });
    first.run.finish({ outcome: "failed", errorClass: "task_failed", costUsd: 3, costBasis: "reported" });
    await first.result;
    const later = rigOf({ ledger, config: capped });
    const decision = await later.runtime.requestPermit(permitRequest({ jobId: "j", attempt: 2 }));
    expect(decision.kind === "granted" && decision.permit.grants.maxCostUsd).toBe(2);
  });

  it("holds for a permit of the synchronous decision before its worker starts, or nothing starts", async () => {
    const ledger = createMemoryLedger();
    const [one, other] = [rigOf({ ledger, config }), rigOf({ ledger, config })];
    const requests = [permitRequest({ maxCostUsd: 6 }), permitRequest({ maxCostUsd: 6 })] as const;
    const decisions = [one.runtime.tryPermit(requests[0]), other.runtime.tryPermit(requests[1])] as const;
    expect(decisions.map((decision) => decision.kind)).toEqual(["granted", "granted"]);
    const idOf = (decision: (typeof decisions)[number]) =>
      decision.kind === "granted" ? decision.permit.id : "";
    const running = one.runtime.execute(idOf(decisions[0]), taskOf(requests[0]));
    const run = await one.runner.nextRun();
    const refused = await other.runtime.execute(idOf(decisions[1]), taskOf(requests[1]));
    expect(refused).toMatchObject({ outcome: "budget_exhausted", code: "AC_BUDGET_COST", costUsd: 0 });
    expect(other.runner.runs.length).toBe(0);
    run.finish({ costUsd: 1, costBasis: "reported" });
    await running;
  });

  it("that cannot be written defers the permit and gives everything back", async () => {
    const failing: Ledger = { ...createMemoryLedger(), hold: () => Promise.reject(new Error("disk full")) };
    const rig = rigOf({ ledger: failing });
    expect(await rig.runtime.requestPermit(permitRequest({ maxCostUsd: 1 }))).toMatchObject({
      kind: "deferred",
      code: "AC_STORE_UNAVAILABLE",
      message: expect.stringContaining("disk full"),
    });
    expect(await rig.runtime.load()).toMatchObject({ permitsLive: 0 });
  });

  it.each([true, false])(
    "whose commit fails is given back, whether or not it took effect (%s)",
    async (took) => {
      const ledger = createMemoryLedger();
      let isDown = true;
      const down = () => Promise.reject(new Error("disk I/O error"));
      const flaky: Ledger = {
        ...ledger,
        hold: async (entry) => {
          if (took) await ledger.hold(entry);
          return down();
        },
        settle: (holdId, spent) => (isDown ? down() : ledger.settle(holdId, spent)),
      };
      const rig = rigOf({ ledger: flaky });
      for (let i = 0; i < 3; i += 1) {
        const decision = await rig.runtime.requestPermit(permitRequest({ maxCostUsd: 1 }));
        expect(decision).toMatchObject({ kind: "deferred", code: "AC_STORE_UNAVAILABLE" });
      }
      expect(await ledger.openHolds()).toHaveLength(took ? 3 : 0);
      isDown = false;
      rig.clock.advance(10_000);
      await until(async () => (await ledger.openHolds()).length === 0);
      expect(rig.clock.pendingTimers).toBe(0);
    },
  );

  it("that is being written when the runtime closes is ended before the ledger is left alone", async () => {
    const ledger = createMemoryLedger();
    const written = Promise.withResolvers<void>();
    let calls = 0;
    const slow: Ledger = {
      ...ledger,
      hold: async (entry) => {
        const outcome = await ledger.hold(entry);
        await written.promise;
        return outcome;
      },
      settle: (holdId, spent) => ((calls += 1), ledger.settle(holdId, spent)),
    };
    const rig = rigOf({ ledger: slow });
    const asked = rig.runtime.requestPermit(permitRequest({ maxCostUsd: 1 }));
    await until(async () => (await ledger.openHolds()).length === 1);
    let isClosed = false;
    const closing = rig.runtime.close().then(() => (isClosed = true));
    await new Promise(setImmediate);
    expect(isClosed).toBe(false);
    written.resolve();
    expect(await asked).toMatchObject({ kind: "rejected", code: "AC_DRAINING" });
    await closing;
    expect(await ledger.openHolds()).toEqual([]);
    expect([calls, rig.clock.pendingTimers]).toEqual([1, 0]);
  });

  it("that cannot be settled while the runtime closes is left to the next start, with no timer", async () => {
    const gone: Ledger = { ...createMemoryLedger(), settle: () => Promise.reject(new Error("closed")) };
    const rig = rigOf({ ledger: gone });
    await rig.grant({ maxCostUsd: 1 });
    await rig.runtime.close();
    rig.clock.advance(60_000);
    await new Promise(setImmediate);
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it("that cannot take a settlement keeps no run from its result, and gets it later", async () => {
    const ledger = createMemoryLedger();
    let broken = true;
    const flaky: Ledger = {
      ...ledger,
      settle: (holdId, spent) => (broken ? Promise.reject(new Error("busy")) : ledger.settle(holdId, spent)),
    };
    const rig = rigOf({ ledger: flaky });
    const { run, result } = await rig.start({ maxCostUsd: 2 });
    run.finish({ costUsd: 1, costBasis: "reported" });
    expect((await result).costUsd).toBe(1);
    expect(await ledger.openHolds()).toHaveLength(1);
    broken = false;
    rig.clock.advance(10_000);
    await rig.runtime.close();
    expect(await ledger.openHolds()).toEqual([]);
  });
});

describe("workspaces", () => {
  it("two names of one directory are one lock", async () => {
    const realPath = async (path: string) => path.replace("/link", "/real");
    const rig = rigOf({ realPath });
    await rig.grant({ workspace: "/real/project" });
    expect(await rig.runtime.requestPermit(permitRequest({ workspace: "/link/project" }))).toMatchObject({
      code: "AC_WORKSPACE_LOCKED",
    });
  });

  it("one that does not exist is refused", async () => {
    const { runtime } = rigOf({ realPath: () => Promise.reject(new Error("ENOENT")) });
    expect(await runtime.requestPermit(permitRequest())).toMatchObject({
      kind: "rejected",
      code: "AC_WORKSPACE_MISSING",
    });
  });

  it("one where a run could not be ended is quarantined until lifted", async () => {
    const rig = rigOf();
    const { run, result, request } = await rig.start();
    const receipt = receiptWith(2);
    run.finish({ containment: receipt });
    await result;
    const again = { workspace: request.workspace };
    expect(await rig.runtime.requestPermit(permitRequest(again))).toMatchObject({
      kind: "rejected",
      code: "AC_UNCONTAINED",
    });
    expect(rig.escalations).toMatchObject([
      { stage: "isolate_workspace", code: "AC_UNCONTAINED", target: `workspace:${request.workspace}` },
    ]);
    expect(rig.runtime.liftQuarantine(request.workspace)).toBe(true);
    expect((await rig.runtime.requestPermit(permitRequest(again))).kind).toBe("granted");
  });

  it("one that an earlier process left behind can be quarantined by hand", async () => {
    const { runtime } = rigOf();
    runtime.quarantine("/w/dirty", { message: "left by attempt 3", evidence: { attempt: 3 } });
    expect(await runtime.requestPermit(permitRequest({ workspace: "/w/dirty/sub" }))).toMatchObject({
      code: "AC_UNCONTAINED",
      evidence: { attempt: 3 },
    });
  });
});

describe("backpressure", () => {
  const machine: MachineSample = {
    eventLoopDelayMs: 0,
    memoryAvailableBytes: 8e9,
    memoryPressurePercent: 0,
    diskFreeBytes: 1e12,
  };

  it("the machine is looked at before a permit, and its level falls again by itself", async () => {
    let sample = machine;
    const rig = rigOf({
      signals: { sample: async () => sample, watch: () => {}, close: () => {} },
      config: { backpressure: { recovery: "10s" } },
    });
    expect((await rig.runtime.requestPermit(permitRequest())).kind).toBe("granted");
    sample = { ...machine, memoryAvailableBytes: 200e6 };
    rig.clock.advance(1000);
    const denied = await rig.runtime.requestPermit(permitRequest());
    expect(denied).toMatchObject({
      kind: "deferred",
      code: "AC_BACKPRESSURE",
      evidence: { signal: "memory_available" },
    });
    sample = machine;
    for (let i = 0; i < 30; i += 1) {
      rig.clock.advance(1000);
      await rig.runtime.requestPermit(permitRequest());
    }
    expect((await rig.runtime.load()).pressure).toBe("accept");
  });

  it("nothing is measured between two looks while the runtime is idle", async () => {
    const watched: boolean[] = [];
    const signals = {
      sample: async () => machine,
      watch: (isRegular: boolean) => void watched.push(isRegular),
      close: () => {},
    };
    const { runtime } = rigOf({ signals });
    const decision = await runtime.requestPermit(permitRequest());
    expect(watched.at(-1)).toBe(true);
    runtime.giveBack(decision.kind === "granted" ? decision.permit.id : "");
    expect(watched.at(-1)).toBe(false);
  });

  it("a look that fails refuses nothing", async () => {
    const signals = {
      sample: () => Promise.reject(new Error("no /proc")),
      watch: () => {},
      close: () => {},
    };
    expect((await rigOf({ signals }).runtime.requestPermit(permitRequest())).kind).toBe("granted");
  });

  it("a long queue counts while it is reported", async () => {
    const rig = rigOf({ config: { backpressure: { queue_lag: { defer: "1m" } } } });
    rig.runtime.reportQueue({ depth: 5, oldestWaitMs: 90_000 });
    expect(await rig.runtime.requestPermit(permitRequest())).toMatchObject({ code: "AC_BACKPRESSURE" });
  });
});

describe("a probe of a half-open breaker", () => {
  const networkDown = { outcome: "failed", errorClass: "network" } as const;
  const halfOpen = async (options: RigOptions = {}) => {
    const config: RuntimeConfigInput = {
      limits: { global: { cost_usd: { day: 10 } } },
      breakers: { consecutive_failures: 1, cool_down: "10s" },
      permit_ttl: "20s",
    };
    const rig = rigOf({ config, ...options });
    const { run, result } = await rig.start({ maxCostUsd: 1 });
    run.finish({ ...networkDown, costUsd: 0.1, costBasis: "reported" });
    await result;
    rig.clock.advance(10_000);
    return rig;
  };
  type HalfOpen = Awaited<ReturnType<typeof halfOpen>>;

  it.each<[string, (rig: HalfOpen) => Promise<unknown>]>([
    ["refused by the budget", (rig) => rig.runtime.requestPermit(permitRequest({ maxCostUsd: 9.95 }))],
    ["released unused", async (rig) => rig.runtime.releasePermit(await rig.grant())],
    ["left to expire", async (rig) => rig.clock.advance((await rig.grant()).length * 1000)],
    ["cancelled before it ran", async (rig) => rig.runtime.cancel(await rig.grant(), { reason: "x" })],
    [
      "cancelled while it ran",
      async (rig) => {
        const { permitId, result } = await rig.start();
        await rig.runtime.cancel(permitId, { reason: "x" });
        await result;
      },
    ],
    [
      "unable to start its worker",
      async (rig) => {
        const { run, result } = await rig.start();
        run.finish({ outcome: "failed", errorClass: "worker_missing" });
        await result;
      },
    ],
    [
      "ended by a fault of the runtime",
      async (rig) => {
        const { run, result } = await rig.start();
        run.finish({ outcome: "failed", errorClass: "internal" });
        await result;
      },
    ],
  ])("that is %s leaves the way free for the next", async (_name, end) => {
    const rig = await halfOpen();
    await end(rig);
    const prober = await rig.runtime.requestPermit(permitRequest());
    expect(prober.kind).toBe("granted");
    expect(await rig.runtime.requestPermit(permitRequest())).toMatchObject({ code: "AC_BREAKER_PROBING" });
  });

  it("that the ledger refuses leaves the way free for the next", async () => {
    const ledger = createMemoryLedger();
    const rig = await halfOpen({ ledger });
    const other = rigOf({ ledger, config: { limits: { global: { cost_usd: { day: 10 } } } } });
    await other.grant({ maxCostUsd: 9 });
    expect(await rig.runtime.requestPermit(permitRequest({ maxCostUsd: 2 }))).toMatchObject({
      code: "AC_BUDGET_COST",
    });
    expect((await rig.runtime.requestPermit(permitRequest({ maxCostUsd: 0.5 }))).kind).toBe("granted");
  });
});

describe("the end of a runtime", () => {
  it("draining lets runs end and grants nothing more", async () => {
    const rig = rigOf();
    const { run, result } = await rig.start();
    let drained = false;
    const drain = rig.runtime.drain().then(() => {
      drained = true;
    });
    expect(await rig.runtime.requestPermit(permitRequest())).toMatchObject({
      kind: "rejected",
      code: "AC_DRAINING",
    });
    expect(drained).toBe(false);
    expect(run.cause).toBeNull();
    run.finish();
    await result;
    await drain;
    expect((await rig.runtime.load()).draining).toBe(true);
  });

  it("closing stops what runs, waits for it, and leaves no timer", async () => {
    const rig = rigOf({ config: { limits: { global: { concurrency: 9 } } } });
    const runs = await Promise.all([rig.start(), rig.start()]);
    await rig.grant();
    const closing = rig.runtime.close();
    expect(rig.runtime.close()).toBe(closing);
    await closing;
    const results = await Promise.all(runs.map(({ result }) => result));
    expect(results.map(({ outcome }) => outcome)).toEqual(["cancelled", "cancelled"]);
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it("closing forces what does not end within its grace", async () => {
    const rig = rigOf({ runner: { ignoresStop: true }, config: { shutdown: { grace: "5s" } } });
    const { run } = await rig.start();
    const closing = rig.runtime.close();
    rig.clock.advance(4999);
    expect(run.isForced).toBe(false);
    rig.clock.advance(1);
    expect(run.isForced).toBe(true);
    run.finish({ outcome: "cancelled", errorClass: "cancelled" });
    await closing;
  });
});

describe("escalation", () => {
  const failed = { outcome: "failed", errorClass: "worker_crashed" } as const;
  const quick: RuntimeConfigInput = {
    breakers: { consecutive_failures: 100, failure_share: 0.99, window: 200 },
    watchdog: { concentration_runs: 4, step: "1s", isolation: "10m", uncontained_max: 1 },
  };
  const failTimes = async (rig: ReturnType<typeof rigOf>, count: number, end: object = failed) => {
    for (let i = 0; i < count; i += 1) {
      const { run, result } = await rig.start();
      run.finish(end);
      await result;
    }
  };

  it("failures of one worker open its breaker, then isolate it, and others go on", async () => {
    const rig = rigOf({
      config: { ...quick, breakers: { ...quick.breakers, cool_down: "2s", cool_down_max: "2s" } },
    });
    await failTimes(rig, 4);
    expect(await rig.runtime.requestPermit(permitRequest())).toMatchObject({ code: "AC_BREAKER_OPEN" });
    for (let i = 0; i < 2; i += 1) {
      rig.clock.advance(2000);
      await failTimes(rig, 1);
    }
    expect(await rig.runtime.requestPermit(permitRequest())).toMatchObject({ code: "AC_WORKER_ISOLATED" });
    expect((await rig.runtime.requestPermit(permitRequest({ worker: "claude" }))).kind).toBe("granted");
    const codes = rig.escalations.map(({ stage, code }) => `${stage} ${code}`);
    expect(codes).toContain("open_breaker AC_FAILURE_CONCENTRATION");
    expect(codes).toContain("isolate_worker AC_WORKER_ISOLATED");
    rig.clock.advance(10 * 60_000);
    expect((await rig.runtime.requestPermit(permitRequest())).kind).toBe("granted");
  });

  it("failures in one workspace isolate it, whoever worked there", async () => {
    const rig = rigOf({ config: quick });
    const workspace = "/w/broken";
    for (const worker of ["codex", "claude", "codex", "claude"]) {
      const { run, result } = await rig.start({ workspace, worker });
      run.finish(failed);
      await result;
    }
    expect(await rig.runtime.requestPermit(permitRequest({ workspace }))).toMatchObject({
      code: "AC_WORKSPACE_ISOLATED",
    });
    expect((await rig.runtime.requestPermit(permitRequest())).kind).toBe("granted");
  });

  it("tasks that fail isolate no workspace: what is to report on them runs there too", async () => {
    const rig = rigOf();
    const workspace = "/w/tests";
    const ends = [
      { outcome: "failed", errorClass: "task_failed" },
      { outcome: "timed_out", errorClass: "timeout" },
      { outcome: "stalled", errorClass: "stalled", code: "AC_PROBE_STALLED" },
    ] as const;
    for (let i = 0; i < 30; i += 1) {
      const { run, result } = await rig.start({ workspace });
      run.finish(ends[i % ends.length]);
      await result;
    }
    expect((await rig.runtime.requestPermit(permitRequest({ workspace }))).kind).toBe("granted");
    expect(rig.escalations).toEqual([]);
  });

  it("one trip of a breaker is told of once, with what tripped it, in the refusal too", async () => {
    const watchdog = { ...quick.watchdog, concentration_share: 0.75 };
    const rig = rigOf({ config: { ...quick, watchdog } });
    for (const end of [failed, failed, failed, { outcome: "succeeded" }] as const)
      await failTimes(rig, 1, end);
    const tripped = rig.escalations.filter(({ stage }) => stage === "open_breaker");
    expect(tripped.map(({ target }) => target)).toEqual(["worker:codex"]);
    expect(await rig.runtime.requestPermit(permitRequest())).toMatchObject({
      code: "AC_BREAKER_OPEN",
      message: "worker:codex failed in 3 of its last 4 runs; its breaker is open",
    });
  });

  it("runs that cannot be ended stop everything, and a restart is what clears it", async () => {
    const rig = rigOf({ config: quick });
    const bystander = await rig.start();
    const receipt = receiptWith(1);
    const { run, result } = await rig.start();
    run.finish({ containment: receipt });
    await result;
    expect(bystander.run.cause).toMatchObject({ kind: "isolated", code: "AC_GLOBAL_STOP" });
    expect((await bystander.result).outcome).toBe("cancelled");
    expect(await rig.runtime.requestPermit(permitRequest())).toMatchObject({
      kind: "rejected",
      code: "AC_GLOBAL_STOP",
    });
    expect(rig.escalations.map(({ stage }) => stage)).toEqual(["isolate_workspace", "global_stop"]);
  });

  it("a run that does not end when told to is reported once", async () => {
    const rig = rigOf({ runner: { ignoresStop: true }, config: { watchdog: { cancel_slow: "30s" } } });
    const { permitId, run, result } = await rig.start();
    await rig.runtime.cancel(permitId, { reason: "stop" });
    rig.clock.advance(120_000);
    expect(rig.escalations).toMatchObject([
      { stage: "notify", code: "AC_CANCEL_SLOW", evidence: { permitId } },
    ]);
    run.finish({ outcome: "cancelled", errorClass: "cancelled" });
    await result;
  });

  it("a breaker that opens by itself is reported, and a listener that throws keeps nobody from knowing", async () => {
    const rig = rigOf({ config: { breakers: { consecutive_failures: 2 } } });
    onTestFinished(() => rig.runtime.close());
    rig.runtime.onEscalation(() => {
      throw new RangeError("no");
    });
    const later: string[] = [];
    const unsubscribe = rig.runtime.onEscalation(({ target }) => later.push(target));
    await failTimes(rig, 2, { outcome: "failed", errorClass: "network" });
    expect(later).toEqual(["provider:openai"]);
    unsubscribe();
  });
});

describe("a probe", () => {
  const probe = probeSpecSchema.parse({ command: "./look.sh", intervalMs: 1000 });
  const says = (answer: object) => ({ stdout: JSON.stringify(answer) });

  /** A run whose probe gives these answers in turn; the last one is repeated. */
  async function probed(answers: readonly (Partial<ProbeOutput> | null)[], change: Partial<ProbeSpec> = {}) {
    const asked: [string, number][] = [];
    const look = async (script: string, timeoutMs: number) => {
      asked.push([script, timeoutMs]);
      return answers[Math.min(asked.length, answers.length) - 1] ?? null;
    };
    const rig = rigOf({ runner: { look }, config: { watchdog: { silence: "20s" } } });
    const events: WorkerEvent[] = [];
    const onEvent = (event: WorkerEvent) => void events.push(event);
    const task = { probe: { ...probe, ...change } };
    const started = await rig.start({ timeoutMs: 600_000 }, { onEvent }, task);
    /** Lets this many seconds pass, and processes the answer of each look. */
    const pass = async (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        rig.clock.advance(1000);
        await new Promise((settled) => setImmediate(settled));
      }
    };
    return { ...rig, ...started, asked, events, pass };
  }

  it("looks once an interval, and every look is an event", async () => {
    const { asked, events, pass, run, result } = await probed([says({ class: "progressing" })]);
    await pass(5);
    expect(asked).toEqual(Array.from({ length: 5 }, () => ["./look.sh", 10_000]));
    expect(events.map((event) => event.type === "probe" && event.found)).toEqual(
      Array(5).fill("progressing"),
    );
    run.finish();
    await result;
    await pass(3);
    expect(asked).toHaveLength(5);
  });

  it("stops the run, and what it found is in the result", async () => {
    const answer = {
      class: "stalled",
      fingerprints: ["db/locked"],
      reasons: ["no row"],
      summary: { rows: 7 },
    };
    const { pass, run, result, escalations } = await probed([says(answer)]);
    await pass(1);
    expect(run.cause).toBeNull();
    await pass(1);
    expect(run.cause).toMatchObject({ kind: "stalled", code: "AC_PROBE_STALLED" });
    expect(await result).toMatchObject({
      outcome: "stalled",
      code: "AC_PROBE_STALLED",
      probe: { class: "stalled", by: "answer", fingerprints: ["db/locked"], summary: { rows: 7 } },
    });
    expect(escalations).toEqual([]);
  });

  it("has no say in a run that was stopped before", async () => {
    const { pass, run, result, runtime, permitId, asked } = await probed([says({ class: "terminal" })]);
    await runtime.cancel(permitId, { reason: "Ctrl-C" });
    await pass(3);
    expect(asked).toEqual([]);
    expect(run.cause?.code).toBe("AC_CANCELLED");
    expect(await result).not.toHaveProperty("probe");
  });

  it("has no say either with a look that was under way when the run was stopped", async () => {
    const answer = Promise.withResolvers<Partial<ProbeOutput>>();
    const rig = rigOf({
      runner: { look: () => answer.promise, ignoresStop: true },
      config: { watchdog: { silence: "20s" } },
    });
    const events: WorkerEvent[] = [];
    const onEvent = (event: WorkerEvent) => void events.push(event);
    const { run, result } = await rig.start({ timeoutMs: 600_000 }, { onEvent }, { probe });
    rig.clock.advance(21_000);
    expect(run.cause?.code).toBe("AC_STALLED");
    answer.resolve(says({ class: "terminal" }));
    await new Promise((settled) => setImmediate(settled));
    run.finish({ outcome: "stalled", errorClass: "stalled", code: "AC_STALLED" });
    expect(await result).not.toHaveProperty("probe");
    expect(events).toEqual([]);
  });

  it.each([
    [false, 20],
    [true, null],
  ])(
    "that finds progress ends a silence where the task says so (%s): stopped after %s s",
    async (counts, at) => {
      const { pass, run, result } = await probed([says({ class: "progressing" })], {
        countsAsActivity: counts,
      });
      await pass(19);
      expect(run.cause).toBeNull();
      await pass(2);
      expect(run.cause?.code ?? null).toBe(at === null ? null : "AC_STALLED");
      if (at === null) run.finish();
      await result;
    },
  );

  it("tells its stderr only where the task asks for it", async () => {
    const loud = { ...says({}), stderr: "secret" };
    const quiet = await probed([loud]);
    await quiet.pass(1);
    expect(quiet.events).toMatchObject([{ type: "probe" }]);
    expect(JSON.stringify(quiet.events)).not.toContain("secret");
    const kept = await probed([loud], { keepStderr: true });
    await kept.pass(1);
    expect(kept.events).toMatchObject([{ type: "probe", stderr: "secret" }]);
    for (const { run } of [quiet, kept]) run.finish();
  });

  it("that ends with the run has found nothing, and does not look again", async () => {
    const spec = { onError: "terminal", errorThreshold: 1 } as const;
    const { pass, run, events, asked } = await probed([null], spec);
    await pass(3);
    expect({ asked: asked.length, events, cause: run.cause }).toEqual({ asked: 1, events: [], cause: null });
    run.finish();
  });

  it("that makes the runner throw is an error of the probe, too", async () => {
    const look = () => Promise.reject(new Error("no containers left"));
    const rig = rigOf({ runner: { look } });
    const events: WorkerEvent[] = [];
    const onEvent = (event: WorkerEvent) => void events.push(event);
    const { run, result } = await rig.start({}, { onEvent }, { probe });
    rig.clock.advance(1000);
    await new Promise((settled) => setImmediate(settled));
    expect(events).toMatchObject([
      { found: "error", reasons: ["the probe could not be run: no containers left"] },
    ]);
    run.finish();
    await result;
  });

  it("that a runner cannot run is an error of the probe, not of the run", async () => {
    const { pass, run, events } = await probed([{ failure: "the probe could not be started" }]);
    await pass(3);
    const error = { found: "error", reasons: ["the probe could not be started"] };
    expect(events).toMatchObject([error, error, error]);
    expect(run.cause).toBeNull();
    run.finish();
  });
});
