/**
 * The permit gate: one synchronous decision. `request` first makes every check without changing anything, and takes every
 * hold only if all pass. There is no `await` in between, so two requests cannot both get the last slot, and a denial has
 * nothing to release. The order of the checks is part of the interface, and is that of the calls in `request`: a denial names the
 * first that fails.
 *
 * A permit ends exactly once, by `end`, which alone releases its holds. The gate has no timers and does no I/O: the runtime
 * passes in time, pressure and results.
 */
import {
  assert,
  type BreakerLevel,
  type BudgetLevel,
  type Clock,
  type Degradation,
  type ErrorCode,
  type Ids,
  type PermitDecision,
  type PermitRequest,
  type PressureLevel,
  type WorkerAdapter,
} from "@agentcore/contract";
import type { ProviderRefusal } from "../spend/spend-gate.ts";
import { BreakerSet } from "../breaker/breaker-set.ts";
import type { Breaker, Health } from "../breaker/breaker.ts";
import type { RuntimeConfig } from "../config/runtime-config.ts";
import { microUsdOf, usdOf } from "../ledger/ledger.ts";
import { WorkspaceLocks, type WorkspaceNode } from "../workspace/workspace-locks.ts";
import { endAtProvider, refusedDuringRun } from "./at-provider.ts";
import { CeilingPlanner, holdAmount, settleAmount } from "./ceiling.ts";
import { degradeTask } from "./degradation.ts";
import * as denials from "./denials.ts";
import type { Denied } from "./denials.ts";
import { LivePermit } from "./permit.ts";
import { type BudgetChain, type ProviderTarget, Targets } from "./targets.ts";

export interface GateOptions {
  readonly config: RuntimeConfig;
  readonly adapters: readonly WorkerAdapter[];
  readonly clock: Clock;
  readonly ids: Ids;
  readonly containmentLevel: "sealed" | "best-effort";
  readonly onBreakerOpen?: (breaker: Breaker) => void;
}

/** What the end of an attempt says about its targets, and what the attempt used. */
export interface PermitEnd {
  /** Whether a worker was started. A permit that is given back unused returns its start-rate token. */
  readonly started: boolean;
  readonly workerHealth: Health;
  readonly providerHealth: Health;
  /** Set if the provider asked for fewer requests. The wait is null if the provider named none. */
  readonly refusal: { readonly retryAfterMs: number | null } | null;
  readonly costMicroUsd: number;
  readonly tokens: number;
}

/** The end of a permit that was never used. */
export const unusedEnd: PermitEnd = {
  started: false,
  workerHealth: "neutral",
  providerHealth: "neutral",
  refusal: null,
  costMicroUsd: 0,
  tokens: 0,
};

/** The restrictions that the watchdog and the state of the machine put on every request. */
export interface Restrictions {
  pressure: PressureLevel;
  pressureSignal: string | null;
  /** In ms from now: when the pressure may have changed. */
  pressureRetryMs: number;
  /** Stage `shed`: batch work waits, interactive work continues. */
  shedsBatch: boolean;
  draining: boolean;
  /** Stage `global_stop`: why nothing more is granted, or null. */
  stoppedBecause: string | null;
}

/** One request and its targets. */
interface Asking {
  readonly request: PermitRequest;
  readonly chain: BudgetChain;
  readonly node: WorkspaceNode;
  readonly now: number;
  readonly nowMs: number;
}

interface Plan extends Asking {
  readonly cost: number;
  readonly tokens: number;
  readonly degraded: Degradation[];
}

export class Gate {
  readonly targets: Targets;
  readonly breakers: BreakerSet;
  readonly locks = new WorkspaceLocks();
  readonly live = new Map<string, LivePermit>();
  readonly cost: CeilingPlanner;
  readonly tokens: CeilingPlanner;
  readonly restrictions: Restrictions = {
    pressure: "accept",
    pressureSignal: null,
    pressureRetryMs: 1000,
    shedsBatch: false,
    draining: false,
    stoppedBecause: null,
  };
  readonly #config: RuntimeConfig;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #containmentLevel: "sealed" | "best-effort";
  readonly #liveByJob = new Map<string, LivePermit>();

  constructor(options: GateOptions) {
    const { config } = options;
    this.#config = config;
    this.#clock = options.clock;
    this.#ids = options.ids;
    this.#containmentLevel = options.containmentLevel;
    this.breakers = new BreakerSet(config.breakers, options.onBreakerOpen);
    this.targets = new Targets(config, options.adapters, this.breakers);
    this.cost = costPlanner(config);
    this.tokens = tokensPlanner(config);
  }

  /** `directory`: the workspace with symbolic links resolved. This path is locked. */
  request(request: PermitRequest, directory = request.workspace): PermitDecision<LivePermit> {
    assertSane(request);
    const nowMs = this.#clock.monotonicMs();
    const now = this.#clock.now();
    const chain = this.targets.resolve(request, nowMs);
    if (chain === null) {
      const evidence = { worker: request.worker, known: [...this.targets.workers.keys()] };
      return denials.rejected("AC_WORKER_UNKNOWN", `no adapter is named "${request.worker}"`, evidence);
    }
    const node = this.locks.node(directory);
    return (
      this.#checkEligible(request, chain, now) ??
      this.#checkIsolated(chain, node, nowMs) ??
      this.#checkPressure(request) ??
      this.#checkBreakers(chain, nowMs) ??
      this.#checkConcurrency(request, chain, node) ??
      checkStartRate(chain, nowMs) ??
      this.#decideAmounts({ request, chain, node, now, nowMs })
    );
  }

  #checkEligible(request: PermitRequest, chain: BudgetChain, now: number): Denied | null {
    const { restrictions } = this;
    const config = this.#config;
    if (restrictions.draining) return denials.rejected("AC_DRAINING", "the runtime is shutting down");
    const attemptsMax = Math.min(request.maxAttempts, config.limits.job.attempts);
    if (request.attempt > attemptsMax) {
      return denials.rejected("AC_ATTEMPTS_EXHAUSTED", `attempt ${request.attempt} of ${attemptsMax}`, {
        attempt: request.attempt,
        limit: attemptsMax,
        setting: attemptsMax === request.maxAttempts ? "job" : "limits.job.attempts",
      });
    }
    const { deadline } = request;
    if (deadline !== undefined && now >= deadline) {
      return denials.rejected("AC_DEADLINE_PASSED", "the job's deadline has passed", { deadline, now });
    }
    if (request.requireContainment === "sealed" && this.#containmentLevel !== "sealed") {
      const evidence = { required: "sealed", available: this.#containmentLevel };
      return denials.rejected("AC_CONTAINMENT_UNAVAILABLE", "sealed containment is not available", evidence);
    }
    return checkCapabilities(request, chain);
  }

  #checkIsolated(chain: BudgetChain, node: WorkspaceNode, nowMs: number): Denied | null {
    const { stoppedBecause } = this.restrictions;
    if (stoppedBecause !== null) return denials.rejected("AC_GLOBAL_STOP", stoppedBecause);
    if (nowMs < chain.worker.isolatedUntilMs) return denials.workerIsolated(chain.worker, nowMs);
    const isolated = this.locks.quarantineAt(node, nowMs);
    return isolated === null ? null : denials.workspaceIsolated(isolated, nowMs);
  }

  #checkPressure(request: PermitRequest): Denied | null {
    const { pressure, pressureSignal, pressureRetryMs, shedsBatch } = this.restrictions;
    if (pressure === "defer" || pressure === "reject") {
      return denials.backpressureDenied(pressure, pressureSignal, pressureRetryMs);
    }
    return shedsBatch && request.priorityClass === "batch" ? denials.batchShed() : null;
  }

  #checkBreakers(chain: BudgetChain, nowMs: number): Denied | null {
    const { worker, provider } = chain;
    const denied =
      breakerDenied(worker.breaker, nowMs) ?? (provider && breakerDenied(provider.breaker, nowMs));
    if (denied !== null) return denied;
    if (this.breakers.valveIsShut(nowMs) && !isProbe(chain, nowMs)) {
      const { breakers } = this;
      return denials.valveShut(breakers.coolingCount(nowMs), breakers.size, breakers.valveWaitMs(nowMs));
    }
    return provider && checkPause(provider, nowMs);
  }

  #checkConcurrency(request: PermitRequest, chain: BudgetChain, node: WorkspaceNode): Denied | null {
    const running = this.#liveByJob.get(request.jobId);
    if (running !== undefined) return denials.jobIsRunning(request.jobId, running.id);
    for (const scope of chain.scopes) {
      if (scope.running >= scope.concurrencyLimit) return denials.concurrencyDenied(scope);
    }
    if (!this.#locksWorkspace(request)) return null;
    const locked = this.locks.conflict(node);
    return locked === null ? null : denials.workspaceLocked(node.path, locked);
  }

  #locksWorkspace({ sharesWorkspace }: PermitRequest): boolean {
    return this.#config.workspace_lock && sharesWorkspace !== true;
  }

  #decideAmounts(asking: Asking): PermitDecision<LivePermit> {
    const { request, chain, now } = asking;
    const { jobId, maxCostUsd, maxTokens } = request;
    const about = { jobId, spends: chain.provider !== null, now, isPressed: this.#isPressed };
    const asked = maxCostUsd === undefined ? undefined : microUsdOf(maxCostUsd);
    const cost = this.cost.plan({ ...about, asked, counters: chain.cost });
    if ("kind" in cost) return cost;
    const tokens = this.tokens.plan({ ...about, asked: maxTokens, counters: chain.tokens });
    if ("kind" in tokens) return tokens;
    const degraded = [...cost.degraded, ...tokens.degraded];
    const amounts = { cost: cost.amount, tokens: tokens.amount, degraded };
    return { kind: "granted", permit: this.#grant({ ...asking, ...amounts }) };
  }

  get #isPressed(): boolean {
    return this.restrictions.pressure === "degrade";
  }

  /** Takes every hold. Nothing below may fail: all checks have passed. */
  #grant(plan: Plan): LivePermit {
    const { request, chain, node, now, nowMs, degraded } = plan;
    const timeoutMs = this.#grantTimeout(plan);
    let task = { capabilities: request.capabilities, model: request.model ?? null };
    if (this.#isPressed) {
      const reduced = degradeTask(task, this.#config.degrade);
      task = reduced.grants;
      degraded.push(...reduced.degraded);
    }
    const id = this.#ids.next();
    for (const scope of chain.scopes) scope.running += 1;
    for (const scope of chain.ratedScopes) scope.startRate?.take(nowMs);
    const locksWorkspace = this.#locksWorkspace(request);
    if (locksWorkspace) this.locks.lock(node, id);
    chain.provider?.pause.enter();
    const holds = {
      issuedAt: now,
      issuedAtMs: nowMs,
      chain,
      workspace: node,
      locksWorkspace,
      workerEntry: chain.worker.breaker.enter(),
      providerEntry: chain.provider === null ? null : chain.provider.breaker.enter(),
      cost: holdAmount(plan.cost, chain.cost, now),
      tokens: holdAmount(plan.tokens, chain.tokens, now),
    };
    const grants = {
      capabilities: task.capabilities,
      maxCostUsd: holds.cost === null ? null : usdOf(holds.cost.amount),
      maxTokens: holds.tokens === null ? null : holds.tokens.amount,
      model: task.model,
      timeoutMs,
    };
    const permit = new LivePermit({ id, request, grants, degraded, holds, source: this });
    this.live.set(id, permit);
    this.#liveByJob.set(request.jobId, permit);
    return permit;
  }

  #grantTimeout(plan: Plan): number {
    const { timeoutMs, deadline } = plan.request;
    const untilDeadlineMs = deadline === undefined ? Infinity : Math.max(1, Math.floor(deadline - plan.now));
    const asked = Math.min(timeoutMs, untilDeadlineMs);
    const granted = Math.min(asked, this.#config.limits.job.timeout);
    if (granted < asked)
      plan.degraded.push(shorter(asked, granted, "AC_DEGRADED", "limits.job.timeout is shorter"));
    const factor = this.#isPressed ? this.#config.degrade.timeout_factor : 1;
    if (factor === 1) return granted;
    const reduced = Math.max(1, Math.floor(granted * factor));
    plan.degraded.push(shorter(granted, reduced, "AC_BACKPRESSURE", "the machine is under pressure"));
    return reduced;
  }

  /** Ends a permit and releases all that it held. Returns false if it had ended already: nothing is released twice. */
  end(permit: LivePermit, end: PermitEnd): boolean {
    if (permit.state === "ended") return false;
    permit.state = "ended";
    this.live.delete(permit.id);
    this.#liveByJob.delete(permit.request.jobId);
    const { holds } = permit;
    const { chain } = holds;
    const nowMs = this.#clock.monotonicMs();
    for (const scope of chain.scopes) scope.running -= 1;
    if (!end.started) for (const scope of chain.ratedScopes) scope.startRate?.giveBack(nowMs);
    if (holds.locksWorkspace) this.locks.unlock(holds.workspace);
    chain.worker.breaker.leave(holds.workerEntry, end.workerHealth, nowMs);
    if (chain.provider !== null) endAtProvider(chain.provider, permit, end, nowMs);
    if (holds.cost !== null) settleAmount(holds.cost, end.costMicroUsd);
    if (holds.tokens !== null) settleAmount(holds.tokens, end.tokens);
    this.cost.job.add(permit.request.jobId, end.costMicroUsd);
    this.tokens.job.add(permit.request.jobId, end.tokens);
    return true;
  }

  /** The provider refused a request of a live permit's run. `isFailure`: its breaker counts it, at most once for each run. */
  refused(permit: LivePermit, refusal: ProviderRefusal & { readonly isFailure: boolean }): void {
    if (permit.state === "executing")
      refusedDuringRun(this.targets, permit, refusal, this.#clock.monotonicMs());
  }

  /** Permits that were granted at least `ttlMs` ago and never used. */
  unusedFor(ttlMs: number): LivePermit[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.live.values()].filter(
      (permit) => permit.state === "granted" && nowMs - permit.holds.issuedAtMs >= ttlMs,
    );
  }

  budgetLevels(chain: BudgetChain | null = null): BudgetLevel[] {
    const [nowMs, now] = [this.#clock.monotonicMs(), this.#clock.now()];
    const scopes = chain === null ? this.targets.scopes() : chain.scopes;
    return scopes.flatMap((scope) => scope.levels(nowMs, now));
  }

  breakerLevels(chain: BudgetChain | null = null): BreakerLevel[] {
    const [nowMs, now] = [this.#clock.monotonicMs(), this.#clock.now()];
    if (chain === null) return this.breakers.levels(nowMs, now);
    const breakers =
      chain.provider === null ? [chain.worker.breaker] : [chain.worker.breaker, chain.provider.breaker];
    return breakers.map((breaker) => breaker.level(nowMs, now));
  }
}

function shorter(fromMs: number, toMs: number, code: ErrorCode, reason: string): Degradation {
  return { field: "timeoutMs", from: fromMs, to: toMs, code, reason };
}

function costPlanner({ limits, degrade }: RuntimeConfig): CeilingPlanner {
  return new CeilingPlanner({
    kind: "cost_usd",
    standard: microUsdOf(limits.attempt.cost_usd),
    jobCap: limits.job.cost_usd === undefined ? Infinity : microUsdOf(limits.job.cost_usd),
    pressedFactor: degrade.cost_factor,
    shrinksAsked: degrade.when_budget_is_short,
    minShare: degrade.min_share,
  });
}

function tokensPlanner({ limits, degrade }: RuntimeConfig): CeilingPlanner {
  return new CeilingPlanner({
    kind: "tokens",
    standard: limits.attempt.tokens,
    jobCap: limits.job.tokens ?? Infinity,
    pressedFactor: degrade.tokens_factor,
    shrinksAsked: degrade.when_budget_is_short,
    minShare: degrade.min_share,
  });
}

/** NaN would poison every sum it is added to. */
function assertSane(request: PermitRequest): void {
  const { attempt, timeoutMs, maxCostUsd, maxTokens } = request;
  assert(attempt >= 1 && timeoutMs >= 1, "a permit request needs an attempt and a timeout of at least 1");
  assert(maxCostUsd === undefined || maxCostUsd >= 0, "maxCostUsd must be a number of at least 0");
  assert(maxTokens === undefined || maxTokens >= 0, "maxTokens must be a number of at least 0");
}

function checkCapabilities(request: PermitRequest, chain: BudgetChain): Denied | null {
  const supported = chain.worker.adapter.capabilities;
  for (const capability of request.capabilities) {
    if (supported.includes(capability)) continue;
    const message = `worker ${request.worker} cannot enforce the capability ${capability}`;
    const evidence = { worker: request.worker, asked: capability, supported: [...supported] };
    return denials.rejected("AC_CAPABILITY_UNSUPPORTED", message, evidence);
  }
  return null;
}

function breakerDenied(breaker: Breaker, nowMs: number): Denied | null {
  const admission = breaker.admission(nowMs);
  if (admission === "open") return denials.breakerOpen(breaker, breaker.waitMs(nowMs));
  return admission === "probing" ? denials.breakerProbing(breaker.target) : null;
}

function isProbe(chain: BudgetChain, nowMs: number): boolean {
  return (
    chain.worker.breaker.admission(nowMs) === "probe" || chain.provider?.breaker.admission(nowMs) === "probe"
  );
}

function checkPause(provider: ProviderTarget, nowMs: number): Denied | null {
  const waitMs = provider.pause.waitMs(nowMs);
  return waitMs > 0 || provider.pause.isFull ? denials.providerPaused(provider, waitMs) : null;
}

function checkStartRate(chain: BudgetChain, nowMs: number): Denied | null {
  for (const scope of chain.ratedScopes) {
    const waitMs = scope.startRate?.waitMs(nowMs) ?? 0;
    if (waitMs > 0) return denials.startRateDenied(scope, waitMs);
  }
  return null;
}
