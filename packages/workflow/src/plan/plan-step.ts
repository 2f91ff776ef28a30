/** The planner's view of a step instance: its place in the graph and its rules, without workers or files. */

export interface PlanStep {
  /** `build`, or `build[os=linux,node=20]` for an instance of a matrix. */
  readonly id: string;
  /** Instance ids. All must have ended before this one may start. Instances of one step share the list. */
  readonly dependsOn: readonly string[];
  /** Decides whether the step runs at all; asked once, when its dependencies have ended. Absent: it runs. */
  readonly condition?: (view: ConditionView) => boolean;
  /** Says of a condition that is not met what it is and what it looked at. */
  readonly conditionText?: (view: ConditionView) => string;
  /** Further attempts at one iteration after a failure; see `onFailure`. */
  readonly maxRetries: number;
  /** `abort` and `retry` stop the run when attempts are used up; `continue` lets dependants run. */
  readonly onFailure: "abort" | "retry" | "continue";
  /** Present where the step has a completion check. */
  readonly loop: LoopRules | null;
  /** Whether its work, or the check of it, can cost anything. */
  readonly spends: boolean;
}

export interface LoopRules {
  readonly maxIterations: number;
  readonly onExhausted: "abort" | "continue";
  /** Checks that failed to decide, in a row, before the step fails. */
  readonly undecidedMax: number;
  readonly convergence: ConvergenceRules | null;
}

export interface ConvergenceRules {
  /** The stage rises when the same set of fingerprints came back this often. */
  readonly stallThreshold: number;
  readonly maxStage: number;
  /** At `maxStage`, fail instead of going on. */
  readonly failOnMaxStage: boolean;
}

/** What conditions may look at, by instance id. */
export interface ConditionView {
  status(id: string): StepStatus | undefined;
  /** Where the artifact is; null where it was not collected. */
  artifact(id: string, name: string): string | null;
}

export const stepStatuses = [
  "PENDING",
  "READY",
  "RUNNING",
  "CHECKING",
  "SUCCEEDED",
  "FAILED",
  "INCOMPLETE",
  "SKIPPED",
  "CANCELLED",
] as const;
export type StepStatus = (typeof stepStatuses)[number];

/** A step that ended in one of these lets its dependants run only where its own rules say so. */
export type EndedStatus = Extract<
  StepStatus,
  "SUCCEEDED" | "FAILED" | "INCOMPLETE" | "SKIPPED" | "CANCELLED"
>;
