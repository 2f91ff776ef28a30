/** The caller's handle of a job that it submitted or looked up by id. */
import type { CancelRequest, RunEvent } from "@agentcore/contract";
import type { CancelAnswer } from "../job-store.ts";
import type { JobEnd } from "./job-end.ts";

export interface JobHandle {
  /** Of the job that runs; for a coalesced submit, of the one it joined. */
  readonly id: string;
  /** The submit was recognized as a job that was there already. */
  readonly deduplicated: boolean;
  /**
   * How the job ends, the same for everybody who waits for it, in whichever process it runs. Rejects with `AC_DRAINING`
   * where the scheduler is closed first; the job itself is kept.
   */
  result(): Promise<JobEnd>;
  /**
   * What happens to the job from now on, as far as this process sees it: all of it where the job runs here, else its end
   * only. Ends after `job_ended`. A slow consumer misses output of the worker; an event says how much.
   */
  events(): AsyncIterable<RunEvent>;
  /**
   * Cancels the job, for everybody who waits for it. A running one is stopped; `result()` tells when it is gone.
   * The first reason counts. `force`, now or in a later call, skips the worker's grace period, where the job runs in this
   * process.
   */
  cancel(request?: Partial<CancelRequest<string>>): Promise<CancelAnswer["kind"]>;
}
