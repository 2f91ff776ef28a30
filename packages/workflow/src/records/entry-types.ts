/** The entries of a run's journal. The first says what was started; each later one is an event of the plan with its details. */
import type { JournalValue, Spending } from "@agentcore/scheduler";
import type { Budget, NotifyEvent } from "../definition.ts";
import type { InputValues } from "../inputs.ts";
import type { PlanEvent } from "../plan/run-state.ts";
import type { ApprovalDecision } from "../plan/step-state.ts";

export interface RunCreated {
  readonly type: "created";
  readonly version: 1;
  readonly at: number;
  readonly name: string;
  /** Absolute path of the workflow file, and the hash of all its texts. */
  readonly file: string;
  readonly hash: string;
  readonly workspace: string;
  /** Absolute path. */
  readonly contextDir: string;
  readonly inputs: InputValues;
  /** Ceiling of the whole run; for a sub-workflow, what its parent reserved. */
  readonly budget: Budget | null;
  /** Run that this one is a step of. */
  readonly parent: string | null;
  /** The outermost run that this one is part of, at any depth; null for that run itself. */
  readonly root: string | null;
  readonly base: BaseCommit | null;
  /** The branch at the start; null outside a repository, or for a detached HEAD. */
  readonly startBranch: string | null;
  /** For the whole run. */
  readonly timeoutMs: number;
  /** What the caller needs to find the same definition again, such as the agent profile files. */
  readonly caller: JournalValue;
  /** The one step of the file that runs. */
  readonly only?: string;
  /** No result is taken from the cache, and none is stored. */
  readonly noCache?: true;
  /** Variables that every step gets, unless it sets them otherwise. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The repository at the start. */
export interface BaseCommit {
  readonly root: string;
  /** Absolute path of the directory that all worktrees of the repository share. */
  readonly gitDir: string;
  /** Absolute path of the git directory of the work tree itself. Missing in runs of versions that did not note it. */
  readonly ownGitDir?: string | undefined;
  readonly branch: string;
  readonly sha: string;
}

export interface RunEventEntry {
  readonly type: "event";
  readonly at: number;
  readonly event: PlanEvent;
  /** With a start: what the job may spend. */
  readonly reserved?: Budget;
  /** With an end: what it spent, and how often it was begun again because it was lost. */
  readonly spent?: Spending;
  readonly interruptions?: number;
  readonly errorClass?: string;
  /** Code of the catalog. */
  readonly code?: string;
  /** With an end: its worker reported its cost. */
  readonly costKnown?: boolean;
  /** With a failure: the end of the output, and the path of the log. */
  readonly output?: string;
  readonly log?: string;
  /** With the end of a step: names of the artifacts it left. */
  readonly artifacts?: readonly string[];
  /** Likewise: the texts that it wrote, by name. */
  readonly values?: Readonly<Record<string, string>>;
  /** With the end of the step that changes the branch. */
  readonly branch?: string;
  /** With a stop or a retry: how many requests to the run there were. */
  readonly requests?: number;
  /** With a question for an approval. */
  readonly approval?: ApprovalQuestion;
  /** With the end of its wait. */
  readonly answer?: ApprovalAnswer;
}

export interface ApprovalQuestion {
  readonly message: string;
  /** Operating-system users who may answer; empty: everybody. */
  readonly who: readonly string[];
  /** End of the wait, in ms since the epoch; null: none. */
  readonly expiresAt: number | null;
}

export interface ApprovalAnswer {
  readonly decision: ApprovalDecision;
  /** Operating-system user; null if nobody answered in time. */
  readonly by: string | null;
  readonly message: string;
  readonly at: number;
}

/** `answer`: null while the step waits. */
export type Approval = ApprovalQuestion & { readonly answer: ApprovalAnswer | null };

/** A signal or the caller stopped the run, which has not ended: it waits for a resume. */
export interface RunInterruptedEntry {
  readonly type: "interrupted";
  readonly at: number;
  readonly message: string;
}

/** The facts that are fixed about a step before its first job. */
export interface RunNotedEntry {
  readonly type: "noted";
  readonly at: number;
  readonly step: string;
  /** Id of the commit that its changes are compared with. */
  readonly diffBase?: string;
  /** Why the cache has no result of it. Names what changed, without values. */
  readonly cacheMiss?: string;
}

export type RunEntry =
  | RunCreated
  | RunEventEntry
  | RunInterruptedEntry
  | RunNotedEntry
  | { readonly type: "resumed"; readonly at: number }
  | RunGroupEntry
  | RunNotificationEntry;

/** A notification begins, or has ended. */
export interface RunNotificationEntry {
  readonly type: "notification";
  readonly at: number;
  /** Of this notification, in this execution of the run. */
  readonly key: string;
  readonly begins?: {
    readonly event: NotifyEvent;
    /** Index in the file. */
    readonly rule: number;
    readonly jobId: string;
    /** The step that asks for an approval. */
    readonly step?: string;
  };
  /** `problem`: null if it was sent. */
  readonly ended?: { readonly problem: string | null };
}

export interface Notification {
  readonly begins: NonNullable<RunNotificationEntry["begins"]>;
  readonly ended: RunNotificationEntry["ended"] | null;
}

/** The run waits for its concurrency group, or no longer does. */
export interface RunGroupEntry {
  readonly type: "group";
  readonly at: number;
  /** Null: it may work. */
  readonly waitsFor: string | null;
}
