/**
 * 100,000 random operations on the gate (requests, ends of every kind, expiry, time, crashes) against a model that only
 * adds up what is live. After every operation gate and model agree on every level; nothing is ever over its limit or below
 * zero; a denial is never given where the model sees room. fast-check shrinks a failure to the few operations that matter.
 */
import assert from "node:assert/strict";
import { type BudgetLevel, createIds } from "@agentcore/contract";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { fakeAdapter } from "../testing/fake-worker.ts";
import { createManualClock } from "../testing/manual-clock.ts";
import { permitRequest, runtimeConfig } from "../testing/requests.ts";
import { testSeed, patienceMs } from "@agentcore/contract/testing";
import { Gate, type PermitEnd, unusedEnd } from "./gate.ts";
import type { LivePermit } from "./permit.ts";

const operationsPerRun = 200;
const runs = 500;
const ttlMs = 30_000;

const config = runtimeConfig({
  limits: {
    global: { concurrency: 6, cost_usd: { day: 40 }, tokens: { hour: 4000 } },
    tenants: { default: { concurrency: 4, cost_usd: { hour: 15 } } },
    workers: { codex: { concurrency: 3, start_rate: { count: 4, per: "1m" } } },
    providers: { openai: { concurrency: 5, cost_usd: { total: 400 } } },
    attempt: { cost_usd: 3, tokens: 500 },
  },
  breakers: { consecutive_failures: 2, cool_down: "20s", cool_down_max: "1m", valve_min_open: 2 },
  degrade: { when_budget_is_short: true },
});

const operation = fc.record({
  kind: fc.constantFrom(
    ...([
      "request",
      "request",
      "request",
      "request",
      "unused",
      "success",
      "failure",
      "refused",
      "abort",
    ] as const),
    ...(["wait", "wait", "expire", "crash"] as const),
  ),
  pick: fc.nat(100),
  worker: fc.constantFrom("codex", "claude"),
  tenant: fc.constantFrom("acme", "beta"),
  costUsd: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  spentShare: fc.constantFrom(0, 0.3, 1),
  workspace: fc.constantFrom("/w/a", "/w/b", "/w/a/sub", "/w/c", "/w/d", "/w/e", "/w/f"),
});
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** What is live and what was spent, as sums over plain lists. */
class Model {
  live: LivePermit[] = [];
  /** Spent amounts by scope, kind and start of the window in which they were held. */
  readonly spent = new Map<string, number>();
  running = (scope: string): number => this.live.filter((permit) => scopesOf(permit).includes(scope)).length;
  held = (scope: string, kind: string, startsAt: number, endsAt: number): number =>
    this.live
      .filter(
        (permit) =>
          scopesOf(permit).includes(scope) && permit.issuedAt >= startsAt && permit.issuedAt < endsAt,
      )
      .reduce((sum, permit) => sum + amountOf(permit, kind), 0);
  spend(permit: LivePermit, share: number): void {
    this.live = this.live.filter((one) => one !== permit);
    for (const { counters } of [permit.holds.chain.cost, permit.holds.chain.tokens]) {
      for (const { scope, kind, window } of counters) {
        const key = `${scope} ${kind} ${startOf(window, permit.issuedAt)}`;
        this.spent.set(key, (this.spent.get(key) ?? 0) + Math.floor(amountOf(permit, kind) * share));
      }
    }
  }
}

const hourMs = 3_600_000;
const lengthOf = { hour: hourMs, day: 24 * hourMs, month: Infinity, total: Infinity } as const;
const startOf = (window: keyof typeof lengthOf, at: number): number =>
  lengthOf[window] === Infinity ? 0 : at - (at % lengthOf[window]);
const scopesOf = (permit: LivePermit): string[] => permit.holds.chain.scopes.map((scope) => scope.name);
const amountOf = (permit: LivePermit, kind: string): number =>
  (kind === "cost_usd" ? permit.holds.cost?.amount : permit.holds.tokens?.amount) ?? 0;

class Rig {
  readonly clock = createManualClock();
  readonly model = new Model();
  gate = this.#boot();

  #boot(): Gate {
    const adapters = [fakeAdapter(), fakeAdapter({ name: "claude", provider: "anthropic" })];
    return new Gate({
      config,
      adapters,
      clock: this.clock,
      ids: createIds(this.clock),
      containmentLevel: "sealed",
    });
  }

  apply(op: Operation): void {
    const { model, clock } = this;
    const permit = model.live[op.pick % Math.max(1, model.live.length)];
    switch (op.kind) {
      case "request":
        return this.#request(op);
      case "wait":
        return clock.advance(op.pick * op.pick * 40);
      case "crash":
        return this.#crash();
      case "expire":
        clock.advance(ttlMs);
        for (const unused of this.gate.unusedFor(ttlMs)) this.#end(unused, unusedEnd, 0);
        return;
      default:
        if (permit !== undefined)
          this.#end(permit, endsOf[op.kind], op.kind === "unused" ? 0 : op.spentShare);
    }
  }

  #request({ worker, tenant, costUsd: maxCostUsd, workspace }: Operation): void {
    const decision = this.gate.request(
      permitRequest({ worker, tenant, workspace, ...(maxCostUsd && { maxCostUsd }) }),
    );
    if (decision.kind === "granted") this.model.live.push(decision.permit);
    else if (decision.code === "AC_CONCURRENCY") {
      const { scope, limit } = decision.evidence as { scope: string; limit: number };
      assert.equal(this.model.running(scope), limit);
    }
  }

  #end(permit: LivePermit, end: PermitEnd, share: number): void {
    const spent = (kind: string) => Math.floor(amountOf(permit, kind) * share);
    assert.equal(
      this.gate.end(permit, { ...end, costMicroUsd: spent("cost_usd"), tokens: spent("tokens") }),
      true,
    );
    // A second end must change nothing, whatever it claims.
    assert.equal(this.gate.end(permit, { ...end, costMicroUsd: 1e12, tokens: 1e12 }), false);
    this.model.spend(permit, share);
  }

  /** All live permits are charged their bound, and a new gate learns the sums. */
  #crash(): void {
    for (const permit of this.model.live) this.model.spend(permit, 1);
    this.gate = this.#boot();
    const now = this.clock.now();
    for (const tenant of ["acme", "beta"]) {
      for (const worker of ["codex", "claude"]) {
        const path = this.gate.targets.resolve(permitRequest({ worker, tenant }), 0);
        for (const counter of [...(path?.cost.counters ?? []), ...(path?.tokens.counters ?? [])]) {
          counter.levelAt(now).spent = this.#spentIn(counter.scope, counter.kind, counter.window);
        }
      }
    }
  }

  #spentIn(scope: string, kind: string, window: keyof typeof lengthOf): number {
    return this.model.spent.get(`${scope} ${kind} ${startOf(window, this.clock.now())}`) ?? 0;
  }

  check(): void {
    for (const level of this.gate.budgetLevels()) this.#checkLevel(level);
    for (const { name, pause } of this.gate.targets.providerTargets()) {
      assert.equal(
        pause.inFlight,
        this.model.live.filter((permit) => permit.holds.chain.provider?.name === name).length,
      );
    }
    assert.equal(this.gate.live.size, this.model.live.length);
  }

  #checkLevel(level: BudgetLevel): void {
    const { scope, kind, limit, held, spent } = level;
    const window = level.window ?? "total";
    assert.ok(held >= 0);
    if (kind === "concurrency") {
      assert.equal(held, this.model.running(scope));
      assert.ok(held <= limit);
    } else if (kind === "cost_usd" || kind === "tokens") {
      const startsAt = startOf(window, this.clock.now());
      const unit = kind === "cost_usd" ? 1e6 : 1;
      assert.equal(
        Math.round(held * unit),
        this.model.held(scope, kind, startsAt, startsAt + lengthOf[window]),
      );
      assert.equal(Math.round(spent * unit), this.#spentIn(scope, kind, window));
      assert.ok(Math.round((held + spent) * unit) <= limit * unit);
    }
  }

  /** Ends everything. After that nothing may be left, and every state must have an exit. */
  drain(): void {
    for (const permit of this.model.live) this.#end(permit, unusedEnd, 0);
    this.check();
    for (const { name, breaker, pause } of this.gate.targets.providerTargets()) {
      this.clock.advance(breaker.waitMs(this.clock.monotonicMs()) + pause.waitMs(this.clock.monotonicMs()));
      assert.match(
        `${name} ${breaker.admission(this.clock.monotonicMs())} ${pause.isFull}`,
        / (pass|probe) false$/,
      );
    }
    for (const path of config.workspace_lock ? ["/w/a", "/w/b", "/w/c", "/w"] : []) {
      assert.equal(this.gate.locks.conflict(this.gate.locks.node(path)), null);
    }
  }
}

const endsOf: Readonly<Record<"unused" | "success" | "failure" | "refused" | "abort", PermitEnd>> = {
  unused: unusedEnd,
  success: { ...unusedEnd, started: true, workerHealth: "success", providerHealth: "success" },
  failure: { ...unusedEnd, started: true, providerHealth: "failure" },
  refused: { ...unusedEnd, started: true, refusal: { retryAfterMs: null } },
  abort: { ...unusedEnd, started: true },
};

it(
  "gate and model agree after each of 100,000 random operations",
  () => {
    const granted = { count: 0 };
    fc.assert(
      fc.property(
        fc.array(operation, { minLength: operationsPerRun, maxLength: operationsPerRun, size: "max" }),
        (operations) => {
          const rig = new Rig();
          for (const op of operations) {
            const before = rig.model.live.length;
            rig.apply(op);
            if (op.kind === "request" && rig.model.live.length > before) granted.count += 1;
            rig.check();
          }
          rig.drain();
        },
      ),
      { seed: testSeed("gate against model"), numRuns: runs },
    );
    // If hardly anything were granted, the test would prove nothing.
    expect(granted.count).toBeGreaterThan(runs * 5);
  },
  patienceMs(60_000),
);
