/**
 * The staged defense, as pure decisions: the stage of a target after the next piece of evidence. Each stage gets time to
 * work (`step`) before the next one, and is left one at a time when the evidence is gone.
 *
 *   a worker  : none → open_breaker → isolate_worker → none when the isolation is over
 *   everything: none → shed (batch work waits) → throttle (half the concurrency) → global_stop, which only a restart ends
 *
 * At any stage, everything stops at once if too many workers are isolated or too many runs could not be ended, because the
 * runtime then no longer keeps its promises.
 */
import type { WatchdogConfig } from "../config/watchdog-config.ts";
import type { Concentration } from "./recent-runs.ts";

export type WorkerStage = "none" | "open_breaker" | "isolate_worker";
export type GlobalStage = "none" | "shed" | "throttle" | "global_stop";

export interface Staged<Stage> {
  readonly stage: Stage;
  /** When the stage was reached, on the monotonic clock. */
  readonly sinceMs: number;
}

export interface WorkerEvidence {
  readonly concentration: Concentration | null;
  /** The run that just ended showed that the worker functions. */
  readonly worked: boolean;
}

export function nextWorkerStage(
  now: Staged<WorkerStage>,
  evidence: WorkerEvidence,
  nowMs: number,
  config: WatchdogConfig,
): Staged<WorkerStage> {
  switch (now.stage) {
    case "none":
      return evidence.concentration === null ? now : { stage: "open_breaker", sinceMs: nowMs };
    case "open_breaker":
      if (evidence.worked) return { stage: "none", sinceMs: nowMs };
      return evidence.concentration !== null && nowMs - now.sinceMs >= config.step
        ? { stage: "isolate_worker", sinceMs: nowMs }
        : now;
    case "isolate_worker":
      return nowMs - now.sinceMs >= config.isolation ? { stage: "none", sinceMs: nowMs } : now;
  }
}

export interface GlobalEvidence {
  /** Failures of workers and providers among all recent runs. */
  readonly concentration: Concentration | null;
  readonly isolatedWorkers: number;
  /** Runs whose processes could not be ended, or that do not end although they were stopped. */
  readonly unstoppable: number;
}

const milder: Readonly<Record<GlobalStage, GlobalStage>> = {
  none: "none",
  shed: "none",
  throttle: "shed",
  global_stop: "global_stop",
};

const harsher: Readonly<Record<GlobalStage, GlobalStage>> = {
  none: "shed",
  shed: "throttle",
  throttle: "throttle",
  global_stop: "global_stop",
};

export function nextGlobalStage(
  now: Staged<GlobalStage>,
  evidence: GlobalEvidence,
  nowMs: number,
  config: WatchdogConfig,
): Staged<GlobalStage> {
  if (now.stage === "global_stop") return now;
  if (
    evidence.unstoppable >= config.uncontained_max ||
    evidence.isolatedWorkers >= config.isolated_workers_max
  ) {
    return { stage: "global_stop", sinceMs: nowMs };
  }
  const stage = evidence.concentration === null ? milder[now.stage] : harsher[now.stage];
  const mayChange = now.stage === "none" || nowMs - now.sinceMs >= config.step;
  return stage !== now.stage && mayChange ? { stage, sinceMs: nowMs } : now;
}
