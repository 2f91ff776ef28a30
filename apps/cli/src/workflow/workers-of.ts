/** Lists the workers that a workflow needs, including sub-workflows and completion checks. Pure. */
import type { Capability } from "@agentcore/contract";
import type { WorkSpec, Workflow } from "@agentcore/workflow";

/** By name, with every capability that a step requires of it. */
export function workersOf(workflow: Workflow): ReadonlyMap<string, readonly Capability[]> {
  const asked = new Map<string, Set<Capability>>();
  for (const { worker, capabilities } of worksOf(workflow)) {
    const known = asked.get(worker) ?? new Set();
    for (const capability of capabilities) known.add(capability);
    asked.set(worker, known);
  }
  if (notifies(workflow)) asked.set("shell", new Set([...(asked.get("shell") ?? []), "run_commands"]));
  return new Map([...asked].map(([worker, capabilities]) => [worker, [...capabilities]]));
}

/** Every worker with the models that steps name for it; null for a step that names none. */
export function modelsOf(workflow: Workflow): readonly Pick<WorkSpec, "worker" | "model">[] {
  const asked = new Map(
    worksOf(workflow).map(({ worker, model }) => [JSON.stringify([worker, model]), { worker, model }]),
  );
  return [...asked.values()];
}

/** The scripts of `notify` are jobs of the shell worker. */
function notifies({ notify }: Workflow): boolean {
  return notify.some(({ command }) => command !== null);
}

function worksOf(workflow: Workflow): readonly WorkSpec[] {
  return workflow.steps.flatMap(({ action, loop }) => [
    ...(action.kind === "worker" ? [action.work] : []),
    ...(action.kind === "workflow" ? worksOf(action.workflow) : []),
    ...(loop === null ? [] : [loop.check]),
  ]);
}
