/** The caller's handle of a job that it submitted or looked up by id. */
import type { CancelRequest, RunEvent } from "@agentcore/contract";
import type { CancelAnswer } from "../job-store.ts";
import type { JobEnd } from "./job-end.ts";

export interface JobHandle {
  /** Id of the job that runs; for a coalesced submit, of the job that it joined. */
  readonly id: string;
  /** The submit was recognized as an existing job. */
  readonly deduplicated: boolean;
  /**
   * The end of the job: the same for every caller, in any process that runs the job. Rejects with `AC_DRAINING` if the scheduler
   * is closed first; the job is kept.
   */
  result(): Promise<JobEnd>;
  /**
   * The events of the job from now on, as far as this process sees them: all of them if the job runs here, otherwise only its
   * end. Ends after `job_ended`. A slow consumer misses output of the worker; an event says how much.
   */
  events(): AsyncIterable<RunEvent>;
  /**
   * Cancels the job for everyone who waits for it. A running job is stopped; `result()` resolves when it is gone. The first
   * reason counts. `force`, now or in a later call, skips the worker's grace period if the job runs in this process.
   */
  cancel(request?: Partial<CancelRequest<string>>): Promise<CancelAnswer["kind"]>;
}
