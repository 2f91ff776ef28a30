/** Removes the worktree of a step after its end is journaled: nothing needs it again. */
import { discardWorktree } from "../worktree/worktree.ts";
import type { StepInstance } from "../plan/step-instance.ts";
import { worktreeOf, type StepContext } from "./step-context.ts";
import { withinRun } from "./step-merge.ts";

/** Never rejects: a worktree that cannot be removed is left where it is, and the log says so. */
export async function discardAfterEnd(
  context: StepContext,
  instance: StepInstance,
  succeeded: boolean,
): Promise<void> {
  const { ports } = context;
  const place = worktreeOf(context, instance);
  if (place === null) return;
  try {
    const leftMs = context.record().state.isHalted(instance.plan) ? 0 : context.leftMs(instance.step);
    const discarded = await withinRun(ports.clock, leftMs, (signal) =>
      discardWorktree({ ...ports, signal }, place, succeeded),
    );
    const where = { step: instance.id, worktree: place.path, ref: `${place.refs}/after` };
    if (discarded === "saved") ports.log.warn(where, "the step's unmerged changes are kept in a ref");
    if (discarded === "kept")
      ports.log.warn(where, "the step's worktree holds repositories of its own and is left where it is");
  } catch (error) {
    const where = { error, step: instance.id, worktree: place.path };
    ports.log.warn(where, "the step's worktree could not be removed; it is left where it is");
  }
}
