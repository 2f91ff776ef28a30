/** A workflow with one step that is a job of AgentCore. */
import { runAsActivity, type ActivityRequest } from "@agentcore/activity";
import { DBOS } from "@dbos-inc/dbos-sdk";
import { core } from "./core.ts";

type Task = ActivityRequest["task"];

async function implementTask(task: Task): Promise<{ summary: string; jobId: string; attempts: number }> {
  const { summary, jobId, attempts } = await runJob("implement", {
    task,
    limits: { timeoutMs: 30 * 60_000, maxCostUsd: 5 },
  });
  return { summary, jobId, attempts };
}

export const implement = DBOS.registerWorkflow(implementTask, { name: "implement" });

/** DBOS retries, at most twice, and only what AgentCore says may succeed later. */
function runJob(name: string, request: ActivityRequest) {
  return DBOS.runStep(
    () => {
      const { currentAttempt, cancelSignal, timeoutSignal } = DBOS.stepStatus ?? {};
      return runAsActivity(core, request, {
        activityId: `${DBOS.workflowID}/${name}`,
        attempt: currentAttempt,
        cancelSignal,
        detachSignal: timeoutSignal,
      });
    },
    {
      name,
      retriesAllowed: true,
      maxAttempts: 3,
      shouldRetry: (error) => (error as { retryable?: unknown }).retryable === true,
    },
  );
}
