/** Finds the options of a task that its worker does not support. Pure. */
import { taskOptions, type TaskOption, type WorkerAdapter, type WorkerTask } from "@agentcore/contract";

/** The task options that have no effect, in the order of the contract. */
export function unsupportedOptions(
  adapter: Pick<WorkerAdapter, "options">,
  task: Partial<Pick<WorkerTask, TaskOption>>,
): readonly TaskOption[] {
  const { options = [] } = adapter;
  return taskOptions.filter((option) => task[option] !== undefined && !options.includes(option));
}
