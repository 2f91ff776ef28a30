/**
 * The delegation gateway: the only place that starts a worker. It takes an unused live permit of this gate and the task
 * that it was granted for, runs the adapter's worker under the watchdog, forwards its events, and ends the permit exactly
 * once, with one result. It never rejects after a worker may have started: every error becomes a result.
 */
import {
  AgentCoreError,
  errorText,
  type Clock,
  type ExecutionObserver,
  type Log,
  type MeteredSpending,
  type ProbeOutput,
  type SpendGateMode,
  unknownUsage,
  type WorkerEvent,
  type WorkerResult,
  type WorkerRun,
  type WorkerRunner,
  tokensOf,
  type WorkerTask,
} from "@agentcore/contract";
import type { PacingConfig } from "../config/watchdog-config.ts";
import type { AttemptLimits } from "../config/limits-config.ts";
import type { Gate } from "../gate/gate.ts";
import { ownData } from "../gate/own-data.ts";
import { type LivePermit, recordOf } from "../gate/permit.ts";
import { microUsdOf, usdOf } from "../ledger/ledger.ts";
import type { Bookkeeping } from "./bookkeeping.ts";
import type { ProviderRefusal, SpendGate } from "../spend/spend-gate.ts";
import { usageInTotal } from "../spend/spent-by-calls.ts";
import { healthOf } from "../watchdog/run-health.ts";
import type { Watchdog, WatchedRun } from "../watchdog/watchdog.ts";
import { fitTask } from "./fit.ts";
import { pacesOf, type Pacer } from "./pacer.ts";
import {
  type HeldAmounts,
  plausibleEvent,
  type PlausibleLimits,
  plausibleLimitsOf,
  plausibleResult,
} from "./plausible.ts";
import { RunMeter } from "./run-meter.ts";
import { type Charge, chargeOf, countedAbove, isAnswer, meteredCharge, withCharge } from "./spending.ts";
import { endingOf, unstartedResult, type UnstartedFacts } from "./unstarted.ts";
import { aboutPermit } from "../gate/about-permit.ts";

export interface GatewayOptions {
  readonly gate: Gate;
  readonly bookkeeping: Bookkeeping;
  readonly watchdog: Watchdog;
  readonly pacer: Pacer;
  readonly pacing: PacingConfig;
  readonly runner: WorkerRunner;
  readonly clock: Clock;
  readonly log: Log;
  readonly attemptLimits: AttemptLimits;
  /** Settings of each worker from the configuration, by its name. */
  readonly settings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly spendGate: SpendGate | undefined;
  readonly spendGateMode: SpendGateMode;
  /** By the worker's name; the others have `spendGateMode`. */
  readonly spendGateModes: Readonly<Record<string, SpendGateMode>>;
}

const internalFailure = { outcome: "failed", errorClass: "internal" } as const;

interface Execution {
  readonly permit: LivePermit;
  readonly watched: WatchedRun;
  readonly observer: ExecutionObserver;
  readonly seen: { released: boolean; answered: boolean; model: string | null };
  readonly held: HeldAmounts;
  readonly plausible: PlausibleLimits;
  /** Null if the run may not use the spend gate. */
  meter: RunMeter | null;
  /** What the provider refused during the run: its end must not count the same again. */
  readonly refused: { any: boolean; withWait: boolean; asFailure: boolean };
  run: WorkerRun | null;
  /** Nothing of it runs any more; its end may not be booked yet. */
  isOver: boolean;
}

const noProbes: ProbeOutput = {
  exitCode: null,
  stdout: "",
  stderr: "",
  failure: "this runner does not support probes",
};

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #executions = new Map<string, Execution>();

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  get executing(): number {
    return this.#executions.size;
  }

  /** Whether nothing runs, or is about to. */
  get isEmpty(): boolean {
    return [...this.#executions.values()].every(({ isOver }) => isOver);
  }

  /** Rejects with `AC_PERMIT_INVALID` for a wrong permit or task, before anything has started. */
  async execute(permitId: string, task: WorkerTask, observer: ExecutionObserver): Promise<WorkerResult> {
    const permit = this.#livePermit(permitId);
    const fitted = ownData(fitTask(permit, task));
    permit.state = "executing";
    const watched = this.#options.watchdog.watch(permit, {
      tell: (event) => this.#tell(execution, (told) => told.onEvent?.(event)),
      endAsReported: (reason) => endAsReported(execution.run, reason),
    });
    const seen = { released: false, answered: false, model: null };
    const { cost, tokens } = permit.holds;
    const held = { costMicroUsd: cost?.amount ?? null, tokens: tokens?.amount ?? null };
    const plausible = plausibleLimitsOf(this.#options.attemptLimits, held);
    const refused = { any: false, withWait: false, asFailure: false };
    const parts = { permit, watched, observer, seen, held, plausible, refused };
    const execution: Execution = { ...parts, meter: null, run: null, isOver: false };
    this.#executions.set(permitId, execution);
    const result = await this.#run(execution, fitted);
    execution.isOver = true;
    return this.#finish(execution, result);
  }

  #livePermit(permitId: string): LivePermit {
    const permit = this.#options.gate.live.get(permitId);
    if (permit === undefined) {
      throw invalidPermit(permitId, "is not live: it was not issued here, has ended, or has expired");
    }
    if (permit.state !== "granted")
      throw invalidPermit(permitId, "was used already; a permit authorizes one attempt");
    return permit;
  }

  async #run(execution: Execution, task: WorkerTask): Promise<WorkerResult> {
    const { permit } = execution;
    const startedAt = this.#options.clock.now();
    try {
      const obstacle = (await this.#holdFailure(permit)) ?? (await this.#waitForTurn(permit));
      if (obstacle !== null) return obstacle;
      return await this.#delegate(execution, task);
    } catch (error) {
      this.#options.log.error(
        { error, ...aboutPermit(permit) },
        "a run failed by a fault of its own runtime",
      );
      const why = errorText(error);
      return this.#unstarted(permit, { ...internalFailure, code: "AC_INTERNAL", summary: why, startedAt });
    }
  }

  /** Writes the hold of a permit that the synchronous decision alone granted. No worker runs without it. */
  async #holdFailure(permit: LivePermit): Promise<WorkerResult | null> {
    const { bookkeeping, clock } = this.#options;
    if (!bookkeeping.needsHold(permit)) return null;
    const startedAt = clock.now();
    const denied = await bookkeeping.hold(permit);
    if (denied === null) return null;
    const { code, message } = denied;
    const ending =
      code === "AC_STORE_UNAVAILABLE"
        ? internalFailure
        : ({ outcome: "budget_exhausted", errorClass: "budget_exhausted" } as const);
    return this.#unstarted(permit, { ...ending, code, summary: message, startedAt });
  }

  /** Waits until the pacing of its provider and its worker allows a start, or the run is stopped. */
  async #waitForTurn(permit: LivePermit): Promise<WorkerResult | null> {
    const { clock, pacer, pacing } = this.#options;
    const startedAt = clock.now();
    const { signal } = permit;
    for (const [name, intervalMs] of pacesOf(pacing, permit)) {
      const turn = signal.reason === null ? pacer.turn(name, intervalMs, signal.abortSignal) : null;
      if (turn === null) continue;
      const stopped = new Promise<void>((resolve) => void signal.onChange(() => resolve()));
      await Promise.race([turn, stopped]);
    }
    const cause = signal.reason;
    if (cause === null) return null;
    const { code, message } = cause;
    return this.#unstarted(permit, { ...endingOf(cause), code, summary: message, startedAt });
  }

  #unstarted(permit: LivePermit, facts: Omit<UnstartedFacts, "durationMs">): WorkerResult {
    const { code, summary, startedAt } = facts;
    const durationMs = Math.max(0, this.#options.clock.now() - startedAt);
    this.#options.log.info(
      { ...aboutPermit(permit), code, summary },
      "a run ended before its worker started",
    );
    return unstartedResult({ ...facts, durationMs });
  }

  async #delegate(execution: Execution, task: WorkerTask): Promise<WorkerResult> {
    const { permit, seen } = execution;
    const { runner, settings, spendGateModes } = this.#options;
    const spendGateMode = spendGateModes[permit.worker] ?? this.#options.spendGateMode;
    const meter = spendGateMode === "off" ? null : this.#meterOf(execution);
    execution.meter = meter;
    execution.run = runner.start({
      adapter: permit.holds.chain.worker.adapter,
      task,
      permit: Object.freeze({ ...recordOf(permit), signal: permit.signal }),
      settings: settings[permit.worker] ?? {},
      spendGateMode,
      ...(meter !== null && { openSpendGate: (upstream) => meter.open(upstream) }),
      onEvent: (event) => this.#onEvent(execution, event),
      onStarted: (identity) => {
        seen.released = true;
        this.#tell(execution, (observer) => observer.onStarted?.({ ...identity }));
        this.#probe(execution, task);
      },
    });
    return execution.run.result;
  }

  #meterOf(execution: Execution): RunMeter | null {
    const { spendGate: gate, attemptLimits: limits, clock, log, watchdog, bookkeeping } = this.#options;
    if (gate === undefined) return null;
    const { permit, watched } = execution;
    return new RunMeter({
      gate,
      permit,
      limits,
      clock,
      log,
      hold: async () => (bookkeeping.isHeld(permit) ? null : bookkeeping.hold(permit)),
      onUsage: (event) => watchdog.event(watched, event),
      onReport: (event) => this.#tell(execution, (observer) => observer.onEvent?.(event)),
      onActivity: (activity) => watchdog.wire(watched, activity),
      onRefusal: (refusal) => this.#onRefusal(execution, refusal),
    });
  }

  #onRefusal({ permit, refused }: Execution, refusal: ProviderRefusal): void {
    const isOverload = refusal.status !== tooManyRequests;
    this.#options.gate.refused(permit, { ...refusal, isFailure: isOverload && !refused.asFailure });
    refused.any = true;
    refused.withWait ||= refusal.retryAfterMs !== null;
    refused.asFailure ||= isOverload;
  }

  /** The looks of the task's probe run under the permit of the attempt that they check: docs/adr/0007. */
  #probe(execution: Execution, { probe: spec }: WorkerTask): void {
    if (spec === undefined) return;
    this.#options.watchdog.probe(execution.watched, {
      spec,
      look: async () => {
        const { run } = execution;
        return run?.probe === undefined ? noProbes : run.probe(spec.command, spec.timeoutMs);
      },
    });
  }

  #onEvent(execution: Execution, said: WorkerEvent): void {
    const { seen, watched, plausible, meter } = execution;
    const isMetered = meter?.isReached === true;
    const believed = plausibleEvent(said, plausible);
    const event = isMetered ? withoutCost(believed) : believed;
    if (isAnswer(event)) seen.answered = true;
    if (event.type === "started") seen.model = event.model ?? seen.model;
    this.#options.watchdog.event(watched, isMetered ? withoutAmounts(event) : event);
    this.#tell(execution, (observer) => observer.onEvent?.(event));
  }

  /** An error in the caller's observer must not end the run. */
  #tell(execution: Execution, say: (observer: ExecutionObserver) => void): void {
    try {
      say(execution.observer);
    } catch (error) {
      this.#options.log.error({ error, ...aboutPermit(execution.permit) }, "an observer of a run failed");
    }
  }

  #chargeOf({ permit, watched: { watch }, seen, held, plausible }: Execution, result: WorkerResult): Charge {
    const { response_cost_usd: responseUsd, response_tokens: tokens } = this.#options.attemptLimits;
    const bounds = { ...held, response: { costMicroUsd: microUsdOf(responseUsd), tokens } };
    const charge = chargeOf(result, { ...watch, ...seen }, bounds, permit.provider !== null);
    const costMicroUsd = Math.min(charge.costMicroUsd, microUsdOf(plausible.costUsd));
    return { ...charge, costMicroUsd };
  }

  async #finish(execution: Execution, said: WorkerResult): Promise<WorkerResult> {
    const { permit, watched, seen } = execution;
    const { gate, watchdog, bookkeeping, clock } = this.#options;
    const metered = await meteredBy(execution);
    const result =
      metered === null ? plausibleResult(said, execution.plausible) : meteredResult(said, metered);
    const charge = metered === null ? this.#chargeOf(execution, result) : meteredCharge(metered);
    const { costMicroUsd, tokens: tokensUsed } = charge;
    const health = healthAfter(execution, result);
    gate.end(permit, { started: seen.released, ...health, costMicroUsd, tokens: tokensUsed });
    this.#executions.delete(permit.id);
    watchdog.ended(watched, result);
    await bookkeeping.settle(permit, { ...charge });
    this.#options.log.debug(
      { ...aboutPermit(permit), outcome: result.outcome, at: clock.now() },
      "a run ended",
    );
    const costNote = metered === null ? costNoteOf(execution, result, charge) : null;
    const charged = withCharge(result, charge);
    return withFinding(
      costNote === null ? charged : { ...charged, costNote, summary: `${charged.summary} (${costNote})` },
      execution,
    );
  }
}

/** See `WorkerRun.endAsReported`. Returns false if this runner does not support it. */
function endAsReported(run: WorkerRun | null, reason: string): boolean {
  if (run?.endAsReported === undefined) return false;
  run.endAsReported(reason);
  return true;
}

/** HTTP status of a rate limit. It is no failure of the provider; any other refusal is. */
const tooManyRequests = 429;

const withoutCost = (event: WorkerEvent): WorkerEvent =>
  event.type === "usage" ? { ...event, costUsd: null } : event;

/** The worker is alive; the amounts come from the meter. */
const withoutAmounts = (event: WorkerEvent): WorkerEvent =>
  event.type === "usage" ? { ...event, usage: unknownUsage } : event;

/**
 * What the run spent at the gate; null if that is not what it spent: the gate was not opened, the worker did not start, or it
 * was answered without a request to the gate.
 */
async function meteredBy({ meter, seen }: Execution): Promise<MeteredSpending | null> {
  const spending = (await meter?.close()) ?? null;
  const isWhole = meter?.isReached === true || (seen.released && !seen.answered);
  return isWhole ? spending : null;
}

function meteredResult(said: WorkerResult, metered: MeteredSpending): WorkerResult {
  const { costMicroUsd, basis } = meteredCharge(metered);
  const result = {
    ...said,
    usage: usageInTotal([metered.usage], metered.tokens),
    costUsd: usdOf(costMicroUsd),
    costBasis: basis,
  };
  // It is about another cost.
  delete result.costNote;
  return result;
}

/** What the end of a run says about its worker and its provider, besides what was seen during the run. */
function healthAfter({ refused }: Execution, result: WorkerResult) {
  const { worker, provider, refusal } = healthOf(result);
  // Some providers name the end of a usage window only in a text, which the worker's adapter reads.
  const isKnown = refused.withWait || (refused.any && refusal?.retryAfterMs === null);
  return {
    workerHealth: worker,
    providerHealth: refused.asFailure && provider === "failure" ? "neutral" : provider,
    refusal: isKnown ? null : refusal,
  } as const;
}

function costNoteOf(execution: Execution, result: WorkerResult, charge: Charge): string | null {
  return unknownCost(execution, result, charge) ?? loweredCost(execution, result) ?? result.costNote ?? null;
}

/** Why a run was charged its whole ceiling; null for any other charge. */
function unknownCost(
  { permit, seen, held, meter }: Execution,
  result: WorkerResult,
  charge: Charge,
): string | null {
  const isWhole = charge.basis === "estimated" && charge.costMicroUsd === held.costMicroUsd;
  if (!isWhole || !seen.answered || result.costUsd !== null) return null;
  const model = seen.model ?? permit.grants.model;
  const reason =
    meter?.isOpen === true
      ? `worker ${permit.worker} did not send its requests through the spend gate`
      : tokensOf(result.usage) === null
        ? `worker ${permit.worker} reported neither cost nor tokens`
        : model === null
          ? "the model is not known"
          : `no price for model ${model}`;
  return `cost unknown: ${reason}; the ceiling of $${usdOf(charge.costMicroUsd)} was charged`;
}

/** Says that a worker reported a cost below its earlier total; null if it did not. */
function loweredCost({ watched: { watch } }: Execution, result: WorkerResult): string | null {
  if (result.costBasis === "estimated") return null;
  const counted = countedAbove(result, watch);
  if (counted === null) return null;
  return `the worker reported a cost of $${result.costUsd} at its end; $${counted} had been counted and were charged`;
}

/** Adds the probe's finding to the result of a run that the probe stopped, and to no other. */
function withFinding(result: WorkerResult, { watched: { probing } }: Execution): WorkerResult {
  const finding = probing?.finding ?? null;
  return finding === null || result.outcome !== "stalled" ? result : { ...result, probe: finding };
}

function invalidPermit(permitId: string, why: string): AgentCoreError {
  return new AgentCoreError("AC_PERMIT_INVALID", `permit ${permitId} ${why}`, { evidence: { permitId } });
}
