/**
 * The definition of a workflow for the planner and the runner: parsed, checked, with agent profiles merged in, one spelling
 * of names, durations in milliseconds and absolute paths. `parseWorkflow` makes it; it is not checked again later.
 */
import type { Capability, ErrorClass, OutputSpec } from "@agentcore/contract";
import type { ConvergenceRules } from "./plan/plan-step.ts";

export interface Workflow {
  readonly name: string;
  readonly description: string | null;
  /** Absolute path of the file. */
  readonly file: string;
  /** SHA-256 of the texts of this file, the agent profiles and all sub-workflows: it must be the same when a run is resumed. */
  readonly hash: string;
  /** For the whole run. */
  readonly timeoutMs: number;
  /** Steps that run at once; null: no limit in the file. */
  readonly concurrency: number | null;
  /** Null: none. */
  readonly group: ConcurrencyGroup | null;
  readonly notify: readonly NotifyRule[];
  /** Relative to the workspace. */
  readonly contextDir: string;
  readonly budget: Budget | null;
  readonly branch: BranchRules;
  readonly inputs: ReadonlyMap<string, InputDeclaration>;
  readonly telemetry: Telemetry | null;
  /** In the order of the file, with those of `finally` last. A step with `matrix` is one entry here; it becomes instances when the inputs are known. */
  readonly steps: readonly Step[];
}

/** At most one run of a group is at work. Not for sub-workflows. */
export interface ConcurrencyGroup {
  /** May contain `${{ inputs.k }}`. */
  readonly name: string;
  readonly whenBusy: "wait" | "fail" | "cancel_other";
}

export type NotifyEvent = "succeeded" | "failed" | "cancelled" | "budget" | "approval";

/** Exactly one of `command` and `webhook` is set. Both may contain `${{ inputs.k }}` and `${{ secrets.NAME }}`. */
export interface NotifyRule {
  readonly on: readonly NotifyEvent[];
  /** A script. */
  readonly command: string | null;
  /** A URL. */
  readonly webhook: string | null;
  /** Names of the workflow's secrets. */
  readonly secrets: readonly string[];
}

/** Where a run writes its progress, for other programs. Paths are relative to the context directory. */
export interface Telemetry {
  /** One JSON object per line, appended. */
  readonly eventsFile: string;
  /** The current state of the run; replaced. */
  readonly stateFile: string;
  /** Whether the events include what workers print and run. Otherwise they only say that, and how much. */
  readonly includeWorkerOutput: boolean;
}

export interface Budget {
  readonly costUsd: number | null;
  readonly tokens: number | null;
}

export interface BranchRules {
  readonly createBranch: boolean;
  readonly transitionStep: string | null;
  readonly expectedWorkBranch: string | null;
}

export interface InputDeclaration {
  readonly type: "string" | "number" | "boolean";
  readonly default: string | number | boolean | null;
  readonly required: boolean;
  readonly description: string | null;
}

export interface Step {
  readonly id: string;
  readonly description: string | null;
  readonly action: StepAction;
  /** Relative to the run's workspace; `.` by default. */
  readonly workspace: string;
  readonly dependsOn: readonly string[];
  readonly inputs: readonly ArtifactInput[];
  readonly outputs: readonly StepOutput[];
  /** Texts that the step writes to `$AGENTCORE_OUTPUT`. */
  readonly values: readonly StepValue[];
  /** The workflow's variables with the step's own over them, by name. Texts may contain `${{ … }}`. */
  readonly env: ReadonlyMap<string, string>;
  /** Names of variables of the caller that its workers and scripts get; the workflow's and the step's own. */
  readonly secrets: readonly string[];
  /** Per attempt; null: the time that the run has left. */
  readonly timeoutMs: number | null;
  readonly maxRetries: number;
  /** Null: after any failure, with the delay of the run's settings. */
  readonly retry: RetryRules | null;
  readonly onFailure: "abort" | "retry" | "continue";
  readonly loop: Loop | null;
  /** Null: not set. It already includes the `stall` of the sub-workflow step around it. */
  readonly stall: Stall | null;
  readonly budget: Budget | null;
  /** Text of `if`, validated; see `expression.ts`. Null: always. */
  readonly condition: string | null;
  /** Empty if the step has no matrix. Values are texts. */
  readonly matrix: ReadonlyMap<string, readonly string[]>;
  /** Further keys of the matrix, whose lists come from values of earlier steps: `${{ steps.ID.outputs.NAME }}`. */
  readonly matrixLists: ReadonlyMap<string, string>;
  readonly isolation: "none" | "worktree";
  readonly merge: "apply" | "none";
  readonly verify: string | null;
  readonly cache: CacheRules | null;
  /** One of `finally`: it runs after all other steps have ended. Its `timeoutMs` is set. */
  readonly isFinal: boolean;
}

/** When a failed attempt is followed by another one, as long as `maxRetries` allows. */
export interface RetryRules {
  /** Before the first further attempt. */
  readonly delayMs: number;
  readonly backoff: "fixed" | "exponential";
  /** Failures of other classes are final; null: no failure is. */
  readonly on: readonly ErrorClass[] | null;
}

/** When the result of an earlier run is used instead of running the step. */
export interface CacheRules {
  /** Globs of files in the step's workspace. An entry that is one placeholder stands for its value. */
  readonly key: readonly string[];
}

export type StepAction =
  | { readonly kind: "worker"; readonly work: WorkSpec }
  /** The step waits until somebody answers. */
  | {
      readonly kind: "approval";
      /** May contain placeholders. */
      readonly message: string;
      /** Names of operating-system users who may answer; empty: everybody. */
      readonly who: readonly string[];
      /** Null: no limit. */
      readonly timeoutMs: number | null;
    }
  | {
      readonly kind: "workflow";
      readonly workflow: Workflow;
      /** Parameters by name. Texts may contain `${{ … }}` about the step's own workflow. */
      readonly with: ReadonlyMap<string, string | number | boolean>;
      readonly exports: readonly ArtifactExport[];
      readonly valueExports: readonly ValueExport[];
      readonly exportsMode: "merge" | "replace";
      readonly bubbleEvents: boolean;
      readonly eventPrefix: string | null;
    };

/** The worker and its task: of a step, or of its completion check. */
export interface WorkSpec {
  /** Name of an adapter, as the adapter spells it: `shell`, `claude-code`, `codex`, `opencode`, or any other. */
  readonly worker: string;
  /** May contain `${{ inputs.k }}`, `${{ matrix.k }}` and `${{ steps.ID.outputs.NAME }}`. */
  readonly instructions: string;
  readonly capabilities: readonly Capability[];
  readonly model: string | null;
  /** Additional arguments for the worker's command line (`defaultArgs`), as far as its adapter allows them. */
  readonly args: readonly string[];
  /** For workers that support these; for the shell worker, `maxCommandTimeMs` limits the script. */
  readonly variant: string | null;
  readonly maxSteps: number | null;
  readonly maxCommandTimeMs: number | null;
}

export interface ArtifactInput {
  readonly from: string;
  readonly artifact: string;
  readonly as: string;
}

export interface StepOutput extends OutputSpec {
  readonly type: string | null;
}

export interface StepValue {
  readonly name: string;
  /** Its name in the file `$AGENTCORE_OUTPUT`. */
  readonly key: string;
  /** Whether it may be missing. */
  readonly optional: boolean;
}

export interface ArtifactExport {
  readonly from: string;
  readonly artifact: string;
  readonly as: string;
}

/** A text that a step of a sub-workflow wrote, which becomes a value of the step around it. */
export interface ValueExport {
  readonly from: string;
  readonly value: string;
  readonly as: string;
}

export interface Loop {
  readonly check: WorkSpec;
  /** The step's variables with the check's own over them. */
  readonly checkEnv: ReadonlyMap<string, string>;
  readonly checkTimeoutMs: number | null;
  /** Null: not set. */
  readonly checkStall: Stall | null;
  /** Relative to the workspace; null: the exit code decides (shell worker only). */
  readonly decisionFile: string | null;
  readonly maxIterations: number;
  readonly onExhausted: "abort" | "continue";
  /** Undecided checks in a row after which the step fails. */
  readonly undecidedMax: number;
  readonly convergence: Convergence | null;
}

export interface Convergence extends ConvergenceRules {
  /** Texts by stage. Each is appended to the instructions from its stage on. */
  readonly stages: ReadonlyMap<number, string>;
  /** Globs relative to the workspace; empty: everything is allowed. */
  readonly allowedPaths: readonly string[];
  readonly ignoredPaths: readonly string[];
  readonly diffBaseRef: string | null;
  readonly diffBaseRefFile: string | null;
  readonly maxChangedFiles: number | null;
}

/** When a job counts as stalled, and what happens then. */
export interface Stall {
  readonly noOutputTimeoutMs: number | null;
  readonly activitySource: "worker_event" | "any_event" | "probe_only";
  readonly probe: StallProbe | null;
  readonly onStall: StallReaction;
  readonly onTerminal: StallReaction;
}

export interface StallProbe {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly command: string;
  readonly stallThreshold: number;
  readonly requireZeroExit: boolean;
  readonly onProbeError: "ignore" | "stall" | "terminal";
  readonly probeErrorThreshold: number;
  readonly captureStderr: boolean;
}

export interface StallReaction {
  readonly action: "interrupt" | "fail" | "ignore";
  readonly errorClass: string | null;
  readonly fingerprintPrefix: readonly string[];
  readonly asIncomplete: boolean;
}
