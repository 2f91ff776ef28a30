/** Finds what a lost attempt may have spent. Unreadable records are logged and ignored: then the whole ceiling is charged. */
import type { Log } from "@agentcore/contract";
import type { LostSpending, SpendingOfLost } from "../retry/charge.ts";

export async function spendingIfReadable(
  spendingOfLost: SpendingOfLost,
  lost: Parameters<SpendingOfLost>[0],
  log: Log,
): Promise<LostSpending | null> {
  try {
    return await spendingOfLost(lost);
  } catch (error) {
    const { jobId, attempt } = lost;
    log.warn({ error, jobId, attempt }, "the records of a lost attempt cannot be read");
    return null;
  }
}
