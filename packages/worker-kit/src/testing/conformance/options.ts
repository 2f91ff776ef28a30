/** What an author hands to the conformance suite, and what comes back. */
import type { Containment } from "@agentcore/containment";
import type { ErrorClass, WorkerAdapter, WorkerTask } from "@agentcore/contract";

/** One way in which the worker's run may go, as its output has it. */
export interface ConformanceScenario {
  /** Lines of stdout, without newlines. */
  readonly stdout: readonly string[];
  /** Lines of stderr, printed after them. Default: none. */
  readonly stderr?: readonly string[];
  /** Default: 0 for the success, 1 for failures. */
  readonly exitCode?: number;
}

export interface ConformanceFailureScenario extends ConformanceScenario {
  /** Short, for the report: `rate limited`. */
  readonly name: string;
  readonly errorClass: ErrorClass;
}

export interface AdapterConformanceOptions {
  readonly adapter: WorkerAdapter;
  /** What the worker prints when it has done its task. The fake agent has written a file before. */
  readonly success: ConformanceScenario;
  /** What it prints when it fails, in as many ways as the adapter tells apart. */
  readonly failures: readonly ConformanceFailureScenario[];
  /** What it prints at first, before it does anything; may be empty. */
  readonly beginning: readonly string[];
  /** Merged over the task of every run. */
  readonly task?: Partial<WorkerTask>;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The caller's environment that the adapter plans with, such as its credential variables. Added to PATH and HOME. */
  readonly hostEnv?: Readonly<Record<string, string>>;
  readonly model?: string;
  /** Default: the best of this machine. */
  readonly containment?: Containment;
  /** For the damaged output that the reader must survive. Default: `AGENTCORE_SEED`, else a fixed one; in the report. */
  readonly seed?: number;
  /** Damaged outputs to try. Default 300. */
  readonly fuzzRounds?: number;
}

/** One requirement; `run` rejects with what is not met. */
export interface ConformanceCheck {
  readonly name: string;
  readonly run: () => Promise<void>;
}

export interface ConformanceReport {
  readonly adapter: string;
  /** Hand it back as `seed` to repeat exactly this. */
  readonly seed: number;
  readonly passed: boolean;
  readonly checks: readonly {
    readonly name: string;
    /** Null: met. */
    readonly failure: string | null;
    readonly durationMs: number;
  }[];
}

/** Fails the check with the message where the condition does not hold. */
export function mustHold(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}
