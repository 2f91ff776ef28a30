/** Withdraws a job whose caller gave up, so that the next `work` does not run it unexpectedly, or else names it. */
import { AgentCoreError, ignore, settledWithin, type Clock } from "@agentcore/contract";
import type { JobHandle } from "@agentcore/scheduler";

const withdrawWithinMs = 3000;

/** The error, extended with what happened to the job. Never rejects. */
export async function withdrawJob(
  reason: unknown,
  handle: Pick<JobHandle, "id" | "cancel">,
  clock: Pick<Clock, "setTimer">,
): Promise<unknown> {
  if (!(reason instanceof AgentCoreError)) return reason;
  let isWithdrawn = false;
  const cancelled = handle.cancel({ reason: `withdrawn: ${reason.message}` }).then(
    () => void (isWithdrawn = true),
    (failure: unknown) => ignore(failure, "the job is named instead"),
  );
  await settledWithin(clock, cancelled, withdrawWithinMs);
  const { id } = handle;
  const fate = isWithdrawn
    ? `job ${id} was cancelled`
    : `job ${id} is still in the queue: end it with \`agentcore jobs cancel ${id}\`, or the next \`agentcore work\` runs it`;
  return new AgentCoreError(reason.code, `${reason.message}; ${fate}`, {
    evidence: { ...reason.evidence, jobId: id, withdrawn: isWithdrawn },
    cause: reason,
  });
}
