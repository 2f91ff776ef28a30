/**
 * Interprets the end of a job that its stall settings stopped: the trigger, the configured action, and the consequence for
 * the step. Everything is in the job's result, so that a resumed run decides the same. Pure.
 */
import { errorClassTraits, errorClassSchema, type WorkerResult } from "@agentcore/contract";
import type { Stall, StallReaction } from "../definition.ts";

export type StallTrigger = "no_output" | "no_progress" | "terminal";

export interface StallEnd {
  readonly trigger: StallTrigger;
  readonly action: "interrupt" | "fail";
  readonly errorClass: string;
  /** Stable names of what was found; the step's own prefix first. */
  readonly fingerprints: readonly string[];
  readonly reasons: readonly string[];
  readonly asIncomplete: boolean;
  /** A failure after which nothing is tried again: for this step, or for the whole run. */
  readonly final?: "step" | "run";
}

const fingerprintOf: Readonly<Record<StallTrigger, string>> = {
  no_output: "stall/no-output",
  no_progress: "stall/no-progress",
  terminal: "stall/terminal",
};

/** Null for a job that was not stopped for a stall. `stall` null: only the runtime's own limits applied. */
export function stallEnd(result: WorkerResult | null, stall: Stall | null): StallEnd | null {
  if (result?.outcome !== "stalled") return null;
  const trigger = triggerOf(result);
  const reaction = trigger === "terminal" ? stall?.onTerminal : stall?.onStall;
  // Even if the step ignores silence, a limit of the runtime may have stopped it: that attempt has failed.
  const action = reaction === undefined || reaction.action === "ignore" ? "interrupt" : reaction.action;
  const { fingerprints = [], reasons = [result.summary] } = result.probe ?? {};
  return {
    trigger,
    action,
    errorClass: reaction?.errorClass ?? "stalled",
    fingerprints: [
      ...new Set([...(reaction?.fingerprintPrefix ?? []), fingerprintOf[trigger], ...fingerprints]),
    ],
    reasons,
    asIncomplete: reaction?.asIncomplete ?? false,
    ...finality(action, reaction?.errorClass ?? null),
  };
}

function triggerOf({ code }: WorkerResult): StallTrigger {
  if (code === "AC_PROBE_TERMINAL") return "terminal";
  return code === "AC_PROBE_STALLED" ? "no_progress" : "no_output";
}

function finality(
  action: StallEnd["action"],
  errorClass: StallReaction["errorClass"],
): Pick<StallEnd, "final"> {
  if (errorClass === "FATAL") return { final: "run" };
  const known = errorClassSchema.safeParse(errorClass).data;
  const isHopeless = known !== undefined && !errorClassTraits[known].retryable;
  return action === "fail" || errorClass === "NON_RETRYABLE" || isHopeless ? { final: "step" } : {};
}
