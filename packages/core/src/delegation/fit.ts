/** Checks that a task is the one that a permit was granted for, and reduces it to what the permit allows. Pure. */
import { AgentCoreError, type Permit, type PermitRequest, type WorkerTask } from "@agentcore/contract";

/**
 * The task as it may run: with the capabilities and the model that were granted, which are fewer than the task's where
 * the permit is degraded. Throws `AC_PERMIT_INVALID` where the task is another one than was asked for.
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
