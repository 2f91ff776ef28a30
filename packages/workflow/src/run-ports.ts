/** Ports, settings and events of a run. */
import type { Clock, Ids, Log, RunEvent as JobEvent, Git } from "@agentcore/contract";
import type { Journal, JournalValue, Scheduler, Spending } from "@agentcore/scheduler";
import type { RunOutcome } from "./plan/run-state.ts";
import type { BranchPlaces } from "./worktree/branch-places.ts";
import type { BranchOptions } from "./worktree/branch-rules.ts";
import type { StepReport } from "./records/record-files.ts";

export interface RunPorts {
  /** Jobs in one workspace must be able to run side by side: see `workflowConcurrencyKey`. */
  readonly scheduler: Pick<Scheduler, "submit" | "attach">;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly git: Git;
  readonly places: BranchPlaces;
}

export interface RunSettings {
  readonly branch: BranchOptions;
  /** Kept in the journal's header: who works on the run now. */
  readonly owner: JournalValue;
  /** Wait before the attempt that follows so many failed ones, in ms. */
  readonly retryDelayMs: (failures: number) => number;
  /** Whether a worker can cost anything. Nothing is reserved for one that cannot. */
  readonly spends: (worker: string) => boolean;
  /** Tells the steps of sub-workflows too where their file does not ask for it; below the id of their step then. */
  readonly tellsChildren: boolean;
  /** Must not throw. */
  readonly onEvent: (event: WorkflowEvent) => void;
}

export type WorkflowEvent =
  | {
      readonly type: "run_started";
      readonly at: number;
      readonly run: string;
      readonly name: string;
      readonly resumed: boolean;
      readonly steps: readonly string[];
    }
  | { readonly type: "step_changed"; readonly at: number; readonly run: string; readonly step: StepReport }
  | {
      readonly type: "job_event";
      readonly at: number;
      readonly run: string;
      readonly step: string;
      readonly piece: "work" | "check";
      readonly event: JobEvent;
    }
  | { readonly type: "run_ended"; readonly at: number; readonly run: string; readonly result: RunResult };

export interface RunResult {
  readonly run: string;
  /** `INTERRUPTED`: it was stopped, not ended, and `resumeRun` goes on with it. */
  readonly outcome: RunOutcome | "INTERRUPTED";
  /** Why it is not `SUCCEEDED`; null where it is. */
  readonly reason: string | null;
  /** Code of the catalog that says more than the outcome, where there is one. */
  readonly code: string | null;
  readonly steps: readonly StepReport[];
  readonly spent: Spending;
  /** What of it is known to be dollars spent; null where no worker said what it cost. */
  readonly costUsd: number | null;
  readonly startedAt: number;
  readonly endedAt: number;
}
