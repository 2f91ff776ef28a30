/**
 * The exit codes of the process, part of the public interface. The outcome decides, unless the gate refused the job: then
 * nothing ran, and the caller can distinguish that from a failed run.
 */
import type { ErrorClass, Outcome } from "@agentcore/contract";

export const exitCodes = {
  succeeded: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  timedOut: 4,
  budgetExhausted: 5,
  /** The state directory could not be used now: a lock, a full disk; or no daemon answers. The same call may work later. */
  unavailable: 6,
  cancelled: 130,
} as const;

export function exitCodeOf(
  outcome: Outcome,
  { refused, errorClass }: { readonly refused: boolean; readonly errorClass: ErrorClass | null },
): number {
  if (refused) return exitCodes.refused;
  // Nothing was started: the worker must be installed or configured, as for any other wrong call.
  if (errorClass === "worker_missing") return exitCodes.usage;
  switch (outcome) {
    case "succeeded":
      return exitCodes.succeeded;
    case "failed":
    case "lost":
      return exitCodes.failed;
    case "timed_out":
    case "stalled":
      return exitCodes.timedOut;
    case "budget_exhausted":
      return exitCodes.budgetExhausted;
    case "cancelled":
      return exitCodes.cancelled;
  }
}
