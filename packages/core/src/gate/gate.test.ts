import { type Capability, createIds, type PermitDecision, type PermitRequest } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import type { RuntimeConfigInput } from "../config/runtime-config.ts";
import { fakeAdapter } from "../testing/fake-worker.ts";
import { createManualClock, type ManualClock } from "../testing/manual-clock.ts";
import { permitRequest, runtimeConfig } from "../testing/requests.ts";
import { Gate, type PermitEnd, unusedEnd } from "./gate.ts";
import type { LivePermit } from "./permit.ts";

interface Rig {
  readonly gate: Gate;
  readonly clock: ManualClock;
  /** Requests and expects a grant. */
  readonly grant: (change?: Partial<PermitRequest>) => LivePermit;
  /** The code of a denial, or "granted" after giving the permit back. */
  readonly probe: (change?: Partial<PermitRequest>) => string;
}

function rigOf(input: RuntimeConfigInput = {}, containmentLevel: "sealed" | "best-effort" = "sealed"): Rig {
  const clock = createManualClock();
  const adapters = [
    fakeAdapter({ name: "codex", provider: "openai" }),
    fakeAdapter({ name: "claude", provider: "anthropic" }),
    fakeAdapter({ name: "shell", provider: null, capabilities: ["read", "edit"] }),
  ];
  const gate = new Gate({
    config: runtimeConfig(input),
    adapters,
    clock,
    ids: createIds(clock),
    containmentLevel,
  });
  const grant = (change: Partial<PermitRequest> = {}): LivePermit => {
    const decision = gate.request(permitRequest(change));
    if (decision.kind !== "granted") throw new Error(`${decision.code}: ${decision.message}`);
    return decision.permit;
  };
  const probe = (change: Partial<PermitRequest> = {}): string => {
    const decision = gate.request(permitRequest(change));
    if (decision.kind !== "granted") return decision.code;
    gate.end(decision.permit, unusedEnd);
    return "granted";
  };
  return { gate, clock, grant, probe };
}

const worked: PermitEnd = { ...unusedEnd, started: true, workerHealth: "success", providerHealth: "success" };
const providerFailed: PermitEnd = { ...worked, workerHealth: "neutral", providerHealth: "failure" };
const workerFailed: PermitEnd = { ...worked, workerHealth: "failure", providerHealth: "neutral" };

describe("what a permit says", () => {
  it("carries what was asked for, within the limits", () => {
    const { grant, clock } = rigOf();
    const permit = grant({ model: "gpt-5.6", maxCostUsd: 2.5, maxTokens: 1000, tenant: "acme" });
    expect(permit).toMatchObject({
      attempt: 1,
      worker: "codex",
      provider: "openai",
      issuedAt: clock.now(),
      deadline: clock.now() + 60_000,
      grants: {
        capabilities: ["read", "edit"],
        maxCostUsd: 2.5,
        maxTokens: 1000,
        model: "gpt-5.6",
        timeoutMs: 60_000,
      },
      degraded: [],
    });
    expect(permit.breakers).toEqual([
      { target: "worker:codex", state: "closed", probeAt: null },
      { target: "provider:openai/gpt-5.6", state: "closed", probeAt: null },
    ]);
    expect(permit.budgets).toEqual([{ scope: "global", kind: "concurrency", limit: 4, held: 1, spent: 0 }]);
  });

  it("its wall clock ends with the job's deadline, and a limit that is shorter is said aloud", () => {
    const { grant, clock } = rigOf({ limits: { job: { timeout: "30s" } } });
    expect(grant({ deadline: clock.now() + 5000 }).grants.timeoutMs).toBe(5000);
    const cut = grant();
    expect(cut.grants.timeoutMs).toBe(30_000);
    expect(cut.degraded).toEqual([
      {
        field: "timeoutMs",
        from: 60_000,
        to: 30_000,
        code: "AC_DEGRADED",
        reason: "limits.job.timeout is shorter",
      },
    ]);
  });
});

describe("every kind of no", () => {
  const perMinute = { count: 2, per: "1m" };
  const cases: [string, RuntimeConfigInput, (rig: Rig) => Partial<PermitRequest>, Partial<PermitDecision>][] =
    [
      [
        "a worker nobody registered",
        {},
        () => ({ worker: "nobody" }),
        { kind: "rejected", code: "AC_WORKER_UNKNOWN" },
      ],
      [
        "a capability the worker cannot enforce",
        {},
        () => ({ worker: "shell", capabilities: ["run_tests"] as Capability[] }),
        { kind: "rejected", code: "AC_CAPABILITY_UNSUPPORTED" },
      ],
      [
        "an attempt beyond the job's own limit",
        {},
        () => ({ attempt: 4 }),
        { kind: "rejected", code: "AC_ATTEMPTS_EXHAUSTED" },
      ],
      [
        "an attempt beyond the configured limit",
        { limits: { job: { attempts: 2 } } },
        () => ({ attempt: 3 }),
        { kind: "rejected", code: "AC_ATTEMPTS_EXHAUSTED" },
      ],
      [
        "a deadline that has passed",
        {},
        ({ clock }) => ({ deadline: clock.now() }),
        { kind: "rejected", code: "AC_DEADLINE_PASSED" },
      ],
      [
        "draining",
        {},
        ({ gate }) => ((gate.restrictions.draining = true), {}),
        { kind: "rejected", code: "AC_DRAINING" },
      ],
      [
        "a global stop",
        {},
        ({ gate }) => ((gate.restrictions.stoppedBecause = "on fire"), {}),
        { kind: "rejected", code: "AC_GLOBAL_STOP", message: "on fire" },
      ],
      [
        "an isolated worker",
        {},
        ({ gate, clock }) => {
          const worker = gate.targets.workers.get("codex");
          if (worker !== undefined) worker.isolatedUntilMs = clock.monotonicMs() + 700;
          return {};
        },
        {
          kind: "deferred",
          code: "AC_WORKER_ISOLATED",
          retryAfterMs: 700,
          evidence: { appliesTo: "worker:codex" },
        },
      ],
      [
        "a quarantined workspace",
        {},
        ({ gate }) => {
          gate.locks.quarantine("/q", {
            code: "AC_UNCONTAINED",
            message: "survivors",
            evidence: { survivors: 2 },
            untilMs: Infinity,
          });
          return { workspace: "/q/sub" };
        },
        { kind: "rejected", code: "AC_UNCONTAINED", evidence: { survivors: 2, workspace: "/q" } },
      ],
      [
        "backpressure",
        {},
        ({ gate }) => (
          Object.assign(gate.restrictions, {
            pressure: "defer",
            pressureSignal: "memory_available",
            pressureRetryMs: 900,
          }),
          {}
        ),
        {
          kind: "deferred",
          code: "AC_BACKPRESSURE",
          retryAfterMs: 900,
          evidence: { appliesTo: "global" },
        },
      ],
      [
        "severe backpressure",
        {},
        ({ gate }) => (
          Object.assign(gate.restrictions, { pressure: "reject", pressureSignal: "disk_free" }),
          {}
        ),
        { kind: "rejected", code: "AC_BACKPRESSURE" },
      ],
      [
        "shedding of batch work",
        {},
        ({ gate }) => ((gate.restrictions.shedsBatch = true), {}),
        { kind: "deferred", code: "AC_FAILURE_CONCENTRATION", evidence: { appliesTo: "class:batch" } },
      ],
      [
        "all slots taken",
        { limits: { global: { concurrency: 1 } } },
        ({ grant }) => (grant(), {}),
        {
          kind: "deferred",
          code: "AC_CONCURRENCY",
          evidence: {
            scope: "global",
            appliesTo: "global",
            setting: "limits.global.concurrency",
            limit: 1,
            running: 1,
          },
        },
      ],
      [
        "all slots of a tenant taken",
        { limits: { tenants: { default: { concurrency: 1 } } } },
        ({ grant }) => (grant({ tenant: "acme" }), { tenant: "acme" }),
        {
          kind: "deferred",
          code: "AC_CONCURRENCY",
          evidence: {
            scope: "tenant:acme",
            appliesTo: "tenant:acme",
            setting: "limits.tenants.default.concurrency",
            limit: 1,
            running: 1,
          },
        },
      ],
      [
        "an attempt of the same job in progress",
        {},
        ({ grant }) => (grant({ jobId: "j" }), { jobId: "j", attempt: 2 }),
        { kind: "deferred", code: "AC_CONCURRENCY", evidence: { appliesTo: "job" } },
      ],
      [
        "a locked workspace",
        {},
        ({ grant }) => (grant({ workspace: "/w/a" }), { workspace: "/w/a/b" }),
        { kind: "deferred", code: "AC_WORKSPACE_LOCKED", evidence: { appliesTo: "workspace" } },
      ],
      [
        "starts too fast",
        { limits: { workers: { codex: { start_rate: perMinute } } } },
        ({ grant }) => (grant(), grant(), {}),
        {
          kind: "deferred",
          code: "AC_START_RATE",
          retryAfterMs: 30_000,
          evidence: { appliesTo: "worker:codex" },
        },
      ],
      [
        "a ceiling above the cap",
        { limits: { global: { cost_usd: { day: 10 } } } },
        () => ({ maxCostUsd: 10.01 }),
        {
          kind: "rejected",
          code: "AC_BUDGET_COST",
          message: "$10.01 asked for, and global never has more than $10 (day)",
        },
      ],
      [
        "a cost budget held by others",
        { limits: { global: { cost_usd: { day: 10 } } } },
        ({ grant }) => (grant({ maxCostUsd: 6 }), { maxCostUsd: 6 }),
        {
          kind: "deferred",
          code: "AC_BUDGET_COST",
          retryAfterMs: 500,
          evidence: { appliesTo: "global" },
        },
      ],
      [
        "a token budget held by others",
        { limits: { providers: { openai: { tokens: { total: 100 } } } } },
        ({ grant }) => (grant({ maxTokens: 60 }), { maxTokens: 60 }),
        { kind: "deferred", code: "AC_BUDGET_TOKENS", evidence: { appliesTo: "provider:openai" } },
      ],
      [
        "a job with nothing left",
        {},
        () => ({ maxCostUsd: 0 }),
        { kind: "rejected", code: "AC_BUDGET_COST" },
      ],
    ];
  it.each(cases)("%s", (_name, config, prepare, expected) => {
    const rig = rigOf(config);
    const request = permitRequest(prepare(rig));
    const before = rig.gate.budgetLevels();
    expect(rig.gate.request(request)).toMatchObject(expected);
    expect(rig.gate.budgetLevels()).toEqual(before);
  });

  it("attempts that share their workspace neither take its lock nor wait for it", () => {
    const { gate, grant } = rigOf({});
    const ask = (change: object) => gate.request(permitRequest({ workspace: "/w/a", ...change })).kind;
    grant({ workspace: "/w/a", sharesWorkspace: true });
    grant({ workspace: "/w/a" });
    expect(ask({ sharesWorkspace: true })).toBe("granted");
    expect(ask({})).toBe("deferred");
  });

  it("sealed containment is demanded where only best effort is there", () => {
    const { probe } = rigOf({}, "best-effort");
    expect(probe({ requireContainment: "sealed" })).toBe("AC_CONTAINMENT_UNAVAILABLE");
    expect(probe()).toBe("granted");
  });

  it("interactive work passes where batch work is shed", () => {
    const { gate, probe } = rigOf();
    gate.restrictions.shedsBatch = true;
    expect(probe({ priorityClass: "interactive" })).toBe("granted");
  });

  it("a budget that is spent is there again when its window ends, and a total never", () => {
    const { gate, clock, grant } = rigOf({ limits: { global: { cost_usd: { hour: 10, total: 15 } } } });
    const spend = (costUsd: number) => {
      gate.end(grant({ maxCostUsd: costUsd }), { ...worked, costMicroUsd: costUsd * 1e6 });
    };
    spend(8);
    const denied = gate.request(permitRequest({ maxCostUsd: 3 }));
    const hourEnds = Date.UTC(2026, 10, 24, 13);
    expect(denied).toMatchObject({
      kind: "deferred",
      retryAfterMs: hourEnds - clock.now(),
      evidence: { scope: "global", appliesTo: "job" },
    });
    clock.advance(hourEnds - clock.now());
    spend(7);
    clock.advance(3_600_000);
    expect(gate.request(permitRequest({ maxCostUsd: 1 }))).toMatchObject({
      kind: "rejected",
      code: "AC_BUDGET_COST",
    });
  });

  it("a number that is not one is refused before it can poison a sum", () => {
    const { gate } = rigOf();
    expect(() => gate.request(permitRequest({ maxCostUsd: Number.NaN }))).toThrow("maxCostUsd");
    expect(() => gate.request(permitRequest({ timeoutMs: Number.NaN }))).toThrow("timeout");
  });
});

it("the questions are asked in their order: the first no is the answer", () => {
  const { gate, clock, grant } = rigOf({
    limits: {
      global: { concurrency: 1, cost_usd: { day: 5 } },
      workers: { codex: { start_rate: { count: 1, per: "1h" } } },
    },
    breakers: { consecutive_failures: 1 },
  });
  // Everything is wrong at once; the fixes follow the order of the checks.
  gate.end(grant({ model: "m", maxCostUsd: 1 }), workerFailed);
  const occupant = grant({ worker: "claude", jobId: "occupant" });
  const codex = gate.targets.workers.get("codex");
  if (codex !== undefined) codex.isolatedUntilMs = Infinity;
  Object.assign(gate.restrictions, { pressure: "defer", draining: true });
  const seen: string[] = [];
  const ask = () => {
    const decision = gate.request(permitRequest({ attempt: 2, maxAttempts: 2, model: "m", maxCostUsd: 9 }));
    seen.push(decision.kind === "granted" ? decision.kind : decision.code);
  };
  ask();
  gate.restrictions.draining = false;
  ask();
  if (codex !== undefined) codex.isolatedUntilMs = -Infinity;
  ask();
  gate.restrictions.pressure = "accept";
  ask();
  clock.advance(30_000);
  ask();
  gate.end(occupant, unusedEnd);
  ask();
  clock.advance(3_600_000);
  ask();
  expect(seen).toEqual([
    "AC_DRAINING",
    "AC_WORKER_ISOLATED",
    "AC_BACKPRESSURE",
    "AC_BREAKER_OPEN",
    "AC_CONCURRENCY",
    "AC_START_RATE",
    "AC_BUDGET_COST",
  ]);
});

describe("ceilings", () => {
  it("an attempt that names none holds the standard ceiling where a budget applies, and none elsewhere", () => {
    const capped = rigOf({ limits: { global: { cost_usd: { day: 100 } }, attempt: { cost_usd: 4 } } });
    expect(capped.grant().grants).toMatchObject({ maxCostUsd: 4, maxTokens: null });
    expect(rigOf().grant().grants).toMatchObject({ maxCostUsd: null, maxTokens: null });
  });

  it("a worker without a provider holds only what its job names", () => {
    const { grant, gate } = rigOf({
      limits: { global: { concurrency: 9, cost_usd: { day: 100 } }, job: { cost_usd: 3 } },
    });
    expect(grant({ worker: "shell" }).grants.maxCostUsd).toBeNull();
    expect(grant({ worker: "shell", maxCostUsd: 1 }).grants.maxCostUsd).toBe(1);
    expect(gate.budgetLevels().find((level) => level.kind === "cost_usd")).toMatchObject({ held: 1 });
  });

  it("a ceiling that nobody named shrinks to what is left, if that is worth a start", () => {
    const { grant, probe } = rigOf({
      limits: { global: { concurrency: 9, cost_usd: { day: 10 } }, attempt: { cost_usd: 8 } },
      degrade: { min_share: 0.25 },
    });
    grant();
    const second = grant();
    expect(second.grants.maxCostUsd).toBe(2);
    expect(second.degraded).toEqual([
      {
        field: "maxCostUsd",
        from: 8,
        to: 2,
        code: "AC_BUDGET_COST",
        reason: "all that is left of limits.global.cost_usd.day",
      },
    ]);
    expect(probe()).toBe("AC_BUDGET_COST");
  });

  it("a ceiling that a job named shrinks only where the configuration allows", () => {
    const limits = { global: { cost_usd: { day: 10 } } };
    const strict = rigOf({ limits });
    strict.grant({ maxCostUsd: 7 });
    expect(strict.probe({ maxCostUsd: 5 })).toBe("AC_BUDGET_COST");
    const lenient = rigOf({ limits, degrade: { when_budget_is_short: true } });
    lenient.grant({ maxCostUsd: 7 });
    expect(lenient.grant({ maxCostUsd: 5 }).grants.maxCostUsd).toBe(3);
  });

  it("what a job's attempts spent counts against the configured ceiling of a job", () => {
    const { gate, grant, probe } = rigOf({ limits: { job: { cost_usd: 5 } } });
    gate.end(grant({ jobId: "j" }), { ...worked, costMicroUsd: 3_500_000 });
    const second = grant({ jobId: "j", attempt: 2, maxCostUsd: 4 });
    expect(second.grants.maxCostUsd).toBe(1.5);
    gate.end(second, { ...worked, costMicroUsd: 1_500_000 });
    expect(probe({ jobId: "j", attempt: 3 })).toBe("AC_BUDGET_COST");
    expect(probe({ jobId: "another" })).toBe("granted");
  });

  it("an attempt's own ceiling holds under a job's, and a cut to what is left of the job is said", () => {
    const limits = { global: { cost_usd: { day: 50 } }, attempt: { cost_usd: 1 }, job: { cost_usd: 10 } };
    const { gate, grant } = rigOf({ limits: { ...limits, global: { ...limits.global, concurrency: 9 } } });
    expect(grant()).toMatchObject({ grants: { maxCostUsd: 1 }, degraded: [] });
    const reason = "all that is left of limits.job.cost_usd";
    const cut = { field: "maxCostUsd", to: 10, code: "AC_BUDGET_COST", reason };
    expect(grant({ maxCostUsd: 20 })).toMatchObject({
      grants: { maxCostUsd: 10 },
      degraded: [{ ...cut, from: 20 }],
    });
    gate.end(grant({ jobId: "j", maxCostUsd: 10 }), { ...worked, costMicroUsd: 9_500_000 });
    const last = grant({ jobId: "j", attempt: 2 });
    expect(last).toMatchObject({ grants: { maxCostUsd: 0.5 }, degraded: [{ ...cut, from: 1, to: 0.5 }] });
  });

  it("every step of a reduction is said: the job's ceiling, the machine, the budget", () => {
    const { gate, grant } = rigOf({
      limits: { global: { tokens: { day: 300 } }, job: { tokens: 1000 } },
      degrade: { tokens_factor: 0.5, when_budget_is_short: true },
    });
    Object.assign(gate.restrictions, { pressure: "degrade", pressureSignal: "memory_pressure" });
    const { grants, degraded } = grant({ maxTokens: 2000 });
    expect(grants.maxTokens).toBe(300);
    expect(degraded.map(({ from, to, reason }) => [from, to, reason])).toEqual([
      [2000, 1000, "all that is left of limits.job.tokens"],
      [1000, 500, "the machine is under pressure"],
      [500, 300, "all that is left of limits.global.tokens.day"],
    ]);
  });

  it("backpressure degrades what is granted, as configured, and says so", () => {
    const { gate, grant } = rigOf({
      degrade: {
        cost_factor: 0.5,
        tokens_factor: 0.1,
        timeout_factor: 0.5,
        models: { big: "small" },
        drop_capabilities: ["edit"],
      },
    });
    Object.assign(gate.restrictions, { pressure: "degrade", pressureSignal: "memory_pressure" });
    const permit = grant({ model: "big", maxCostUsd: 3, maxTokens: 1000 });
    expect(permit.grants).toEqual({
      capabilities: ["read"],
      maxCostUsd: 1.5,
      maxTokens: 100,
      model: "small",
      timeoutMs: 30_000,
    });
    expect(permit.degraded.map(({ field, code }) => `${field} ${code}`)).toEqual([
      "maxCostUsd AC_BACKPRESSURE",
      "maxTokens AC_BACKPRESSURE",
      "timeoutMs AC_BACKPRESSURE",
      "capabilities AC_BACKPRESSURE",
      "model AC_BACKPRESSURE",
    ]);
  });
});

describe("breakers and pauses in the gate", () => {
  it("a provider's failures close its model to every worker, and to nobody else", () => {
    const { gate, grant, probe } = rigOf({ breakers: { consecutive_failures: 2 } });
    for (let i = 0; i < 2; i += 1) gate.end(grant({ model: "m" }), providerFailed);
    expect(probe({ model: "m" })).toBe("AC_BREAKER_OPEN");
    expect(probe({ worker: "claude", provider: "openai", model: "m" })).toBe("AC_BREAKER_OPEN");
    expect(probe({ model: "other" })).toBe("granted");
    expect(probe({ worker: "claude", model: "m" })).toBe("granted");
  });

  it("a probe that the budget refuses is not taken, and the next request may probe", () => {
    const { gate, clock, grant, probe } = rigOf({
      limits: { global: { cost_usd: { day: 10 } } },
      breakers: { consecutive_failures: 1, cool_down: "10s" },
    });
    gate.end(grant({ maxCostUsd: 1 }), providerFailed);
    clock.advance(10_000);
    expect(probe({ maxCostUsd: 11 })).toBe("AC_BUDGET_COST");
    expect(probe({ maxCostUsd: 1 })).toBe("granted");
    const prober = grant({ maxCostUsd: 1 });
    expect(probe({ maxCostUsd: 1 })).toBe("AC_BREAKER_PROBING");
    gate.end(prober, worked);
    expect(probe({ maxCostUsd: 1 })).toBe("granted");
  });

  it("the global valve lets probes through and nothing else, and ends with the cool-downs", () => {
    const { gate, clock, grant, probe } = rigOf({
      breakers: {
        consecutive_failures: 1,
        cool_down: "10s",
        cool_down_max: "10s",
        valve_min_open: 2,
        valve_share: 0.3,
      },
    });
    gate.end(grant({ model: "a" }), providerFailed);
    clock.advance(5000);
    for (const permit of [grant({ model: "b" }), grant({ model: "c" })]) gate.end(permit, providerFailed);
    expect(probe({ worker: "claude" })).toBe("AC_GLOBAL_VALVE");
    clock.advance(5000);
    // "a" is due for a probe; "b" and "c" are still cooling down.
    expect(probe({ worker: "claude" })).toBe("granted");
    gate.end(grant({ model: "d" }), providerFailed);
    expect(probe({ worker: "claude" })).toBe("AC_GLOBAL_VALVE");
    expect(probe({ model: "a" })).toBe("granted");
    clock.advance(10_000);
    expect(probe({ worker: "claude" })).toBe("granted");
  });

  it("a rate limit pauses its target for all, then lets runs in one by one", () => {
    const { gate, clock, grant, probe } = rigOf({ limits: { global: { concurrency: 20 } } });
    const running = Array.from({ length: 4 }, () => grant());
    const [first, ...rest] = running;
    if (first !== undefined)
      gate.end(first, { ...unusedEnd, started: true, refusal: { retryAfterMs: 20_000 } });
    expect(gate.request(permitRequest())).toMatchObject({
      kind: "deferred",
      code: "AC_PROVIDER_PAUSED",
      retryAfterMs: 20_000,
    });
    expect(probe({ worker: "claude" })).toBe("granted");
    for (const permit of rest) gate.end(permit, { ...unusedEnd, started: true });
    clock.advance(20_000);
    const released = [grant(), grant()];
    expect(probe()).toBe("AC_PROVIDER_PAUSED");
    for (const permit of released) gate.end(permit, worked);
    grant();
    grant();
    expect(probe()).toBe("granted");
  });
});

describe("the end of a permit", () => {
  it("gives back everything, once", () => {
    const { gate, grant } = rigOf({
      limits: { global: { concurrency: 1, cost_usd: { day: 10 }, start_rate: { count: 1, per: "1h" } } },
    });
    const empty = gate.budgetLevels();
    const permit = grant({ maxCostUsd: 10 });
    expect(gate.end(permit, unusedEnd)).toBe(true);
    expect(gate.end(permit, unusedEnd)).toBe(false);
    expect(gate.budgetLevels()).toEqual(empty);
    expect(grant({ workspace: permit.workspace, maxCostUsd: 10 }).state).toBe("granted");
  });

  it("a run that straddles midnight is booked to the day that reserved for it", () => {
    const { gate, clock, grant } = rigOf({ limits: { global: { cost_usd: { day: 10 } } } });
    const permit = grant({ maxCostUsd: 10 });
    clock.advance(13 * 3_600_000);
    const nextDay = grant({ maxCostUsd: 10 });
    gate.end(permit, { ...worked, costMicroUsd: 10_000_000 });
    expect(gate.budgetLevels().find((level) => level.kind === "cost_usd")).toMatchObject({
      held: 10,
      spent: 0,
    });
    gate.end(nextDay, unusedEnd);
  });

  it("permits that nobody used are found when their time is over", () => {
    const { gate, clock, grant } = rigOf();
    const unused = grant();
    const used = grant();
    used.state = "executing";
    clock.advance(999);
    expect(gate.unusedFor(1000)).toEqual([]);
    clock.advance(1);
    expect(gate.unusedFor(1000)).toEqual([unused]);
  });
});
