/** Chooses the steps that a retry of an ended run repeats. Pure. */
import type { Step } from "../definition.ts";
import { placeholdersIn } from "../expression.ts";
import type { RunState } from "../plan/run-state.ts";
import type { StepState } from "../plan/step-state.ts";
import type { StepInstance } from "../plan/step-instance.ts";

/**
 * `failed`: steps that did not succeed, and of those that wait for one of them: the ones that did not succeed, and the ones with a
 * condition, because it may be met no longer, or met again. What waits for a repeated step that had succeeded is repeated too.
 * `from`: the step with all its combinations, and all steps that wait for it, directly or not.
 */
export type RetryChoice = { readonly kind: "failed" } | { readonly kind: "from"; readonly step: string };

/**
 * In the order of the file; empty if there is nothing to retry. If the run works again, its `finally` runs again after that.
 */
export function stepsToRetry(
  instances: readonly StepInstance[],
  { steps }: Pick<RunState, "steps">,
  choice: RetryChoice,
): readonly string[] {
  const followers = followersOf(instances);
  const chosen = new Set(instances.filter((instance) => isChosen(instance, steps.get(instance.id), choice)));
  // The list grows during the loop.
  for (const { id } of chosen)
    for (const follower of followers.get(id) ?? [])
      if (choice.kind === "from" || followsIn(follower, steps.get(follower.id), steps.get(id)))
        chosen.add(follower);
  const worksAgain = [...chosen].some(({ step }) => !step.isFinal);
  const begins = new Set([...chosen].map(({ step }) => step.id));
  const ids = instances
    .filter((instance) => chosen.has(instance) || (worksAgain && instance.step.isFinal))
    .map(({ id, step }) => (listSources(step).some((source) => begins.has(source)) ? step.id : id));
  return [...new Set(ids)];
}

/** The steps that a list of the matrix comes from: if one begins again, the list must be read again. */
function listSources({ matrixLists }: Step): readonly string[] {
  return [...matrixLists.values()].flatMap(placeholdersIn).flatMap((text) => text.split(".")[1] ?? []);
}

/** By step: the steps that wait for it. */
function followersOf(instances: readonly StepInstance[]): ReadonlyMap<string, readonly StepInstance[]> {
  const byDependency = new Map<string, StepInstance[]>();
  for (const instance of instances) {
    for (const id of instance.plan.dependsOn) {
      const known = byDependency.get(id);
      if (known === undefined) byDependency.set(id, [instance]);
      else known.push(instance);
    }
  }
  // What waits for a step with a list waits for the step, and not for each instance.
  const followersFor = ({ id, step }: StepInstance): readonly StepInstance[] =>
    byDependency.get(step.matrixLists.size > 0 ? step.id : id) ?? [];
  return new Map(instances.map((instance) => [instance.id, followersFor(instance)]));
}

function isChosen({ step }: StepInstance, state: StepState | undefined, choice: RetryChoice): boolean {
  if (choice.kind === "from") return step.id === choice.step;
  if (state?.kind !== "ended" || state.status === "SUCCEEDED") return false;
  return !state.passes || state.status === "FAILED" || state.status === "INCOMPLETE";
}

/** `waitsFor`: the state of a step that is repeated, and that this one waits for. */
function followsIn(
  { step }: StepInstance,
  state: StepState | undefined,
  waitsFor: StepState | undefined,
): boolean {
  if (state?.kind !== "ended") return false;
  return state.status !== "SUCCEEDED" || step.condition !== null || hasSucceeded(waitsFor);
}

const hasSucceeded = (state: StepState | undefined): boolean =>
  state?.kind === "ended" && state.status === "SUCCEEDED";
