/**
 * The runtime in process: implements the contract's `Runtime` with the gate, the ledger's bookkeeping, the machine's
 * signals, the watchdog and the delegation gateway. All real ports are parameters; the contract has implementations.
 *
 * A permit from `requestPermit` is held in the ledger, if a ceiling applies, before it is returned. A permit from
 * `tryPermit` is decided at once, and held when it is executed, before its worker starts. Nothing runs without a hold.
 */
import {
  AgentCoreError,
  type CancelRequest,
  type Clock,
  type Escalation,
  type ExecutionObserver,
  type LoadReport,
  type Log,
  noRefusedKeys,
  type PermitDecision,
  type PermitRecord,
  type PermitRequest,
  permitRequestSchema,
  type StopCause,
  type WorkerResult,
  type WorkerTask,
  workerTaskSchema,
} from "@agentcore/contract";
import { z } from "zod";
import { Gateway } from "../delegation/gateway.ts";
import { Pacer } from "../delegation/pacer.ts";
import { breakerOpen, type Denied, rejected } from "../gate/denials.ts";
import { Gate, unusedEnd } from "../gate/gate.ts";
import { frozenData, ownData } from "../gate/own-data.ts";
import { type LivePermit, PermitView, recordOf } from "../gate/permit.ts";
import { createMemoryLedger } from "../ledger/memory-ledger.ts";
import { PressureMonitor } from "../pressure/pressure-monitor.ts";
import { processOwner } from "../process-owner.ts";
import { refusedKeyEscalation } from "../spend/refused-key.ts";
import { Watchdog } from "../watchdog/watchdog.ts";
import { Bookkeeping } from "../delegation/bookkeeping.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Escalations } from "./escalations.ts";
import { RunLease } from "./run-lease.ts";
import type { InProcessRuntime, QuarantineReason, RuntimeOptions } from "./runtime-options.ts";

const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export function createRuntime(options: RuntimeOptions): InProcessRuntime {
  return new LocalRuntime(options);
}

class LocalRuntime implements InProcessRuntime {
  readonly #options: RuntimeOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #gate: Gate;
  readonly #bookkeeping: Bookkeeping;
  readonly #pressure: PressureMonitor;
  readonly #watchdog: Watchdog;
  readonly #gateway: Gateway;
  readonly #heartbeat: Heartbeat;
  readonly #lease: RunLease;
  readonly #escalations: Escalations;
  /** Called when nothing is live. */
  readonly #idleWaiters: (() => void)[] = [];
  /** Calls of `execute` that have not returned. */
  #executing = 0;
  /** Holds that the ledger is writing. */
  #holding = 0;
  #closing: Promise<void> | null = null;

  constructor(options: RuntimeOptions) {
    const { clock, runner, log = silentLog } = options;
    // A copy: later changes to the caller's object change no limit here.
    const config = ownData(options.config);
    this.#options = { ...options, config };
    this.#clock = clock;
    this.#log = log;
    this.#escalations = new Escalations(log);
    this.#gate = new Gate({
      config,
      adapters: options.adapters,
      clock,
      ids: options.ids,
      containmentLevel: runner.containmentLevel,
      onBreakerOpen: (breaker) => {
        const { code, message, evidence } = breakerOpen(breaker, breaker.waitMs(clock.monotonicMs()));
        this.#escalations.tell({
          stage: "open_breaker",
          target: breaker.target,
          at: clock.now(),
          code,
          message,
          evidence,
        });
      },
    });
    const gate = this.#gate;
    const { ledger = createMemoryLedger(), owner = processOwner() } = options;
    this.#bookkeeping = new Bookkeeping({ ledger, gate, owner, clock, log });
    this.#pressure = new PressureMonitor({
      signals: options.signals,
      config: config.backpressure,
      gate,
      clock,
      log,
    });
    this.#watchdog = new Watchdog({
      config,
      gate,
      clock,
      escalate: (escalation) => this.#escalations.tell(escalation),
      onDue: () => this.#heartbeat.arm(),
      cancelAll: (reason) => this.#cancelAll({ reason }),
    });
    const { settings = {}, spendGateModes = {}, spendGate } = options;
    spendGate?.onRefusedKeys((report) => this.#escalations.tell(refusedKeyEscalation(report, clock.now())));
    this.#gateway = new Gateway({
      gate,
      bookkeeping: this.#bookkeeping,
      watchdog: this.#watchdog,
      pacer: new Pacer(clock),
      pacing: config.pacing,
      runner,
      clock,
      log,
      attemptLimits: config.limits.attempt,
      settings,
      spendGate,
      spendGateMode: config.spend_gate,
      spendGateModes,
    });
    this.#lease = new RunLease({
      clock,
      log,
      guard: options.leaseGuard,
      empty: (reason) => this.#cancelAll({ reason, force: true }),
      isEmpty: () => this.#gateway.isEmpty,
    });
    this.#heartbeat = new Heartbeat({
      clock,
      nextDueMs: () => this.#nextDueMs(),
      beat: (sleptMs) => this.#beat(sleptMs),
      onBeating: (isBeating) => options.signals?.watch(isBeating),
    });
  }

  tryPermit(request: PermitRequest): PermitDecision {
    const own = Object.freeze({ ...request, capabilities: Object.freeze([...request.capabilities]) });
    const decision = this.#decide(own as PermitRequest, own.workspace);
    return decision.kind === "granted"
      ? { kind: "granted", permit: new PermitView(decision.permit) }
      : decision;
  }

  async requestPermit(input: PermitRequest): Promise<PermitDecision> {
    const request = parsed(permitRequestSchema, input, "permit request");
    const directory = await this.#realPath(request.workspace);
    const withoutLease = this.#lease.denied();
    if (withoutLease !== null) return withoutLease;
    if (directory === null) {
      const { workspace } = request;
      return rejected("AC_WORKSPACE_MISSING", `${workspace} is not a directory`, { workspace });
    }
    const look = this.#lookAtMachine();
    if (look !== null) await look;
    const first = await this.#decideAndHold(request, directory);
    if (first.kind === "granted" || !isAboutBudget(first)) return first;
    // Spending and settling in other processes may have changed the answer: ask the ledger once.
    return (await this.#refreshBudgets(request)) ? this.#decideAndHold(request, directory) : first;
  }

  /** The directory that a workspace names; null if there is none. */
  async #realPath(workspace: string): Promise<string | null> {
    const { realPath } = this.#options;
    if (realPath === undefined) return workspace;
    try {
      return await realPath(workspace);
    } catch (error) {
      this.#log.debug({ error, workspace }, "a workspace could not be resolved");
      return null;
    }
  }

  async #refreshBudgets(request: PermitRequest): Promise<boolean> {
    const chain = this.#gate.targets.resolve(request, this.#clock.monotonicMs());
    if (chain === null) return false;
    try {
      await this.#bookkeeping.refresh(chain, request.jobId);
      return true;
    } catch (error) {
      this.#log.warn({ error }, "the ledger could not be read; the levels known here stand");
      return false;
    }
  }

  async #decideAndHold(request: PermitRequest, directory: string): Promise<PermitDecision> {
    const decision = this.#decide(request, directory);
    if (decision.kind !== "granted") return decision;
    const { permit } = decision;
    const record = frozenData(recordOf(permit));
    if (!this.#bookkeeping.needsHold(permit)) return { kind: "granted", permit: record };
    this.#holding += 1;
    try {
      return await this.#hold(permit, record);
    } finally {
      this.#holding -= 1;
      this.#afterEnd();
    }
  }

  async #hold(permit: LivePermit, record: PermitRecord): Promise<PermitDecision> {
    const denied = await this.#bookkeeping.hold(permit);
    if (denied !== null) {
      this.#endUnused(permit);
      return denied;
    }
    if (permit.state === "granted") return { kind: "granted", permit: record };
    // The permit was stopped, closed or expired while the ledger wrote: the hold must not outlive it.
    await this.#bookkeeping.settle(permit, nothingSpent);
    return rejected("AC_DRAINING", "the runtime ended the permit while it was being held");
  }

  #decide(request: PermitRequest, directory: string): PermitDecision<LivePermit> {
    const decision = this.#gate.request(request, directory);
    if (decision.kind === "granted" && !this.#heartbeat.isBeating) this.#heartbeat.arm();
    return decision;
  }

  async execute(permitId: string, task: WorkerTask, observer: ExecutionObserver = {}): Promise<WorkerResult> {
    const checked = parsed(workerTaskSchema, task, "task");
    const withoutLease = this.#lease.denied();
    if (withoutLease !== null) throw new AgentCoreError(withoutLease.code, withoutLease.message);
    this.#executing += 1;
    try {
      const result = this.#gateway.execute(permitId, checked, observer);
      this.#heartbeat.arm();
      return await result;
    } finally {
      this.#executing -= 1;
      this.#afterEnd();
    }
  }

  giveBack(permitId: string): boolean {
    const permit = this.#gate.live.get(permitId);
    if (permit === undefined || permit.state !== "granted") return false;
    this.#endUnused(permit);
    return true;
  }

  async releasePermit(permitId: string): Promise<void> {
    this.giveBack(permitId);
    await this.#bookkeeping.flush();
  }

  /** Ends a permit under which no worker ran. */
  #endUnused(permit: LivePermit): void {
    this.#gate.end(permit, unusedEnd);
    if (this.#bookkeeping.isHeld(permit)) void this.#bookkeeping.settle(permit, nothingSpent);
    this.#afterEnd();
  }

  async cancel(permitId: string, { reason, force = false }: CancelRequest<string>): Promise<void> {
    const permit = this.#gate.live.get(permitId);
    if (permit !== undefined) this.#cancel(permit, { reason: cancelledBecause(reason), force });
  }

  #cancel(permit: LivePermit, request: CancelRequest<StopCause>): void {
    permit.cancellation.cancel(request);
    if (permit.state === "granted") this.#endUnused(permit);
  }

  #cancelAll(request: CancelRequest<StopCause>): void {
    for (const permit of this.#gate.live.values()) this.#cancel(permit, request);
  }

  async load(): Promise<LoadReport> {
    const gate = this.#gate;
    const { machine } = this.#pressure;
    const { restrictions } = gate;
    return {
      permitsLive: gate.live.size,
      executing: this.#gateway.executing,
      pressure: restrictions.pressure,
      pressureSignal: restrictions.pressureSignal,
      eventLoopDelayMs: machine.eventLoopDelayMs,
      memoryAvailableBytes: machine.memoryAvailableBytes,
      containment: this.#options.runner.containmentLevel,
      draining: restrictions.draining,
      budgets: gate.budgetLevels(),
      breakers: gate.breakerLevels(),
      refusedKeys: this.#options.spendGate?.refusedKeys() ?? noRefusedKeys,
    };
  }

  reportQueue(queue: { readonly depth: number; readonly oldestWaitMs: number }): void {
    this.#pressure.reportQueue(queue.depth === 0 ? 0 : queue.oldestWaitMs);
  }

  renewLease(untilMs: number): void {
    this.#lease.renew(untilMs);
  }

  onEscalation(listener: (escalation: Escalation) => void): () => void {
    return this.#escalations.listen(listener);
  }

  quarantine(workspace: string, why: QuarantineReason): void {
    const { message, evidence = {} } = why;
    this.#gate.locks.quarantine(workspace, {
      code: "AC_UNCONTAINED",
      message,
      evidence,
      untilMs: Infinity,
    });
  }

  liftQuarantine(workspace: string): boolean {
    return this.#gate.locks.liftQuarantine(workspace);
  }

  /**
   * When the heartbeat is needed next. Null while nothing is live and nothing is withheld. Only a beat ends what is withheld for
   * a while, and without grants nothing else would cause a beat.
   */
  #nextDueMs(): number | null {
    if (this.#isIdle) {
      if (this.#closing !== null) return null;
      const { pressure } = this.#gate.restrictions;
      return this.#watchdog.isOnGuard || pressure !== "accept" ? Infinity : null;
    }
    const { config } = this.#options;
    return Math.min(this.#watchdog.nextDueMs(), this.#clock.monotonicMs() + config.permit_ttl);
  }

  #beat(sleptMs: number): void {
    this.#watchdog.tick(sleptMs);
    for (const permit of this.#gate.unusedFor(this.#options.config.permit_ttl)) this.#endUnused(permit);
    void this.#lookAtMachine();
  }

  /** Null if the last look is recent. Arms the heartbeat: a later look must notice when the pressure ends. */
  #lookAtMachine(): Promise<void> | null {
    return this.#pressure.bringUpToDate()?.then(() => this.#heartbeat.arm()) ?? null;
  }

  get #isIdle(): boolean {
    return this.#gate.live.size === 0 && this.#executing === 0 && this.#holding === 0;
  }

  #afterEnd(): void {
    if (!this.#isIdle) return;
    this.#heartbeat.arm();
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  async #idle(): Promise<void> {
    if (this.#isIdle) return;
    await new Promise<void>((resolve) => {
      this.#idleWaiters.push(resolve);
    });
  }

  async drain(): Promise<void> {
    this.#gate.restrictions.draining = true;
    await this.#idle();
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async #closeOnce(): Promise<void> {
    this.#gate.restrictions.draining = true;
    const reason = cancelledBecause("the runtime is closing");
    this.#cancelAll({ reason });
    const graceOver = this.#clock.setTimer(this.#options.config.shutdown.grace, () =>
      this.#cancelAll({ reason, force: true }),
    );
    await this.#idle();
    graceOver.cancel();
    this.#heartbeat.stop();
    this.#lease.close();
    await this.#closeSpendGate();
    await this.#bookkeeping.close();
    this.#options.signals?.close();
    this.#escalations.close();
  }

  async #closeSpendGate(): Promise<void> {
    try {
      await this.#options.spendGate?.close();
    } catch (error) {
      this.#log.error({ error }, "the spend gate did not close");
    }
  }
}

function cancelledBecause(message: string): StopCause {
  return { kind: "cancelled", code: "AC_CANCELLED", message, evidence: {} };
}

/** A validated copy that nobody else can change: see {@link ownData}. */
function parsed<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const result = schema.safeParse(ownData(value));
  if (result.success) return ownData(result.data);
  throw new AgentCoreError("AC_JOB_INVALID", `the ${what} is wrong: ${z.prettifyError(result.error)}`);
}

const nothingSpent = { costMicroUsd: 0, tokens: 0, basis: "none" } as const;

function isAboutBudget(denied: Denied): boolean {
  return denied.code === "AC_BUDGET_COST" || denied.code === "AC_BUDGET_TOKENS";
}
