/** What is kept of a trigger between events. */
import type { BudgetWindow } from "./definition.ts";
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
  /** What its ended runs spent; null: none has ended. The daemon's own spending is the sum over all triggers. */
  readonly spent: SpentByWindow | null;
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

/** In the latest window of each length, so that a budget of another length counts at once what was spent before. */
export type SpentByWindow = Readonly<Record<BudgetWindow, SpentInWindow>>;

export interface SpentInWindow {
  /** Start of the window. */
  readonly since: number;
  readonly costUsd: number;
  readonly tokens: number;
}
