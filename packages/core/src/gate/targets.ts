/**
 * Resolves the targets of a request once and caches them: its scopes of the budget tree, and its worker's and provider's
 * breaker and pause. Lookup by name takes constant time. Names that callers choose (tenants, models) are kept up to a
 * bound, and idle ones are dropped first.
 */
import type { PermitRequest, WorkerAdapter } from "@agentcore/contract";
import { CounterSet } from "../budget/counter-set.ts";
import { Scope } from "../budget/scope.ts";
import type { Breaker } from "../breaker/breaker.ts";
import type { BreakerSet } from "../breaker/breaker-set.ts";
import { ProviderPause } from "../breaker/provider-pause.ts";
import type { ScopeLimits } from "../config/limits-config.ts";
import type { RuntimeConfig } from "../config/runtime-config.ts";

/** The most tenants, and the most models, that are kept. Above it, idle ones are dropped. */
const namesMax = 10_000;

/** A kind of worker. */
export interface WorkerTarget {
  readonly name: string;
  readonly adapter: WorkerAdapter;
  readonly scope: Scope;
  readonly breaker: Breaker;
  /** End of its isolation on the monotonic clock; -Infinity if there is none. */
  isolatedUntilMs: number;
  isolationReason: string;
}

/** A provider, or one model of it: the unit that is paused and whose breaker opens. */
export interface ProviderTarget {
  readonly name: string;
  readonly scope: Scope;
  readonly breaker: Breaker;
  readonly pause: ProviderPause;
}

/** Everything from which one combination of tenant, worker, provider and model holds. */
export interface BudgetChain {
  readonly worker: WorkerTarget;
  readonly provider: ProviderTarget | null;
  readonly tenant: Scope | null;
  /** From the root down. */
  readonly scopes: readonly Scope[];
  readonly ratedScopes: readonly Scope[];
  readonly cost: CounterSet;
  readonly tokens: CounterSet;
  /** The scopes in which the ledger counts it, capped or not. */
  readonly ledgerScopes: readonly string[];
}

interface ChainNames {
  readonly worker: WorkerTarget;
  readonly tenant: string;
  readonly provider: string;
  readonly model: string;
}

export class Targets {
  readonly root: Scope;
  readonly workers = new Map<string, WorkerTarget>();
  readonly #config: RuntimeConfig;
  readonly #breakers: BreakerSet;
  readonly #providerScopes = new Map<string, Scope>();
  readonly #providers = new Map<string, ProviderTarget>();
  readonly #tenants = new Map<string, Scope | null>();
  /** By tenant, provider and model; "" if a request names none. */
  readonly #chains = new Map<WorkerTarget, Map<string, Map<string, Map<string, BudgetChain>>>>();
  #chainCount = 0;

  constructor(config: RuntimeConfig, adapters: readonly WorkerAdapter[], breakers: BreakerSet) {
    this.#config = config;
    this.#breakers = breakers;
    this.root = new Scope("global", "limits.global", config.limits.global);
    for (const adapter of adapters) {
      const { name } = adapter;
      const scope = new Scope(`worker:${name}`, `limits.workers.${name}`, config.limits.workers[name] ?? {});
      const breaker = breakers.create(scope.name);
      const isolation = { isolatedUntilMs: -Infinity, isolationReason: "" };
      this.workers.set(name, { name, adapter, scope, breaker, ...isolation });
    }
  }

  /** Null for a worker that is not registered. */
  resolve(request: PermitRequest, nowMs: number): BudgetChain | null {
    const worker = this.workers.get(request.worker);
    if (worker === undefined) return null;
    const tenant = request.tenant ?? "";
    const provider = request.provider ?? worker.adapter.provider ?? "";
    const model = request.model ?? "";
    return (
      this.#chains.get(worker)?.get(tenant)?.get(provider)?.get(model) ??
      this.#addChain({ worker, tenant, provider, model }, nowMs)
    );
  }

  #addChain(names: ChainNames, nowMs: number): BudgetChain {
    const { worker, tenant, provider, model } = names;
    if (this.#chainCount >= namesMax) this.#dropIdle(nowMs);
    const chain = this.#chainOf(worker, this.#providerTarget(provider, model), tenant);
    const byTenant = getOrAdd(this.#chains, worker);
    getOrAdd(getOrAdd(byTenant, tenant), provider).set(model, chain);
    this.#chainCount += 1;
    return chain;
  }

  #chainOf(worker: WorkerTarget, provider: ProviderTarget | null, tenantName: string): BudgetChain {
    const tenant = this.#tenant(tenantName);
    const scopes = [this.root, tenant, worker.scope, provider?.scope ?? null].filter(
      (scope) => scope !== null,
    );
    const ledgerScopes = scopes.map((scope) => scope.name);
    if (tenant === null && tenantName !== "") ledgerScopes.splice(1, 0, `tenant:${tenantName}`);
    return {
      worker,
      provider,
      tenant,
      scopes,
      ratedScopes: scopes.filter((scope) => scope.startRate !== null),
      cost: new CounterSet(scopes.flatMap((scope) => scope.costCounters)),
      tokens: new CounterSet(scopes.flatMap((scope) => scope.tokenCounters)),
      ledgerScopes,
    };
  }

  #providerTarget(provider: string, model: string): ProviderTarget | null {
    if (provider === "") return null;
    const known = this.knownProvider(provider, model);
    if (known !== null) return known;
    const name = providerName(provider, model);
    const target: ProviderTarget = {
      name,
      scope: this.#providerScope(provider),
      breaker: this.#breakers.create(name),
      pause: new ProviderPause(this.#config.provider_pause),
    };
    this.#providers.set(name, target);
    return target;
  }

  /** Null if no request has named it. */
  knownProvider(provider: string, model: string): ProviderTarget | null {
    return this.#providers.get(providerName(provider, model)) ?? null;
  }

  #providerScope(provider: string): Scope {
    let scope = this.#providerScopes.get(provider);
    if (scope === undefined) {
      const limits = this.#config.limits.providers[provider] ?? {};
      scope = new Scope(`provider:${provider}`, `limits.providers.${provider}`, limits);
      this.#providerScopes.set(provider, scope);
    }
    return scope;
  }

  #tenant(name: string): Scope | null {
    if (name === "") return null;
    let scope = this.#tenants.get(name);
    if (scope === undefined) {
      scope = tenantScope(name, this.#config.limits.tenants);
      this.#tenants.set(name, scope);
    }
    return scope;
  }

  /** Drops chains, providers, models and tenants that nothing runs on. The ledger keeps what it knows about them. */
  #dropIdle(nowMs: number): void {
    this.#chains.clear();
    this.#chainCount = 0;
    for (const [name, target] of this.#providers) {
      const isIdle =
        target.pause.inFlight === 0 && target.pause.allowed === Infinity && target.breaker.isIdle;
      if (!isIdle) continue;
      this.#providers.delete(name);
      this.#breakers.drop(target.breaker);
    }
    for (const [name, scope] of this.#tenants) {
      if (scope === null || scope.isIdle(nowMs)) this.#tenants.delete(name);
    }
    const inUse = new Set([...this.#providers.values()].map((target) => target.scope));
    for (const [name, scope] of this.#providerScopes) {
      if (!inUse.has(scope) && scope.isIdle(nowMs)) this.#providerScopes.delete(name);
    }
  }

  /** The scopes known now, from the root down. Tenants may be many: only those in which something runs are included. */
  scopes(): Scope[] {
    const tenants = [...this.#tenants.values()].filter((scope) => scope !== null);
    const busyTenants = tenants.filter((scope) => scope.running > 0);
    const workers = [...this.workers.values()].map((worker) => worker.scope);
    return [this.root, ...busyTenants, ...workers, ...this.#providerScopes.values()];
  }

  providerTargets(): readonly ProviderTarget[] {
    return [...this.#providers.values()];
  }
}

function providerName(provider: string, model: string): string {
  return model === "" ? `provider:${provider}` : `provider:${provider}/${model}`;
}

function getOrAdd<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let inner = map.get(key);
  if (inner === undefined) {
    inner = new Map();
    map.set(key, inner);
  }
  return inner;
}

/** Null if no limit applies to the tenant. */
function tenantScope(name: string, limits: Readonly<Record<string, ScopeLimits>>): Scope | null {
  if (Object.hasOwn(limits, name)) {
    return new Scope(`tenant:${name}`, `limits.tenants.${name}`, limits[name] ?? {});
  }
  const { default: shared } = limits;
  return shared === undefined ? null : new Scope(`tenant:${name}`, "limits.tenants.default", shared);
}
