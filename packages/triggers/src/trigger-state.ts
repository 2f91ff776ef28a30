/** What is kept of a trigger between events. */
import type { RunOutcome } from "./firing.ts";

export interface TriggerState {
  readonly id: string;
  /** Null: not paused. */
  readonly pause: Pause | null;
  /** Failed runs since the last one that succeeded. */
  readonly failuresInARow: number;
  /** Runs begun so far, retries not counted. */
  readonly runs: number;
  /** No run begins before this moment. */
  readonly cooldownUntil: number;
  readonly lastResult: LastResult | null;
  /** Of the current window of the trigger's budget. */
  readonly spent: SpentInWindow | null;
}

export interface Pause {
  readonly at: number;
  /** `failures`: by `on_workflow_failure: pause_trigger`. `damage`: its stored state could not be read. */
  readonly by: "person" | "failures" | "damage";
  readonly note: string;
}

export interface LastResult {
  readonly run: string;
  readonly event: string;
  readonly status: RunOutcome;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly costUsd: number | null;
}

export interface SpentInWindow {
  /** Start of the window. */
  readonly since: number;
  readonly costUsd: number;
  readonly tokens: number;
}
