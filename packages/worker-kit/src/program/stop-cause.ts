/**
 * The first cause that stops a run, and its listeners. It follows the permit's signal from the start of the run; a cause
 * that comes after {@link FirstStopCause.settle} is ignored, because the worker had already ended.
 */
import { isErrorCode, type StopCause } from "@agentcore/contract";

export interface FirstStopCause {
  readonly cause: () => StopCause | null;
  /** Calls the listener once, immediately if there is already a cause. Returns a function that removes the listener. */
  onCause(listener: (cause: StopCause) => void): () => void;
  /** The caller does not want to wait any longer: what still runs beside the worker is killed. */
  hasten(): void;
  /** As {@link onCause}, for {@link hasten}. */
  onHaste(listener: () => void): () => void;
  /** Stops following the signal; the cause stays what it is. */
  settle(): void;
}

export function firstStopCause(signal: AbortSignal): FirstStopCause {
  let cause: StopCause | null = null;
  const listeners = new Set<(cause: StopCause) => void>();
  const hurried = new Set<() => void>();
  let hastened = false;
  const onAbort = (): void => {
    cause = toStopCause(signal.reason);
    for (const listener of listeners) listener(cause);
    listeners.clear();
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return {
    cause: () => cause,
    onCause(listener) {
      if (cause !== null) listener(cause);
      else listeners.add(listener);
      return () => listeners.delete(listener);
    },
    hasten() {
      hastened = true;
      for (const listener of hurried) listener();
      hurried.clear();
    },
    onHaste(listener) {
      if (hastened) listener();
      else hurried.add(listener);
      return () => hurried.delete(listener);
    },
    settle() {
      signal.removeEventListener("abort", onAbort);
      listeners.clear();
    },
  };
}

/** A permit's signal carries a StopCause; anything else that aborts it counts as somebody cancelling. */
function toStopCause(reason: unknown): StopCause {
  if (isStopCause(reason)) return reason;
  const message = reason instanceof Error ? reason.message : "the run was cancelled";
  return { kind: "cancelled", code: "AC_CANCELLED", message, evidence: {} };
}

function isStopCause(value: unknown): value is StopCause {
  if (typeof value !== "object" || value === null) return false;
  const { kind, code, message } = value as Record<string, unknown>;
  return (
    typeof kind === "string" && typeof message === "string" && typeof code === "string" && isErrorCode(code)
  );
}
