/** Chooses the steps that a retry of an ended run repeats. Pure. */
import type { RunState } from "../plan/run-state.ts";
import type { StepState } from "../plan/step-state.ts";
import type { StepInstance } from "../plan/step-instance.ts";

/**
 * `failed`: those that did not end well, and those that wait for one of them and did not succeed. `from`: the step with all its
 * combinations, and all that waits for it, directly or not.
 */
export type RetryChoice = { readonly kind: "failed" } | { readonly kind: "from"; readonly step: string };

/** In the order of the file; empty where there is nothing to retry. */
export function stepsToRetry(
  instances: readonly StepInstance[],
  { steps }: RunState,
  choice: RetryChoice,
): readonly string[] {
  const chosen = new Set<string>();
  // Dependencies may stand behind what waits for them in the file.
  for (let before = -1; before < chosen.size;) {
    before = chosen.size;
    for (const instance of instances) {
      const follows = instance.plan.dependsOn.some((id) => chosen.has(id));
      if (isChosen(instance, steps.get(instance.id), choice, follows)) chosen.add(instance.id);
    }
  }
  return instances.map(({ id }) => id).filter((id) => chosen.has(id));
}

function isChosen(
  { step }: StepInstance,
  state: StepState | undefined,
  choice: RetryChoice,
  follows: boolean,
): boolean {
  if (choice.kind === "from") return follows || step.id === choice.step;
  if (state?.kind !== "ended") return false;
  const { status, passes } = state;
  if (status === "SUCCEEDED") return false;
  return follows || !passes || status === "FAILED" || status === "INCOMPLETE";
}
