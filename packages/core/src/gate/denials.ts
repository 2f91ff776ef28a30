/**
 * Texts and evidence of every denial of the gate. They are separate from the decision, which is performance-critical and
 * only names the denial. Evidence names the configuration setting that decided, so that `why` can point at its line.
 */
import type { Denial, ErrorCode, Evidence, PermitDecision } from "@agentcore/contract";
import type { Breaker } from "../breaker/breaker.ts";
import type { BudgetKind } from "../budget/budget-counter.ts";
import type { Scope } from "../budget/scope.ts";
import { type BudgetWindow, usdOf } from "../ledger/ledger.ts";
import type { WorkspaceNode } from "../workspace/workspace-locks.ts";
import type { ProviderTarget, WorkerTarget } from "./targets.ts";

export type Denied = Exclude<PermitDecision<never>, { kind: "granted" }>;

/** When to ask again if another run must end first, at an unknown moment. */
const freedByOthersMs = 500;

/** When to ask again in stage `shed`, which lasts for minutes. */
const shedRetryMs = 1000;

export function rejected(code: ErrorCode, message: string, evidence: Evidence = {}): Denied {
  return { kind: "rejected", code, message, evidence };
}

/**
 * `appliesTo` in the evidence says which other requests would be denied too, so that the scheduler need not ask for them:
 * the name of a scope (`global`, `tenant:NAME`, `worker:NAME`, `provider:NAME`, `provider:NAME/MODEL`), `class:batch`,
 * `workspace`, or `job`.
 */
export function deferred(
  code: ErrorCode,
  appliesTo: string,
  retryAfterMs: number,
  message: string,
  evidence: Evidence = {},
): Denied {
  const facts = { ...evidence, appliesTo };
  return {
    kind: "deferred",
    code,
    retryAfterMs: Math.max(1, Math.ceil(retryAfterMs)),
    message,
    evidence: facts,
  };
}

export function concurrencyDenied(scope: Scope): Denied {
  const { concurrencyLimit: limit, running, name, setting } = scope;
  return deferred(
    "AC_CONCURRENCY",
    name,
    freedByOthersMs,
    `${running} of ${limit} runs of ${name} are in progress`,
    {
      scope: name,
      setting: `${setting}.concurrency`,
      limit,
      running,
    },
  );
}

export function jobIsRunning(jobId: string, permitId: string): Denied {
  const message = `an attempt of job ${jobId} is in progress; attempts of one job never overlap`;
  return deferred("AC_CONCURRENCY", "job", freedByOthersMs, message, {
    scope: `job:${jobId}`,
    limit: 1,
    permitId,
  });
}

export function workspaceLocked(wanted: string, locked: WorkspaceNode): Denied {
  const message =
    wanted === locked.path
      ? `another run works in ${wanted}`
      : `another run works in ${locked.path}, which shares files with ${wanted}`;
  const evidence = {
    workspace: wanted,
    locked: locked.path,
    permitId: locked.holder,
    setting: "workspace_lock",
  };
  return deferred("AC_WORKSPACE_LOCKED", "workspace", freedByOthersMs, message, evidence);
}

export function workspaceIsolated(node: WorkspaceNode, nowMs: number): Denied {
  const quarantine = node.quarantine;
  const { code, message, evidence }: Denial = quarantine ?? {
    code: "AC_WORKSPACE_ISOLATED",
    message: `${node.path} is isolated`,
    evidence: {},
  };
  const facts = { ...evidence, workspace: node.path };
  const untilMs = quarantine?.untilMs ?? nowMs;
  if (untilMs === Infinity) return rejected(code, message, facts);
  return deferred(code, "workspace", untilMs - nowMs, message, facts);
}

export function workerIsolated(worker: WorkerTarget, nowMs: number): Denied {
  const waitMs = worker.isolatedUntilMs - nowMs;
  return deferred(
    "AC_WORKER_ISOLATED",
    `worker:${worker.name}`,
    waitMs,
    `worker ${worker.name} is isolated: ${worker.isolationReason}`,
    {
      worker: worker.name,
      setting: "watchdog.isolation",
    },
  );
}

export function startRateDenied(scope: Scope, waitMs: number): Denied {
  const { count, perMs } = scope.startRate ?? { count: 0, perMs: 0 };
  return deferred(
    "AC_START_RATE",
    scope.name,
    waitMs,
    `runs of ${scope.name} start at most ${count} times per ${perMs} ms`,
    {
      scope: scope.name,
      setting: `${scope.setting}.start_rate`,
      count,
      perMs,
    },
  );
}

export function breakerOpen({ target, openedBecause, failuresInRow }: Breaker, waitMs: number): Denied {
  const message = `${target} ${openedBecause}; its breaker is open`;
  return deferred("AC_BREAKER_OPEN", target, waitMs, message, { target, failuresInRow, setting: "breakers" });
}

export function breakerProbing(target: string): Denied {
  const message = `a probe is finding out whether ${target} works again`;
  return deferred("AC_BREAKER_PROBING", target, freedByOthersMs, message, {
    target,
    setting: "breakers.probes",
  });
}

export function valveShut(open: number, known: number, waitMs: number): Denied {
  const message = `${open} of ${known} breakers are open; only probes are started`;
  return deferred("AC_GLOBAL_VALVE", "global", waitMs, message, {
    open,
    known,
    setting: "breakers.valve_share",
  });
}

export function providerPaused(target: ProviderTarget, waitMs: number): Denied {
  const { allowed, inFlight } = target.pause;
  const evidence = {
    target: target.name,
    inFlight,
    allowed: allowed === Infinity ? null : Math.floor(allowed),
  };
  if (waitMs > 0) {
    return deferred(
      "AC_PROVIDER_PAUSED",
      target.name,
      waitMs,
      `${target.name} asked its clients to wait`,
      evidence,
    );
  }
  const message = `${target.name} is being released gradually after a rate limit: ${inFlight} of ${Math.floor(allowed)} runs in flight`;
  return deferred("AC_PROVIDER_PAUSED", target.name, freedByOthersMs, message, evidence);
}

export function backpressureDenied(
  level: "defer" | "reject",
  signal: string | null,
  retryAfterMs: number,
): Denied {
  const name = signal ?? "unknown";
  const message = `the machine is under pressure (${name})`;
  const evidence = { signal: name, level, setting: `backpressure.${name}` };
  return level === "reject"
    ? rejected("AC_BACKPRESSURE", message, evidence)
    : deferred("AC_BACKPRESSURE", "global", retryAfterMs, message, evidence);
}

/** Stage `shed` of the defense: interactive work continues; batch work waits until runs succeed again or the stage ends. */
export function batchShed(): Denied {
  const message = "batch work waits: most of the recent runs of all workers together failed";
  return deferred("AC_FAILURE_CONCENTRATION", "class:batch", shedRetryMs, message, {
    stage: "shed",
    setting: "watchdog.concentration_share",
  });
}

/** The current state of a counter, here or in the ledger; amounts in micro-dollars or tokens. */
export interface BudgetFacts {
  readonly kind: BudgetKind;
  readonly scope: string;
  readonly window: BudgetWindow;
  readonly setting: string;
  readonly cap: number;
  readonly spent: number;
  readonly held: number;
  readonly ask: number;
  /** `Infinity` for a window that never ends. */
  readonly windowEndsAt: number;
}

/**
 * A budget has less left than requested. Deferred until other runs settle or the window ends; rejected if neither can help.
 * Until the window ends, only this job waits: one that asks for less may fit.
 */
export function budgetDenied(facts: BudgetFacts, now: number): Denied {
  const { kind, scope, window, setting, cap, spent, held, ask, windowEndsAt } = facts;
  const isCost = kind === "cost_usd";
  const shown = (amount: number) => (isCost ? usdOf(amount) : amount);
  const text = (amount: number) => (isCost ? `$${usdOf(amount)}` : `${amount} tokens`);
  const code = isCost ? "AC_BUDGET_COST" : "AC_BUDGET_TOKENS";
  const left = Math.max(0, cap - spent - held);
  const message =
    ask > cap
      ? `${text(ask)} asked for, and ${scope} never has more than ${text(cap)} (${window})`
      : `${scope} has ${text(left)} left of ${text(cap)} (${window}); ${text(ask)} asked for`;
  const amounts = { limit: shown(cap), spent: shown(spent), held: shown(held), asked: shown(ask) };
  const evidence = { scope, setting, ...amounts };
  if (ask > cap) return rejected(code, message, evidence);
  if (spent + ask <= cap) return deferred(code, scope, freedByOthersMs, message, evidence);
  return windowEndsAt === Infinity
    ? rejected(code, message, evidence)
    : deferred(code, "job", windowEndsAt - now, message, { ...evidence, windowEndsAt });
}

export function nothingLeftOfJob(jobId: string, kind: BudgetKind): Denied {
  const code = kind === "cost_usd" ? "AC_BUDGET_COST" : "AC_BUDGET_TOKENS";
  const what = kind === "cost_usd" ? "cost" : "token";
  return rejected(code, `nothing is left of the ${what} ceiling of job ${jobId}`, { scope: `job:${jobId}` });
}
