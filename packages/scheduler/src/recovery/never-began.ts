/** Checks whether a lost attempt ever had a worker. If it provably had none, it costs its job no attempt. */
import type { Log } from "@agentcore/contract";

export interface DoubtfulAttempt {
  readonly jobId: string;
  readonly attempt: number;
  /** Wall clock, in ms since the epoch. */
  readonly claimedAt: number;
}

/** Called once nothing of the attempt runs. Returns whether its worker provably was never released. */
export type NeverBegan = (attempt: DoubtfulAttempt) => Promise<boolean>;

/** An unknown result proves nothing. */
export async function isProvedUnbegun(
  neverBegan: NeverBegan,
  attempt: DoubtfulAttempt,
  log: Log,
): Promise<boolean> {
  try {
    return await neverBegan(attempt);
  } catch (error) {
    const { jobId: job, ...rest } = attempt;
    log.warn({ error, job, ...rest }, "it cannot be found out whether the worker of a lost attempt began");
    return false;
  }
}
