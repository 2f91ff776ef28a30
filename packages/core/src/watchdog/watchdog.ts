/**
 * The watchdog: keeps the watch of each run and the stage of each target, calls the pure functions beside it with each new
 * fact, and applies their decisions to the gate. It has no timer: the runtime calls `tick` at `nextDueMs`. Every measure is
 * reported to the listeners of escalations, with its code and evidence.
 */
import type {
  Clock,
  Denial,
  DefenseStage,
  Escalation,
  ProbeOutput,
  ProbeSpec,
  StopCause,
  WireActivity,
  WorkerEvent,
  WorkerResult,
} from "@agentcore/contract";
import type { RuntimeConfig } from "../config/runtime-config.ts";
import type { Gate } from "../gate/gate.ts";
import type { LivePermit } from "../gate/permit.ts";
import type { WorkerTarget } from "../gate/targets.ts";
import {
  type GlobalStage,
  nextGlobalStage,
  nextWorkerStage,
  type Staged,
  type WorkerStage,
} from "./defense.ts";
import { Probing } from "./probing.ts";
import { type Concentration, RecentRuns } from "./recent-runs.ts";
import { runLimitsOf } from "./run-limits.ts";
import { nextDueMs, type RunWatch, startWatch, stepWatch, type WatchInput } from "./run-watch.ts";
import { blameOf, healthOf } from "./run-health.ts";
import { callsEvent } from "./wire-watch.ts";

export interface WatchdogOptions {
  readonly config: RuntimeConfig;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly escalate: (escalation: Escalation) => void;
  /** `nextDueMs` may have become earlier. */
  readonly onDue: () => void;
  /** Stops all runs. */
  readonly cancelAll: (reason: StopCause) => void;
}

/** What the watchdog asks of a run besides stopping it. */
export interface RunVoice {
  /** Passes an event of the runtime's own to the run's observer. */
  readonly tell: (event: WorkerEvent) => void;
  /** See `WorkerRun.endAsReported`. Returns false if the runner has no such way. */
  readonly endAsReported: (reason: string) => boolean;
}

/** One watched run. */
export interface WatchedRun {
  readonly permit: LivePermit;
  readonly voice: RunVoice;
  watch: RunWatch;
  /** When it was asked to stop, on the monotonic clock. */
  stoppedAtMs: number | null;
  isSlowToStop: boolean;
  /** Null until its worker has begun, and for a task without a probe. */
  probing: Probing | null;
  /** The last `calls` event. */
  calls: Extract<WorkerEvent, { type: "calls" }> | null;
}

/** What is needed to probe a run. */
export interface ProbeOptions {
  readonly spec: ProbeSpec;
  readonly look: () => Promise<ProbeOutput | null>;
}

const everything = "global";

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #runs = new Set<WatchedRun>();
  readonly #workerRuns: RecentRuns;
  readonly #workspaceRuns: RecentRuns;
  readonly #allRuns: RecentRuns;
  readonly #workerStages = new Map<string, Staged<WorkerStage>>();
  #global: Staged<GlobalStage> = { stage: "none", sinceMs: -Infinity };
  #uncontained = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    const {
      concentration_runs: runs,
      concentration_share: share,
      concentration_within: withinMs,
    } = options.config.watchdog;
    this.#workerRuns = new RecentRuns({ runs, share, withinMs });
    this.#workspaceRuns = new RecentRuns({ runs, share, withinMs });
    this.#allRuns = new RecentRuns({ runs: 2 * runs, share, withinMs });
  }

  /** Begins to watch a permit's run. Its wall-clock limit counts from the issue of the permit. */
  watch(permit: LivePermit, voice: RunVoice): WatchedRun {
    const nowMs = this.#options.clock.monotonicMs();
    const { request, grants, holds } = permit;
    const { adapter } = holds.chain.worker;
    const limits = runLimitsOf({ request, grants, adapter }, this.#options.config.watchdog);
    const watch = startWatch(limits, holds.issuedAtMs, nowMs);
    const nothing = { stoppedAtMs: null, isSlowToStop: false, probing: null, calls: null };
    const run: WatchedRun = { permit, voice, watch, ...nothing };
    permit.signal.onChange(() => {
      run.stoppedAtMs ??= this.#options.clock.monotonicMs();
      run.probing?.end();
    });
    this.#runs.add(run);
    return run;
  }

  /** Begins to probe a run whose worker has just been released. */
  probe(run: WatchedRun, parts: ProbeOptions): void {
    if (run.stoppedAtMs !== null || run.probing !== null) return;
    const { clock, onDue } = this.#options;
    run.probing = new Probing({
      ...parts,
      tell: run.voice.tell,
      clock,
      onDue,
      stop: (reason) => run.permit.cancellation.cancel({ reason }),
      onActivity: () => this.#step(run, { kind: "activity" }, clock.monotonicMs()),
    });
    onDue();
  }

  event(run: WatchedRun, event: WorkerEvent): void {
    this.#step(run, { kind: "event", event }, this.#options.clock.monotonicMs());
  }

  /** What the spend gate sees of the run's calls: whenever a number changes. */
  wire(run: WatchedRun, activity: WireActivity): void {
    if (run.stoppedAtMs === null)
      this.#step(run, { kind: "wire", activity }, this.#options.clock.monotonicMs());
  }

  #step(run: WatchedRun, input: WatchInput, nowMs: number): void {
    const { watch, stop, exitOverdue } = stepWatch(run.watch, input, nowMs);
    run.watch = watch;
    const isEnding = exitOverdue !== null && run.voice.endAsReported(exitOverdue.message);
    const cause = stop ?? (isEnding ? null : exitOverdue);
    if (cause !== null) run.permit.cancellation.cancel({ reason: cause });
  }

  #tellCalls(run: WatchedRun): void {
    const calls = callsEvent(run.watch.wire, run.calls);
    if (calls === null) return;
    run.calls = calls;
    run.voice.tell(calls);
  }

  /** Whether a stage of the defense is active that only time can end: `tick` must then be called even while nothing runs. */
  get isOnGuard(): boolean {
    if (this.#global.stage === "shed" || this.#global.stage === "throttle") return true;
    return [...this.#workerStages.values()].some(({ stage }) => stage === "isolate_worker");
  }

  /** The latest moment for the next `tick`; `Infinity` if nothing is watched. */
  nextDueMs(): number {
    let due = Infinity;
    const nowMs = this.#options.clock.monotonicMs();
    for (const run of this.#runs) due = Math.min(due, this.#dueOf(run, nowMs));
    return due;
  }

  #dueOf(run: WatchedRun, nowMs: number): number {
    if (run.stoppedAtMs === null)
      return Math.min(nextDueMs(run.watch, nowMs), run.probing?.nextDueMs() ?? Infinity);
    return run.isSlowToStop ? Infinity : run.stoppedAtMs + this.#options.config.watchdog.cancel_slow;
  }

  /** `sleptMs`: how long the runtime was suspended. */
  tick(sleptMs: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    const input: WatchInput = sleptMs > 0 ? { kind: "woke", sleptMs } : { kind: "tick" };
    for (const run of this.#runs) {
      if (run.stoppedAtMs === null) {
        this.#step(run, input, nowMs);
        run.probing?.tick();
        this.#tellCalls(run);
      } else this.#checkStopping(run, nowMs);
    }
    for (const worker of this.#options.gate.targets.workers.values()) this.#judgeWorker(worker, false, nowMs);
    this.#judgeEverything(nowMs);
    this.#options.gate.locks.liftExpired(nowMs);
  }

  #checkStopping(run: WatchedRun, nowMs: number): void {
    const { cancel_slow: limitMs } = this.#options.config.watchdog;
    const sinceMs = nowMs - (run.stoppedAtMs ?? nowMs);
    if (run.isSlowToStop || sinceMs < limitMs) return;
    run.isSlowToStop = true;
    const { permit } = run;
    this.#escalate("notify", `worker:${permit.worker}`, {
      code: "AC_CANCEL_SLOW",
      message: `a run of ${permit.worker} is still there ${Math.round(sinceMs)} ms after it was told to stop`,
      evidence: { permitId: permit.id, jobId: permit.jobId, workspace: permit.workspace, sinceMs, limitMs },
    });
  }

  /** Records how a run ended. Call after the gate has ended its permit. */
  ended(run: WatchedRun, result: WorkerResult): void {
    this.#runs.delete(run);
    run.probing?.end();
    const nowMs = this.#options.clock.monotonicMs();
    const { permit } = run;
    const blame = blameOf(result);
    const {
      chain: { worker },
      workspace: { path: directory },
    } = permit.holds;
    if ((result.containment?.survivors ?? 0) > 0) this.#quarantine(permit, result);
    const isEvidence = blame !== "none" || result.outcome === "succeeded";
    if (isEvidence) {
      this.#workerRuns.add(worker.name, blame === "worker", nowMs);
      this.#allRuns.add(everything, blame === "worker", nowMs);
      // While the worker is suspect, its failures say nothing about the workspace. A failed task never does: the steps of a
      // workflow share one workspace, and their tests are expected to find failures.
      if (this.#stageOf(worker).stage === "none")
        this.#workspaceRuns.add(directory, blame === "worker", nowMs);
    }
    this.#judgeWorker(worker, healthOf(result).worker === "success", nowMs);
    if (this.#stageOf(worker).stage === "none") this.#judgeWorkspace(directory, nowMs);
    this.#judgeEverything(nowMs);
  }

  #stageOf(worker: WorkerTarget): Staged<WorkerStage> {
    return this.#workerStages.get(worker.name) ?? { stage: "none", sinceMs: -Infinity };
  }

  #judgeWorker(worker: WorkerTarget, worked: boolean, nowMs: number): void {
    const before = this.#stageOf(worker);
    // Behind an open breaker only probes run, each later than the last, so fewer runs are sufficient evidence.
    const isProbed = before.stage === "open_breaker";
    const runs = this.#options.config.watchdog.concentration_runs;
    const runsMin = isProbed ? Math.max(2, Math.ceil(runs / 3)) : runs;
    const concentration = this.#workerRuns.concentration(worker.name, nowMs, runsMin);
    const after = nextWorkerStage(before, { concentration, worked }, nowMs, this.#options.config.watchdog);
    if (after === before) return;
    this.#workerStages.set(worker.name, after);
    this.#workerRuns.clear(worker.name);
    const denial = concentrated(`worker ${worker.name}`, concentration);
    if (after.stage === "open_breaker") {
      // A breaker that opened by its own count was reported then.
      const wasShut = worker.breaker.trip(nowMs, `failed in ${ofLast(concentration)} runs`);
      if (wasShut) this.#escalate("open_breaker", `worker:${worker.name}`, denial);
    }
    if (after.stage === "isolate_worker") {
      worker.isolatedUntilMs = nowMs + this.#options.config.watchdog.isolation;
      worker.isolationReason = denial.message;
      this.#escalate("isolate_worker", `worker:${worker.name}`, { ...denial, code: "AC_WORKER_ISOLATED" });
    }
  }

  #judgeWorkspace(workspace: string, nowMs: number): void {
    const concentration = this.#workspaceRuns.concentration(workspace, nowMs);
    if (concentration === null) return;
    this.#workspaceRuns.clear(workspace);
    const denial = {
      ...concentrated(`workspace ${workspace}`, concentration),
      code: "AC_WORKSPACE_ISOLATED",
    } as const;
    const untilMs = nowMs + this.#options.config.watchdog.isolation;
    this.#options.gate.locks.quarantine(workspace, { ...denial, untilMs });
    this.#escalate("isolate_workspace", `workspace:${workspace}`, denial);
  }

  #judgeEverything(nowMs: number): void {
    const { gate, config, cancelAll } = this.#options;
    const before = this.#global;
    const isolatedWorkers = countOf(gate.targets.workers.values(), (one) => nowMs < one.isolatedUntilMs);
    const slow = countOf(this.#runs, (run) => run.isSlowToStop);
    const concentration = this.#allRuns.concentration(everything, nowMs);
    const evidence = { concentration, isolatedWorkers, unstoppable: this.#uncontained + slow };
    this.#global = nextGlobalStage(before, evidence, nowMs, config.watchdog);
    const { stage } = this.#global;
    if (stage === before.stage) return;
    this.#allRuns.clear(everything);
    gate.restrictions.shedsBatch = stage === "shed" || stage === "throttle";
    const { concurrency } = config.limits.global;
    gate.targets.root.concurrencyLimit =
      stage === "throttle" ? Math.max(1, Math.floor(concurrency / 2)) : concurrency;
    if (stage === "global_stop") {
      const message = `everything was stopped: ${isolatedWorkers} workers isolated, ${evidence.unstoppable} runs could not be ended`;
      const denial: Denial = {
        code: "AC_GLOBAL_STOP",
        message,
        evidence: { isolatedWorkers, uncontained: this.#uncontained, slow },
      };
      gate.restrictions.stoppedBecause = message;
      this.#escalate("global_stop", everything, denial);
      cancelAll({ kind: "isolated", ...denial });
    } else if (stage !== "none" && concentration !== null) {
      this.#escalate(stage, everything, concentrated("all workers together", concentration));
    }
  }

  #quarantine(permit: LivePermit, result: WorkerResult): void {
    this.#uncontained += 1;
    const { survivors = 0, level, implementation } = result.containment ?? {};
    const denial: Denial = {
      code: "AC_UNCONTAINED",
      message: `${survivors} processes of job ${permit.jobId} (attempt ${permit.attempt}) could not be ended`,
      evidence: {
        permitId: permit.id,
        jobId: permit.jobId,
        survivors,
        level: level ?? null,
        implementation: implementation ?? null,
      },
    };
    const { path: directory } = permit.holds.workspace;
    this.#options.gate.locks.quarantine(directory, { ...denial, untilMs: Infinity });
    this.#escalate("isolate_workspace", `workspace:${directory}`, denial);
  }

  #escalate(stage: DefenseStage, target: string, denial: Denial): void {
    this.#options.escalate({ stage, target, at: this.#options.clock.now(), ...denial });
  }
}

function countOf<T>(items: Iterable<T>, matches: (item: T) => boolean): number {
  let count = 0;
  for (const item of items) if (matches(item)) count += 1;
  return count;
}

function ofLast(concentration: Concentration | null): string {
  const { runs, failures } = concentration ?? { runs: 0, failures: 0 };
  return `${failures} of its last ${runs}`;
}

function concentrated(what: string, concentration: Concentration | null): Denial {
  const { runs, failures } = concentration ?? { runs: 0, failures: 0 };
  const message = `${failures} of the last ${runs} runs of ${what} failed`;
  return { code: "AC_FAILURE_CONCENTRATION", message, evidence: { runs, failures } };
}
