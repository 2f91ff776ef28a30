/** Ports, settings and events of a run. */
import type { Clock, Ids, Log, RunEvent as JobEvent, Git } from "@agentcore/contract";
import type { Journal, JournalValue, Scheduler, Spending } from "@agentcore/scheduler";
import type { StepCache } from "./cache/step-cache.ts";
import type { RunOutcome } from "./plan/run-state.ts";
import type { NotifyEvent } from "./definition.ts";
import type { Post } from "./run/notifications.ts";
import type { Answers } from "./run/answers.ts";
import type { BranchPlaces } from "./worktree/branch-places.ts";
import type { BranchOptions } from "./worktree/branch-rules.ts";
import type { SecretValue } from "./secrets.ts";
import type { StepReport } from "./records/record-files.ts";

export interface RunPorts {
  /** Jobs in one workspace must be able to run side by side: see `workflowConcurrencyKey`. */
  readonly scheduler: Pick<Scheduler, "submit" | "appendAndSubmit" | "attach">;
  /** A step takes one commit less where the scheduler's store holds it. */
  readonly journal: Journal;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly git: Git;
  readonly places: BranchPlaces;
  /** Of the outermost run, for all runs below it. */
  readonly answers: Answers;
  /** Null: no result is stored or taken. */
  readonly cache: StepCache | null;
}

export interface RunSettings {
  readonly branch: BranchOptions;
  /** The current owner of the run; kept in the journal's header. */
  readonly owner: JournalValue;
  /** Whether the process of an owner may still be there. */
  readonly isAlive: (owner: JournalValue) => boolean;
  /** Wait before the next attempt after so many failures, in ms. */
  readonly retryDelayMs: (failures: number) => number;
  /** Whether a worker can spend money. Nothing is reserved for one that cannot. */
  readonly spends: (worker: string) => boolean;
  /** For webhooks; null: they are not sent. */
  readonly post: Post | null;
  /** The values of the workflow's secrets. */
  readonly secretValue: SecretValue;
  /** Report the steps of sub-workflows even if their file does not request it; then below the id of their step. */
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
  | {
      readonly type: "notification_failed";
      readonly at: number;
      readonly run: string;
      readonly event: NotifyEvent;
      readonly problem: string;
    }
  /** The run waits for its concurrency group. */
  | {
      readonly type: "run_waiting";
      readonly at: number;
      readonly run: string;
      readonly group: string;
      /** The run of the group that is at work. */
      readonly holder: string;
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
  /** `INTERRUPTED`: the run was stopped and has not ended; `resumeRun` continues it. */
  readonly outcome: RunOutcome | "INTERRUPTED";
  /** Why it is not `SUCCEEDED`; null if it is. */
  readonly reason: string | null;
  /** Code of the catalog that says more than the outcome, if there is one. */
  readonly code: string | null;
  readonly steps: readonly StepReport[];
  readonly spent: Spending;
  /** The known cost in US dollars; null if no worker reported one. */
  readonly costUsd: number | null;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Of the time between the two: in which no process worked on the run, in ms. */
  readonly downtimeMs: number;
}
