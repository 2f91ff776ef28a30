/**
 * Decides which events start which runs, and when: a pure function over plain state. The engine gives it inputs one after
 * another, makes `changes` durable, and only then performs `effects`.
 */
import type { DaemonDefinition } from "../definition.ts";
import type { Firing, RunOutcome } from "../firing.ts";
import type { TriggerEvent } from "../trigger-event.ts";
import type { TriggerState } from "../trigger-state.ts";
import type { Evaluation } from "../trigger-runner.ts";

export interface MachineState {
  readonly definition: DaemonDefinition;
  /** Each trigger of the definition has one. Those of removed triggers stay: what they spent counts for the daemon. */
  readonly triggers: ReadonlyMap<string, TriggerState>;
  /** Open firings, in the order of their events, by id. */
  readonly open: ReadonlyMap<string, Firing>;
  /** After the start of a shutdown: no run begins. */
  readonly isDraining: boolean;
}

export type MachineInput =
  | { readonly type: "event"; readonly event: TriggerEvent }
  /** Time has passed, or the daemon has just started. */
  | { readonly type: "time" }
  | { readonly type: "evaluated"; readonly firing: string; readonly evaluation: Evaluation }
  | {
      readonly type: "run_ended";
      readonly firing: string;
      readonly outcome: RunOutcome;
      readonly message: string | null;
      readonly costUsd: number | null;
      readonly tokens: number | null;
    }
  /** The analysis of a run has ended, however it did. */
  | { readonly type: "analyzed"; readonly firing: string }
  | { readonly type: "pause"; readonly trigger: string; readonly note: string }
  | { readonly type: "resume"; readonly trigger: string }
  | { readonly type: "cancel"; readonly firing: string; readonly reason: string }
  | { readonly type: "reload"; readonly definition: DaemonDefinition }
  | { readonly type: "drain" };

export type MachineEffect =
  | { readonly type: "evaluate"; readonly firing: Firing }
  /** Start the run of the firing, whose state is `running`. */
  | { readonly type: "run"; readonly firing: Firing }
  /** Of a firing that is `running`, its run; of one that is `analyzing`, its analysis. */
  | { readonly type: "cancel_run"; readonly firing: Firing; readonly reason: string }
  | { readonly type: "analyze"; readonly firing: Firing };

export interface Decision {
  readonly state: MachineState;
  /** To be made durable in one commit, before any effect. Firings that ended or were skipped are no longer in `state.open`. */
  readonly changes: { readonly firings: readonly Firing[]; readonly triggers: readonly TriggerState[] };
  readonly effects: readonly MachineEffect[];
}

/** What a decision takes from outside; the caller provides it, so that the same call gives the same result. */
export interface DecisionFacts {
  /** Wall clock, in ms since the epoch. */
  readonly now: number;
  /** Next id of a firing or run. */
  readonly nextId: () => string;
  /** In [0, 1), for the jitter. */
  readonly random: () => number;
  /** Events of open firings. */
  readonly eventOf: (id: string) => TriggerEvent | undefined;
}
