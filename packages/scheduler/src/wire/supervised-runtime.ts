/**
 * A `Runtime` that survives restarts of its process. While there is no process, permits are deferred; after the restart
 * limit, they are rejected with `AC_RESTART_INTENSITY`. If the process dies during an execution, the execution ends as lost
 * only when its worker is proved gone, so that a scheduler never starts another attempt in parallel.
 */
import {
  AgentCoreError,
  silentLog,
  sleep,
  systemClock,
  type CancelRequest,
  type Clock,
  type ErrorCode,
  type Escalation,
  type ExecutionObserver,
  type LoadReport,
  type Log,
  type PermitDecision,
  type PermitRecord,
  type PermitRequest,
  type RunIdentity,
  type Runtime,
  type WorkerResult,
  type WorkerTask,
} from "@agentcore/contract";
import { isProvedUnbegun, type NeverBegan } from "../recovery/never-began.ts";
import type { ProveGone } from "../recovery/recovery.ts";
import { lostResult, spendingIfReadable, type SpendingOfLost } from "../retry/charge.ts";
import { defaultIntensity, type RestartIntensity } from "./restart-intensity.ts";
import {
  isLost,
  RuntimeSupervisor,
  unlessLost,
  type SupervisedProcess,
  type RuntimeStatus,
} from "./runtime-supervisor.ts";
import type { StartRuntimeProcess } from "./runtime-process.ts";
import { aboutEvidence } from "../about-attempt.ts";

export interface SupervisedRuntimeOptions {
  readonly start: StartRuntimeProcess;
  /** Proves that a worker is gone whose runtime died. */
  readonly proveGone: ProveGone;
  /** The most that this worker can have spent, by its own records. Default: all that its permit allowed. */
  readonly spendingOfLost?: SpendingOfLost;
  /** Whether the worker of a lost attempt provably never began. Default: never. */
  readonly neverBegan?: NeverBegan;
  /** Default: 5 restarts in 30 s. */
  readonly intensity?: RestartIntensity;
  /** Longest wait for the handshake, and for each answer that needs no work. Default 30 s. */
  readonly answerMs?: number;
  /** Longest wait for an orderly end. Default 60 s; then the process is killed. */
  readonly closeMs?: number;
  /** Name of this side in the handshake. */
  readonly client?: { readonly name: string; readonly version: string };
  readonly clock?: Clock;
  readonly log?: Log;
}

export interface SupervisedRuntime extends Runtime {
  status(): RuntimeStatus;
  /** Calls the listener after each change of state. Returns a function that unsubscribes. */
  onStatus(listener: (status: RuntimeStatus) => void): () => void;
  /** From now on a process that dies is not started again: for a scheduler that only ends its remaining jobs. */
  retire(): void;
  /**
   * Resolves when the runtime can be used. Rejects with `AC_RESTART_INTENSITY` if it never will, and with `AC_DRAINING` after
   * `close`.
   */
  ready(): Promise<void>;
}

/** Starts the runtime process at once. Use it like any `Runtime` from then on, even if the process dies. */
export function superviseRuntime(options: SupervisedRuntimeOptions): SupervisedRuntime {
  return new Supervisor(options);
}

interface HeldPermit {
  readonly issuer: SupervisedProcess;
  readonly permit: PermitRecord;
  isExecuting: boolean;
}

interface Execution {
  readonly issuer: SupervisedProcess;
  readonly permit: PermitRecord;
  readonly claimedAt: number;
  started: { readonly at: number; readonly identity: RunIdentity } | null;
}

const proveAgainMs = 1000;
/** Wait before the next try if the runtime died during a request. */
const askAgainMs = 100;

class Supervisor implements SupervisedRuntime {
  readonly #supervisor: RuntimeSupervisor;
  readonly #proveGone: ProveGone;
  readonly #spendingOfLost: SpendingOfLost;
  readonly #neverBegan: NeverBegan;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #listeners = new Set<(escalation: Escalation) => void>();
  /** Permits that have not ended. */
  readonly #permits = new Map<string, HeldPermit>();
  #draining = false;
  /** On the monotonic clock; null: no lease is needed. A process that is started later must have it before its first run. */
  #leaseUntilMs: number | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: SupervisedRuntimeOptions) {
    const { start, clock = systemClock, log = silentLog } = options;
    this.#proveGone = options.proveGone;
    this.#spendingOfLost = options.spendingOfLost ?? (async () => null);
    this.#neverBegan = options.neverBegan ?? (async () => false);
    this.#clock = clock;
    this.#log = log;
    this.#supervisor = new RuntimeSupervisor({
      start,
      clock,
      log,
      intensity: options.intensity ?? defaultIntensity,
      answerMs: options.answerMs ?? 30_000,
      closeMs: options.closeMs ?? 60_000,
      client: options.client ?? { name: "@agentcore/scheduler", version: "0.1.0" },
      onEscalation: (escalation) => this.#escalate(escalation),
    });
    this.#supervisor.onChange(() => {
      if (this.#leaseUntilMs !== null) this.#supervisor.ready?.wire.renewLease(this.#leaseUntilMs);
    });
    this.#supervisor.launch();
  }

  async requestPermit(request: PermitRequest): Promise<PermitDecision> {
    const { state } = this.#supervisor;
    if (this.#draining) return rejected("AC_DRAINING", "the runtime is draining");
    switch (state.kind) {
      case "ready":
        return this.#requestFrom(state.supervised, request);
      case "starting":
        // A start refuses nothing, so report nothing: the request waits. The handshake has a time limit.
        await this.#change();
        return this.requestPermit(request);
      case "waiting":
        return deferred(
          "the runtime died and is about to be restarted",
          state.untilMs - this.#clock.monotonicMs(),
        );
      case "escalated":
        return rejected("AC_RESTART_INTENSITY", state.message);
      case "closed":
        return rejected("AC_DRAINING", "the runtime is closed");
    }
  }

  async execute(permitId: string, task: WorkerTask, observer?: ExecutionObserver): Promise<WorkerResult> {
    const held = this.#permits.get(permitId);
    if (held === undefined || held.isExecuting) {
      const why = held === undefined ? "was not granted by this runtime, or has ended" : "is in use";
      throw new AgentCoreError("AC_PERMIT_INVALID", `permit ${permitId} ${why}`);
    }
    const { issuer, permit } = held;
    if (issuer.failure !== null) {
      this.#permits.delete(permitId);
      const message = `the runtime died before permit ${permitId} was used: ${issuer.failure}`;
      throw new AgentCoreError("AC_RUNTIME_LOST", message);
    }
    held.isExecuting = true;
    const execution: Execution = { issuer, permit, claimedAt: this.#clock.now(), started: null };
    const result = await this.#executeOn(execution, task, observer).catch((error: unknown) => {
      // A refusal does not change the permit: it may still be used for the task that it was granted for.
      held.isExecuting = false;
      throw error;
    });
    this.#permits.delete(permitId);
    return result;
  }

  async releasePermit(permitId: string): Promise<void> {
    const held = this.#permits.get(permitId);
    if (held === undefined || held.isExecuting) return;
    this.#permits.delete(permitId);
    if (held.issuer.failure === null) await unlessLost(held.issuer.wire.releasePermit(permitId));
  }

  async cancel(permitId: string, request: CancelRequest<string>): Promise<void> {
    const held = this.#permits.get(permitId);
    if (held?.issuer.failure === null) await unlessLost(held.issuer.wire.cancel(permitId, request));
  }

  /** The current load; while no process answers, the last known one. Rejects with `AC_RUNTIME_LOST` if there never was one. */
  async load(): Promise<LoadReport> {
    const load = (await this.#supervisor.ready?.wire.load()) ?? this.#supervisor.lastLoad;
    if (load === null) throw new AgentCoreError("AC_RUNTIME_LOST", "the runtime has not answered yet");
    return load;
  }

  reportQueue(queue: { readonly depth: number; readonly oldestWaitMs: number }): void {
    this.#supervisor.ready?.wire.reportQueue(queue);
  }

  renewLease(untilMs: number): void {
    this.#leaseUntilMs = untilMs;
    this.#supervisor.ready?.wire.renewLease(untilMs);
  }

  onEscalation(listener: (escalation: Escalation) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async drain(): Promise<void> {
    this.#draining = true;
    const { ready } = this.#supervisor;
    if (ready !== null) await unlessLost(ready.wire.drain());
  }

  close(): Promise<void> {
    this.#closing ??= this.#supervisor.close();
    return this.#closing;
  }

  retire(): void {
    this.#supervisor.retire();
  }

  status(): RuntimeStatus {
    return this.#supervisor.status();
  }

  onStatus(listener: (status: RuntimeStatus) => void): () => void {
    return this.#supervisor.onChange(() => listener(this.status()));
  }

  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const { state } = this.#supervisor;
        switch (state.kind) {
          case "ready":
            resolve();
            return true;
          case "escalated":
            reject(new AgentCoreError("AC_RESTART_INTENSITY", state.message));
            return true;
          case "closed":
            reject(new AgentCoreError("AC_DRAINING", "the runtime is closed"));
            return true;
          case "starting":
          case "waiting":
            return false;
        }
      };
      if (look()) return;
      const stop = this.#supervisor.onChange(() => {
        if (look()) stop();
      });
    });
  }

  /** Resolves at the next change of the process's state. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#supervisor.onChange(() => {
        stop();
        resolve();
      });
    });
  }

  async #requestFrom(issuer: SupervisedProcess, request: PermitRequest): Promise<PermitDecision> {
    try {
      const decision = await issuer.wire.requestPermit(request);
      if (decision.kind === "granted" && issuer.failure === null) {
        const { permit } = decision;
        this.#permits.set(permit.id, { issuer, permit, isExecuting: false });
      }
      return decision;
    } catch (error) {
      if (!isLost(error)) throw error;
      return deferred(error.message, askAgainMs);
    }
  }

  async #executeOn(
    execution: Execution,
    task: WorkerTask,
    observer: ExecutionObserver | undefined,
  ): Promise<WorkerResult> {
    const { issuer, permit } = execution;
    try {
      return await issuer.wire.execute(permit.id, task, this.#noting(execution, observer));
    } catch (error) {
      if (isLost(error)) return this.#endAsLost(execution, task);
      throw error;
    }
  }

  #noting(execution: Execution, observer: ExecutionObserver | undefined): ExecutionObserver {
    return {
      onEvent: (event) => observer?.onEvent?.(event),
      onStarted: (identity) => {
        execution.started = { at: this.#clock.now(), identity };
        observer?.onStarted?.(identity);
      },
    };
  }

  /**
   * Resolves when the process is gone and nothing of the worker is left, without a time limit. Rejects with `AC_RUNTIME_LOST` if
   * there provably was no worker.
   */
  async #endAsLost(
    { issuer, permit, claimedAt, started }: Execution,
    task: WorkerTask,
  ): Promise<WorkerResult> {
    await issuer.process.exited;
    const { jobId, attempt } = permit;
    const identity = started?.identity ?? null;
    while (!(await this.#isGone({ jobId, attempt, identity }))) {
      await sleep(this.#clock, proveAgainMs);
    }
    const message = `the runtime died during attempt ${attempt}: ${issuer.failure ?? "unknown"}`;
    if (
      started === null &&
      (await isProvedUnbegun(this.#neverBegan, { jobId, attempt, claimedAt }, this.#log))
    ) {
      throw new AgentCoreError("AC_RUNTIME_LOST", `${message}, before its worker was started`);
    }
    const lost = {
      jobId,
      attempt,
      permitId: permit.id,
      task,
      maxCostUsd: permit.grants.maxCostUsd,
      spendsOnlyByGate: identity?.spendsOnlyByGate === true,
    };
    const isStarted = started !== null;
    return lostResult({
      recorded: isStarted ? await spendingIfReadable(this.#spendingOfLost, lost, this.#log) : null,
      started: started === null ? null : { ...started, permit },
      claimedAt,
      now: this.#clock.now(),
      message,
    });
  }

  async #isGone(attempt: Parameters<ProveGone>[0]): Promise<boolean> {
    try {
      return await this.#proveGone(attempt);
    } catch (error) {
      const { jobId: job, ...rest } = attempt;
      this.#log.error({ error, job, ...rest }, "the sweep after a runtime's death failed; trying again");
      return false;
    }
  }

  #escalate(escalation: Escalation): void {
    const { evidence, code, message } = escalation;
    this.#log.error({ ...aboutEvidence(evidence), code }, message);
    for (const listener of this.#listeners) {
      try {
        listener(escalation);
      } catch (error) {
        this.#log.error({ error }, "a listener of escalations failed");
      }
    }
  }
}

function deferred(message: string, retryAfterMs: number): PermitDecision {
  return {
    kind: "deferred",
    code: "AC_RUNTIME_LOST",
    message,
    evidence: {},
    retryAfterMs: Math.max(1, retryAfterMs),
  };
}

function rejected(code: ErrorCode, message: string): PermitDecision {
  return { kind: "rejected", code, message, evidence: {} };
}
