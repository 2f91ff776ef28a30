/**
 * Workers that do nothing but take time on the virtual clock, fail as their script says, spend, obey a stop after a while,
 * and may outlive the runtime that started them. Everything they do is in the truth ledger.
 */
import {
  unknownUsage,
  type CancelRequest,
  type Clock,
  type Outcome,
  type RunRequest,
  type StopCause,
  type Timer,
  type WorkerResult,
  type WorkerRun,
  type WorkerRunner,
} from "@agentcore/contract";
import type { AttemptScript } from "./plan.ts";
import type { Truth, TruthLine } from "./truth.ts";

export interface SimRunnerOptions {
  readonly process: string;
  /** The clock of the world, which goes on when a process is dead. */
  readonly clock: Clock;
  readonly truth: Truth;
  /** Its boxes are sealed and end with the runtime, or with the lease. */
  readonly isSealed: boolean;
  readonly scriptOf: (jobId: string, attempt: number) => AttemptScript;
  /** A run that its killed runtime saw to its end, too late to deliver the result. */
  readonly onSpooled: (
    run: { readonly jobId: string; readonly attempt: number },
    permitId: string,
    result: WorkerResult,
  ) => void;
}

/** Less than half of any lease: a runtime whose scheduler was killed has so much time to bring a run to its end. */
const lastMomentsMs = 500;

const endings: Readonly<Record<StopCause["kind"], Pick<WorkerResult, "outcome" | "errorClass">>> = {
  cancelled: { outcome: "cancelled", errorClass: "cancelled" },
  deadline: { outcome: "timed_out", errorClass: "timeout" },
  stalled: { outcome: "stalled", errorClass: "stalled" },
  budget: { outcome: "budget_exhausted", errorClass: "budget_exhausted" },
  runtime_lost: { outcome: "lost", errorClass: "lost" },
  isolated: { outcome: "cancelled", errorClass: "cancelled" },
};

export class SimRunner implements WorkerRunner {
  readonly containmentLevel = "sealed";
  readonly #options: SimRunnerOptions;
  readonly #runs = new Set<SimRun>();

  constructor(options: SimRunnerOptions) {
    this.#options = options;
  }

  start(request: RunRequest): WorkerRun {
    const run = new SimRun(request, this.#options, () => this.#runs.delete(run));
    this.#runs.add(run);
    run.begin();
    return run;
  }

  /** The runtime is killed; its workers die with it, some a little later. */
  kill(): void {
    for (const run of this.#runs) run.onRuntimeKilled();
  }

  /** A sweep looks for what is left of an attempt and kills it. Answers whether nothing is left. */
  sweep(jobId: string, attempt: number): boolean {
    for (const run of this.#runs) if (run.is(jobId, attempt)) run.die();
    return true;
  }
}

class SimRun implements WorkerRun {
  readonly result: Promise<WorkerResult>;
  readonly #resolve: (result: WorkerResult) => void;
  readonly #request: RunRequest;
  readonly #options: SimRunnerOptions;
  readonly #script: AttemptScript;
  readonly #onEnd: () => void;
  readonly #line: TruthLine;
  readonly #startedAt: number;
  #timer: Timer | undefined;
  #cause: StopCause | null = null;

  constructor(request: RunRequest, options: SimRunnerOptions, onEnd: () => void) {
    const { jobId, attempt } = request.permit;
    this.#request = request;
    this.#options = options;
    this.#onEnd = onEnd;
    this.#script = options.scriptOf(jobId, attempt);
    this.#startedAt = options.clock.now();
    const settled = Promise.withResolvers<WorkerResult>();
    this.result = settled.promise;
    this.#resolve = settled.resolve;
    this.#line = options.truth.begin({
      jobId,
      attempt,
      workspace: request.task.workspace,
      process: options.process,
      startedAtMs: options.clock.monotonicMs(),
    });
  }

  is(jobId: string, attempt: number): boolean {
    return this.#line.jobId === jobId && this.#line.attempt === attempt;
  }

  begin(): void {
    const { permit, onStarted, onEvent } = this.#request;
    onStarted?.({
      marker: permit.id,
      implementation: "simulated",
      hostPid: 1,
      hostPidStartTicks: null,
      pidNamespace: null,
      cgroupPath: null,
      bootId: null,
    });
    onEvent({ type: "started", session: null, model: null });
    const { durationMs } = this.#script;
    if (durationMs !== Infinity) this.#after(durationMs, () => this.#finish());
    permit.signal.onChange((request) => this.#stop(request));
  }

  onRuntimeKilled(): void {
    const { isSealed } = this.#options;
    const { spooledAfterKill, durationMs, graceMs, lingerMs } = this.#script;
    if (spooledAfterKill && durationMs !== Infinity && (!isSealed || graceMs < lastMomentsMs)) {
      this.#after(graceMs, () => this.#spool());
    } else {
      this.#after(isSealed ? 0 : lingerMs, () => this.die());
    }
  }

  /** Killed from outside: nobody hears of it from the worker itself. */
  die(): void {
    this.#end(false);
    this.#resolve({ ...this.#resultOf("failed"), errorClass: "worker_crashed", code: "AC_WORKER_SIGNAL" });
  }

  #after(delayMs: number, act: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(delayMs, act);
  }

  #stop({ reason, force = false }: CancelRequest<StopCause>): void {
    if (this.#line.endedAtMs !== null) return;
    this.#cause = reason;
    this.#after(force ? 0 : this.#script.graceMs, () => this.#finish());
  }

  #finish(): void {
    if (this.#line.endedAtMs !== null) return;
    const cause = this.#cause;
    const { errorClass, retryAfterMs } = this.#script;
    this.#end(cause === null && errorClass === null);
    if (cause !== null)
      this.#resolve({ ...this.#resultOf("failed"), ...endings[cause.kind], code: cause.code });
    else if (errorClass === null) this.#resolve(this.#resultOf("succeeded"));
    else this.#resolve({ ...this.#resultOf("failed"), errorClass, retryAfterMs });
  }

  #spool(): void {
    if (this.#line.endedAtMs !== null) return;
    const { permit } = this.#request;
    this.#end(true);
    this.#line.spooled = true;
    this.#options.onSpooled(this.#line, permit.id, this.#resultOf("succeeded"));
  }

  #end(succeeded: boolean): void {
    if (this.#line.endedAtMs !== null) return;
    this.#timer?.cancel();
    this.#line.endedAtMs = this.#options.clock.monotonicMs();
    this.#line.succeeded = succeeded;
    this.#line.costUsd = this.#costUsd();
    this.#onEnd();
  }

  /** A worker keeps to the ceiling that its permit grants it; one without a provider spends nothing. */
  #costUsd(): number {
    const { provider, grants } = this.#request.permit;
    return provider === null ? 0 : this.#script.costShare * (grants.maxCostUsd ?? 1);
  }

  #resultOf(outcome: Outcome): WorkerResult {
    const { provider } = this.#request.permit;
    return {
      outcome,
      errorClass: null,
      code: null,
      retryAfterMs: null,
      summary: outcome,
      artifacts: [],
      observations: { commands: [], filesChanged: [] },
      usage: unknownUsage,
      costUsd: provider === null ? null : this.#line.costUsd,
      costBasis: provider === null ? "none" : "reported",
      session: null,
      exitCode: null,
      containment: null,
      startedAt: this.#startedAt,
      durationMs: Math.max(0, this.#options.clock.now() - this.#startedAt),
    };
  }
}
