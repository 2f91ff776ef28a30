/** One job on its way, as `run` sees it: events while it goes on, one end, and a way to stop it. */
import type { ResultLine, RunEvent } from "@agentcore/contract";

export interface JobRun {
  readonly jobId: string;
  /** Never rejects once the run was started. */
  readonly ended: Promise<JobEnd>;
  /** Asks for a clean stop; `immediate` skips the grace period, also of a stop in progress. */
  cancel(message: string, immediate: boolean): void;
}

export interface JobEnd {
  readonly result: ResultLine;
  /** The gate let nothing run; the result's code says why. */
  readonly refused: boolean;
}

export interface JobRunOptions {
  readonly onEvent: (event: RunEvent) => void;
  /** Wait where the gate says "not now"; otherwise that is a refusal. */
  readonly wait: boolean;
}
