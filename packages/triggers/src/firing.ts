/** A firing: one event at one trigger, from the decision to the end of its run. */
import type { SkipReason } from "./trigger-event.ts";

export interface Firing {
  readonly id: string;
  readonly trigger: string;
  /** Id of the event. */
  readonly event: string;
  /** When the event came. */
  readonly at: number;
  /** Rendered idempotency key; null: none. */
  readonly key: string | null;
  readonly state: FiringState;
}

/**
 * The id of a run is chosen before it starts, and is in the same commit as the state `running`: after a crash the run is
 * found by it, and resumed or started, so that it exists once.
 */
export type FiringState =
  /** `notBefore`: debounce, jitter, cooldown or the delay before a retry. `attempt` counts the runs of this firing, from 1. */
  | { readonly kind: "waiting"; readonly notBefore: number; readonly attempt: number }
  | { readonly kind: "evaluating"; readonly startedAt: number; readonly attempt: number }
  | {
      readonly kind: "running";
      readonly run: string;
      readonly startedAt: number;
      readonly attempt: number;
      /** Why the run is to be cancelled; null: it is not. */
      readonly cancel: string | null;
    }
  /** The run has succeeded, and its analysis is still to be done. It holds nothing that a run holds. */
  | {
      readonly kind: "analyzing";
      readonly run: string;
      readonly message: string | null;
      readonly startedAt: number;
      readonly attempt: number;
      readonly costUsd: number | null;
      readonly tokens: number | null;
    }
  | {
      readonly kind: "ended";
      readonly run: string;
      readonly outcome: RunOutcome;
      readonly message: string | null;
      readonly startedAt: number;
      readonly endedAt: number;
      readonly attempt: number;
      readonly costUsd: number | null;
      readonly tokens: number | null;
    }
  | { readonly kind: "skipped"; readonly reason: SkipReason; readonly endedAt: number };

export type RunOutcome = "SUCCEEDED" | "FAILED" | "CANCELLED";

type FiringKind = FiringState["kind"];

/** Of firings that still wait for something. */
export const openKinds = [
  "waiting",
  "evaluating",
  "running",
  "analyzing",
] as const satisfies readonly FiringKind[];
export const overKinds = ["ended", "skipped"] as const satisfies readonly FiringKind[];

/** Of firings whose run has not begun. */
export const waitingKinds = ["waiting", "evaluating"] as const satisfies readonly FiringKind[];

export const isWaiting = ({ state }: Firing): boolean => waitingKinds.some((kind) => kind === state.kind);

export const isOpen = ({ state }: Firing): boolean => openKinds.some((kind) => kind === state.kind);

/** Id of the run that the state names; null: none. */
export const runOf = ({ state }: Firing): string | null => ("run" in state ? state.run : null);

/** When its run ended, or it was skipped; null: it is open. */
export const endedAtOf = ({ state }: Firing): number | null => ("endedAt" in state ? state.endedAt : null);
