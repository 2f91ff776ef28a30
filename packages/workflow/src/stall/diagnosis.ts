/**
 * Writes the diagnosis of a step that fails because its findings kept coming back, to `<context_dir>/<step>/_convergence/`.
 */
import { join } from "node:path";
import type { StepState } from "../plan/step-state.ts";
import { stepDir } from "../places.ts";
import { writeJson } from "../records/record-files.ts";
import type { StepInstance } from "../plan/step-instance.ts";

/** Whether the step ended because nothing changed at the last stage. Pure. */
function gaveUp({ step }: StepInstance, state: StepState): boolean {
  const rules = step.loop?.convergence;
  if (rules === undefined || rules === null || !rules.failOnMaxStage) return false;
  if (state.kind !== "ended" || state.status !== "FAILED") return false;
  const { stage, sameFor } = state.progress;
  return stage >= rules.maxStage && sameFor >= rules.stallThreshold;
}

export async function writeDiagnosis(
  contextDir: string,
  instance: StepInstance,
  state: StepState,
): Promise<void> {
  if (state.kind !== "ended" || !gaveUp(instance, state)) return;
  const { iteration, stage, fingerprints, sameFor } = state.progress;
  await writeJson(join(stepDir(contextDir, instance.id), "_convergence", "diagnosis.json"), {
    reason: state.reason,
    iteration,
    stage,
    fingerprints,
    came_back: sameFor,
  });
}
