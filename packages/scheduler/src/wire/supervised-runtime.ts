/**
 * A `Runtime` that outlives the process it runs in. The process is started, watched, and started again when it dies, hangs
 * or talks nonsense, up to the restart intensity; then it is given up, and every permit is refused with
 * `AC_RESTART_INTENSITY`.
 *
 * | state       | permits                            | leaves by                                     |
 * | ----------- | ---------------------------------- | --------------------------------------------- |
 * | `starting`  | deferred                           | handshake → `ready`; death → `waiting`        |
 * | `ready`     | the runtime's own answers          | death → `waiting`; drain or close → `closed`  |
 * | `waiting`   | deferred until the restart         | its delay has passed → `starting`             |
 * | `escalated` | rejected, `AC_RESTART_INTENSITY`   | never                                         |
 * | `closed`    | rejected, `AC_DRAINING`            | never                                         |
 *
 * An execution whose runtime died is not over before its worker is proved gone; then it ends as lost. So a scheduler never
 * starts another attempt beside it.
 */
import {
  AgentCoreError,
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
  type Timer,
  type WorkerResult,
  type WorkerTask,
} from "@agentcore/contract";
import type { ProveGone } from "../recovery/recovery.ts";
import { lostResult } from "../retry/charge.ts";
import { silentLog, systemClock } from "../system-ports.ts";
import { decideRestart, defaultIntensity, type RestartIntensity } from "./restart-intensity.ts";
import type { RuntimeProcess, StartRuntimeProcess } from "./runtime-process.ts";
import { WireRuntime } from "./wire-runtime.ts";

export interface SupervisedRuntimeOptions {
  readonly start: StartRuntimeProcess;
  /** Proof that a worker is gone whose runtime died. */
  readonly proveGone: ProveGone;
  readonly intensity?: RestartIntensity;
  /** Longest wait for the handshake, and for each answer that should come at once. Default 30 s. */
  readonly answerMs?: number;
  /** Longest wait for an orderly end. Default 60 s; then the process is killed. */
  readonly closeMs?: number;
  readonly client?: { readonly name: string; readonly version: string };
  readonly clock?: Clock;
  readonly log?: Log;
}

export type RuntimeState = "starting" | "ready" | "waiting" | "escalated" | "closed";

export interface RuntimeStatus {
  readonly state: RuntimeState;
  readonly pid: number | null;
  /** Restarts so far. */
  readonly restarts: number;
  /** Why the runtime died last; null: it never did. */
  readonly lastDeath: string | null;
}

export interface SupervisedRuntime extends Runtime {
  status(): RuntimeStatus;
  /** Hears of each change of state. Returns what unsubscribes. */
  onStatus(listener: (status: RuntimeStatus) => void): () => void;
  /** Resolves when the runtime can be used; rejects with `AC_RESTART_INTENSITY` where it never will, `AC_DRAINING` after `close`. */
  ready(): Promise<void>;
}

/** Starts the runtime process at once. It is used like any `Runtime` from then on, whatever happens to the process. */
export function superviseRuntime(options: SupervisedRuntimeOptions): SupervisedRuntime {
  const supervisor = new Supervisor(options);
  supervisor.launch();
  return supervisor;
}

/** One process, from its start to its end. */
interface Incarnation {
  readonly process: RuntimeProcess;
  readonly wire: WireRuntime;
  /** Permits that it granted and that have not ended. */
  readonly permits: Map<string, PermitRecord>;
  /** Why it is given up; null as long as it is of use. */
  failure: string | null;
}

type State =
  | { readonly kind: "starting" | "ready"; readonly incarnation: Incarnation }
  | { readonly kind: "waiting"; readonly untilMs: number }
  | { readonly kind: "escalated"; readonly message: string }
  | { readonly kind: "closed" };

const proveAgainMs = 1000;
const killAfterTermMs = 5000;
/** A runtime that is starting is asked again soon. */
const startingMs = 100;

class Supervisor implements SupervisedRuntime {
  readonly #start: StartRuntimeProcess;
  readonly #proveGone: ProveGone;
  readonly #intensity: RestartIntensity;
  readonly #answerMs: number;
  readonly #closeMs: number;
  readonly #client: { readonly name: string; readonly version: string };
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #escalationListeners = new Set<(escalation: Escalation) => void>();
  readonly #statusListeners = new Set<(status: RuntimeStatus) => void>();
  /** Who granted a permit that has not ended. */
  readonly #issuers = new Map<string, Incarnation>();
  #state: State = { kind: "waiting", untilMs: 0 };
  #restarts: readonly number[] = [];
  #restartCount = 0;
  #lastDeath: string | null = null;
  #lastLoad: LoadReport | null = null;
  #draining = false;
  #timer: Timer | undefined;
  #closing: Promise<void> | null = null;

  constructor(options: SupervisedRuntimeOptions) {
    this.#start = options.start;
    this.#proveGone = options.proveGone;
    this.#intensity = options.intensity ?? defaultIntensity;
    this.#answerMs = options.answerMs ?? 30_000;
    this.#closeMs = options.closeMs ?? 60_000;
    this.#client = options.client ?? { name: "@agentcore/scheduler", version: "0.1.0" };
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLog;
  }

  async requestPermit(request: PermitRequest): Promise<PermitDecision> {
    const state = this.#state;
    if (this.#draining) return rejected("AC_DRAINING", "the runtime is draining");
    switch (state.kind) {
      case "ready":
        return this.#requestFrom(state.incarnation, request);
      case "starting":
        return deferred("the runtime is starting", startingMs);
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
    const issuer = this.#issuers.get(permitId);
    const permit = issuer?.permits.get(permitId);
    if (issuer === undefined || permit === undefined) {
      throw new AgentCoreError(
        "AC_PERMIT_INVALID",
        `permit ${permitId} was not granted by this runtime, or has ended`,
      );
    }
    if (issuer.failure !== null) {
      this.#forget(permitId);
      throw new AgentCoreError(
        "AC_RUNTIME_LOST",
        `the runtime died before permit ${permitId} was used: ${issuer.failure}`,
      );
    }
    const execution: Execution = { issuer, permit, claimedAt: this.#clock.now(), started: null };
    try {
      return await issuer.wire.execute(permitId, task, this.#noting(execution, observer));
    } catch (error) {
      if (error instanceof AgentCoreError && error.code === "AC_RUNTIME_LOST")
        return await this.#endAsLost(execution);
      throw error;
    } finally {
      this.#forget(permitId);
    }
  }

  async releasePermit(permitId: string): Promise<void> {
    const issuer = this.#issuers.get(permitId);
    this.#forget(permitId);
    if (issuer?.failure === null) await unlessLost(issuer.wire.releasePermit(permitId));
  }

  async cancel(
    permitId: string,
    cause: { readonly message: string; readonly immediate?: boolean },
  ): Promise<void> {
    const issuer = this.#issuers.get(permitId);
    if (issuer?.failure === null) await unlessLost(issuer.wire.cancel(permitId, cause));
  }

  /** While no process answers, the last that was heard of one. Rejects with `AC_RUNTIME_LOST` where there never was any. */
  async load(): Promise<LoadReport> {
    const state = this.#state;
    if (state.kind === "ready") this.#lastLoad = await state.incarnation.wire.load();
    if (this.#lastLoad === null)
      throw new AgentCoreError("AC_RUNTIME_LOST", "the runtime has not answered yet");
    return this.#lastLoad;
  }

  reportQueue(queue: { readonly depth: number; readonly oldestWaitMs: number }): void {
    if (this.#state.kind === "ready") this.#state.incarnation.wire.reportQueue(queue);
  }

  onEscalation(listener: (escalation: Escalation) => void): () => void {
    this.#escalationListeners.add(listener);
    return () => this.#escalationListeners.delete(listener);
  }

  async drain(): Promise<void> {
    this.#draining = true;
    if (this.#state.kind === "ready") await unlessLost(this.#state.incarnation.wire.drain());
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  status(): RuntimeStatus {
    const state = this.#state;
    const pid = state.kind === "starting" || state.kind === "ready" ? state.incarnation.process.pid : null;
    return { state: state.kind, pid, restarts: this.#restartCount, lastDeath: this.#lastDeath };
  }

  onStatus(listener: (status: RuntimeStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const state = this.#state;
        if (state.kind === "ready") resolve();
        else if (state.kind === "escalated")
          reject(new AgentCoreError("AC_RESTART_INTENSITY", state.message));
        else if (state.kind === "closed") reject(new AgentCoreError("AC_DRAINING", "the runtime is closed"));
        else return false;
        return true;
      };
      if (look()) return;
      const stop = this.onStatus(() => look() && stop());
    });
  }

  /** Starts a process. Never throws: one that cannot be started has died. */
  launch(): void {
    let process: RuntimeProcess;
    try {
      process = this.#start();
    } catch (error) {
      return this.#onDeath(error instanceof Error ? error.message : String(error));
    }
    const incarnation: Incarnation = {
      process,
      permits: new Map(),
      failure: null,
      wire: new WireRuntime({
        output: process.output,
        input: process.input,
        clock: this.#clock,
        log: this.#log,
        client: this.#client,
        answerMs: this.#answerMs,
        onEscalation: (escalation) => this.#escalate(escalation),
        onFailed: (why) => this.#giveUp(incarnation, why),
      }),
    };
    this.#enter({ kind: "starting", incarnation });
    void process.exited.then((how) => this.#onExit(incarnation, how));
    incarnation.wire.handshake().then(
      () => {
        if (this.#state.kind === "starting" && incarnation.failure === null)
          this.#enter({ kind: "ready", incarnation });
      },
      (error: unknown) => this.#giveUp(incarnation, error instanceof Error ? error.message : String(error)),
    );
  }

  async #requestFrom(incarnation: Incarnation, request: PermitRequest): Promise<PermitDecision> {
    try {
      const decision = await incarnation.wire.requestPermit(request);
      if (decision.kind === "granted" && incarnation.failure === null) {
        incarnation.permits.set(decision.permit.id, decision.permit);
        this.#issuers.set(decision.permit.id, incarnation);
      }
      return decision;
    } catch (error) {
      if (!(error instanceof AgentCoreError) || error.code !== "AC_RUNTIME_LOST") throw error;
      return deferred(error.message, startingMs);
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

  /** Resolves when the process is gone and nothing of the worker is left, however long that takes. */
  async #endAsLost({ issuer, permit, claimedAt, started }: Execution): Promise<WorkerResult> {
    await issuer.process.exited;
    const { jobId, attempt } = permit;
    const identity = started?.identity ?? null;
    while (!(await this.#isGone({ jobId, attempt, identity }))) {
      await new Promise<void>((resolve) => this.#clock.setTimer(proveAgainMs, resolve));
    }
    const message = `the runtime died during attempt ${attempt}: ${issuer.failure ?? "unknown"}`;
    return lostResult({
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
      this.#log.error({ error, ...attempt }, "the sweep after a runtime's death failed; trying again");
      return false;
    }
  }

  #forget(permitId: string): void {
    this.#issuers.get(permitId)?.permits.delete(permitId);
    this.#issuers.delete(permitId);
  }

  /** The process lives and is of no use: it is killed, and its exit does the rest. */
  #giveUp(incarnation: Incarnation, why: string): void {
    if (incarnation.failure !== null) return;
    this.#log.error({ why, pid: incarnation.process.pid }, "the runtime is given up");
    incarnation.failure = why;
    incarnation.process.kill("SIGKILL");
  }

  #onExit(incarnation: Incarnation, how: string): void {
    incarnation.failure ??= how;
    incarnation.wire.end(`the runtime died: ${incarnation.failure}`);
    this.#lastLoad = incarnation.wire.lastLoad ?? this.#lastLoad;
    if (this.#state.kind !== "closed") this.#onDeath(incarnation.failure);
  }

  #onDeath(how: string): void {
    this.#lastDeath = how;
    const nowMs = this.#clock.monotonicMs();
    const decision = decideRestart(this.#restarts, nowMs, this.#intensity);
    if (decision.kind === "escalate") return this.#escalateIntensity(how);
    this.#restarts = decision.restarts;
    this.#restartCount += 1;
    this.#log.warn({ how, delayMs: decision.delayMs }, "the runtime died; restarting it");
    this.#enter({ kind: "waiting", untilMs: nowMs + decision.delayMs });
    this.#timer = this.#clock.setTimer(decision.delayMs, () => this.launch());
  }

  #escalateIntensity(how: string): void {
    const { max, windowMs } = this.#intensity;
    const message = `the runtime died again after ${max} restarts in ${windowMs} ms and is not restarted any more: ${how}`;
    this.#enter({ kind: "escalated", message });
    const evidence = { restarts: max, windowMs, lastDeath: how };
    const at = this.#clock.now();
    this.#escalate({
      stage: "global_stop",
      code: "AC_RESTART_INTENSITY",
      target: "runtime",
      message,
      evidence,
      at,
    });
  }

  #escalate(escalation: Escalation): void {
    this.#log.error({ ...escalation.evidence, code: escalation.code }, escalation.message);
    for (const listener of this.#escalationListeners) listener(escalation);
  }

  #enter(state: State): void {
    this.#state = state;
    for (const listener of this.#statusListeners) listener(this.status());
  }

  async #close(): Promise<void> {
    const state = this.#state;
    this.#timer?.cancel();
    const incarnation = state.kind === "starting" || state.kind === "ready" ? state.incarnation : null;
    this.#enter({ kind: "closed" });
    if (incarnation === null) return;
    const { process, wire } = incarnation;
    const term = this.#clock.setTimer(this.#closeMs, () => process.kill("SIGTERM"));
    const kill = this.#clock.setTimer(this.#closeMs + killAfterTermMs, () => process.kill("SIGKILL"));
    if (state.kind === "ready") await unlessLost(wire.shutdown());
    process.input.end();
    await process.exited;
    term.cancel();
    kill.cancel();
    wire.end("the runtime was closed");
  }
}

interface Execution {
  readonly issuer: Incarnation;
  readonly permit: PermitRecord;
  readonly claimedAt: number;
  started: { readonly at: number; readonly identity: RunIdentity } | null;
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

/** What cannot be asked of a dead runtime has come to pass by its death. */
async function unlessLost(asked: Promise<void>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!(error instanceof AgentCoreError) || error.code !== "AC_RUNTIME_LOST") throw error;
  }
}
