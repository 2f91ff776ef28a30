/** The planner's view of a step instance: its place in the graph and its rules, without workers or files. */
import type { MatrixLists } from "./matrix-lists.ts";
import type { StatusFunction } from "../expression.ts";

export interface PlanStep {
  /** `build`, or `build[os=linux,node=20]` for an instance of a matrix. */
  readonly id: string;
  /** Instance ids. All must have ended before this one may start. Instances of one step share the list. */
  readonly dependsOn: readonly string[];
  /** Decides whether the step runs; called once, when its dependencies have ended. Absent: it runs. */
  readonly condition?: (view: ConditionView) => boolean;
  /**
   * Its condition uses `failure()`, `cancelled()` or `always()`: it is evaluated regardless of how the dependencies ended, and
   * after a failure has stopped the run.
   */
  readonly reacts?: boolean;
  /** It waits for an approval, without a job and without a slot. */
  readonly asks?: boolean;
  /** One of `finally`: it runs after all other steps have ended, regardless of how. */
  readonly isFinal?: boolean;
  /** For a condition that is not met: its text, and the values that it used. */
  readonly conditionText?: (view: ConditionView) => string;
  /** Additional attempts at one iteration after a failure; see `onFailure`. */
  readonly maxRetries: number;
  /** `abort` and `retry` stop the run when attempts are used up; `continue` lets dependents run. */
  readonly onFailure: "abort" | "retry" | "continue";
  /** Set if the step has a completion check. */
  readonly loop: LoopRules | null;
  /** Set if its matrix needs a list that is not known yet: the steps that take its place. */
  readonly expand?: (lists: MatrixLists) => readonly PlanStep[];
  /** Whether its work, or its check, can spend money or tokens. */
  readonly spends: boolean;
}

export interface LoopRules {
  readonly maxIterations: number;
  readonly onExhausted: "abort" | "continue";
  /** Undecided checks in a row after which the step fails. */
  readonly undecidedMax: number;
  readonly convergence: ConvergenceRules | null;
}

export interface ConvergenceRules {
  /** Times that the same set of fingerprints must return before the stage rises. */
  readonly stallThreshold: number;
  readonly maxStage: number;
  /** At `maxStage`, fail instead of continuing. */
  readonly failOnMaxStage: boolean;
}

/** The values that expressions may use, by instance id. */
export interface RunView {
  status(id: string): StepStatus | undefined;
  /** Path of the artifact; null if it was not collected. */
  artifact(id: string, name: string): string | null;
  /** Text that the step wrote under that name; null if it wrote none. */
  value(id: string, name: string): string | null;
  /** The steps that took the place of one whose matrix needed a list; null before, and for any other step. */
  expanded(id: string): readonly string[] | null;
}

export interface ConditionView extends RunView {
  /** The result of a status function for the step whose condition it is. */
  call(name: StatusFunction): boolean;
}

export const stepStatuses = [
  "PENDING",
  "READY",
  "RUNNING",
  "CHECKING",
  "WAITING",
  "SUCCEEDED",
  "FAILED",
  "INCOMPLETE",
  "SKIPPED",
  "CANCELLED",
] as const;
export type StepStatus = (typeof stepStatuses)[number];

/** After one of these ends, dependents run only if the step's own rules say so. */
export type EndedStatus = Extract<
  StepStatus,
  "SUCCEEDED" | "FAILED" | "INCOMPLETE" | "SKIPPED" | "CANCELLED"
>;

/** Of several instances the worst status counts. */
const worstFirst = [
  "FAILED",
  "CANCELLED",
  "INCOMPLETE",
  "CHECKING",
  "RUNNING",
  "WAITING",
  "READY",
  "PENDING",
  "SUCCEEDED",
  "SKIPPED",
] as const satisfies readonly StepStatus[];

/** Null if there is none. */
export function worstStatus<S extends StepStatus>(statuses: readonly S[]): S | null {
  const found = worstFirst.find((status) => (statuses as readonly StepStatus[]).includes(status));
  return (found ?? null) as S | null;
}
