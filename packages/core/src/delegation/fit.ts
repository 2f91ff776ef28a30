/** Checks that a task is the one that a permit was granted for, and reduces it to what the permit allows. Pure. */
import { AgentCoreError, type Permit, type PermitRequest, type WorkerTask } from "@agentcore/contract";

/**
 * The task as it may run, with the granted capabilities and model; a degraded permit grants fewer than the task names. Throws
 * `AC_PERMIT_INVALID` if the task is not the one that the permit was requested for.
 */
export function fitTask(permit: Permit & { readonly request: PermitRequest }, task: WorkerTask): WorkerTask {
  const { request, grants } = permit;
  const mismatch = (what: string, asked: unknown, granted: unknown) =>
    new AgentCoreError(
      "AC_PERMIT_INVALID",
      `the task's ${what} is ${JSON.stringify(asked ?? null)}, the permit was granted for ${JSON.stringify(granted ?? null)}`,
      { evidence: { permitId: permit.id, field: what } },
    );
  if (task.worker !== request.worker) throw mismatch("worker", task.worker, request.worker);
  if (task.workspace !== request.workspace) throw mismatch("workspace", task.workspace, request.workspace);
  if (task.model !== request.model) throw mismatch("model", task.model, request.model);
  const beyond = task.capabilities.filter((capability) => !request.capabilities.includes(capability));
  if (beyond.length > 0) throw mismatch("capabilities", task.capabilities, request.capabilities);

  const capabilities = task.capabilities.filter((capability) => grants.capabilities.includes(capability));
  return grants.model === null ? { ...task, capabilities } : { ...task, capabilities, model: grants.model };
}
