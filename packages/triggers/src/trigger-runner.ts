/** The port for the runs that triggers start. */
import type { AnalyzeStep, GateStep, TriggerDefinition } from "./definition.ts";
import type { RunOutcome } from "./firing.ts";
import type { ChainLink, TriggerEvent } from "./trigger-event.ts";
import type { LastResult } from "./trigger-state.ts";

export interface RunRequest {
  /** Id of the run, chosen by the caller. */
  readonly run: string;
  /** Null: it is no longer in the file. A run that exists goes on all the same; another is `FAILED`. */
  readonly trigger: TriggerDefinition | null;
  readonly event: TriggerEvent;
  /** With the link of this run as the last. */
  readonly chain: readonly ChainLink[];
  readonly attempt: number;
  readonly lastResult: LastResult | null;
  /** Runs of the trigger before this one. */
  readonly executionCount: number;
}

export interface TriggeredEnd {
  /** `INTERRUPTED`: the daemon is shutting down, and the next one resumes the run. */
  readonly outcome: RunOutcome | "INTERRUPTED";
  readonly message: string | null;
  readonly costUsd: number | null;
  readonly tokens: number | null;
}

export interface TriggerRunner {
  /**
   * Resolves with the end of the run. A run of this id that exists already is resumed if nobody works on it, and one that has
   * ended has its end at once: the call may be repeated after a crash. A run that cannot begin is `FAILED` with its message.
   */
  run(request: RunRequest): Promise<TriggeredEnd>;
  /** Cancels a run, or its analysis. Does nothing if both have ended. */
  cancel(run: string, reason: string): void;
  /** Asks the gate of a trigger. Never rejects. The call may be repeated after a crash. */
  evaluate(
    step: GateStep,
    request: Omit<RunRequest, "run"> & { readonly firing: string },
  ): Promise<Evaluation | Interrupted>;
  /** After a run that succeeded. Never rejects: what goes wrong is logged. The call may be repeated after a crash. */
  analyze(
    step: AnalyzeStep,
    request: RunRequest & { readonly end: TriggeredEnd },
  ): Promise<"done" | Interrupted>;
}

/** The daemon is shutting down; the next one repeats the call. */
export type Interrupted = "interrupted";

export interface Evaluation {
  readonly answer: "run" | "skip" | "error";
  /** The reason, for people. */
  readonly text: string;
}
