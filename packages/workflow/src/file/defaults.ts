/**
 * Adds the file's `defaults` to a step: each key that the step omits, and that fits what the step is. Works on unvalidated
 * content for the checks and on checked content for the definition, so that both see the same step. Pure.
 */
import { canonicalWorker, type Path, type Raw, rawOf, textOf } from "@agentcore/yaml-file";

/** The keys that say how a step works, one of which it has; `defaults` names another one only where a step names none. */
export const ways = ["worker", "agent", "workflow", "approval"] as const;
/** Keys that mean nothing, or something else, to another worker than the one they were written for. */
const workerKeys = ["model", "variant", "defaultArgs", "max_steps", "max_command_time"];
const workKeys = ["worker", "agent", "capabilities", ...workerKeys, "isolation", "merge"];
/** The keys of a step that `defaults` may have. `env` is not among them: it joins that of the workflow. */
export const defaultKeys = {
  worker: true,
  agent: true,
  capabilities: true,
  model: true,
  variant: true,
  defaultArgs: true,
  max_steps: true,
  max_command_time: true,
  isolation: true,
  merge: true,
  timeout: true,
  max_retries: true,
  retry: true,
  on_failure: true,
  stall: true,
  budget: true,
} as const;

/** `profileOf`: the keys of an agent profile; empty for an unknown one. */
export function withDefaults<T extends Raw>(step: T, defaults: Raw, profileOf: (agent: string) => Raw): T {
  const used = Object.entries(defaults).filter(
    ([key]) => step[key] === undefined && fits(key, step, defaults, profileOf),
  );
  const whole = { ...Object.fromEntries(used), ...step };
  // A default `merge` is for those steps that have a worktree.
  return step["merge"] === undefined && whole["isolation"] !== "worktree"
    ? { ...whole, merge: undefined }
    : whole;
}

function fits(key: string, step: Raw, defaults: Raw, profileOf: (agent: string) => Raw): boolean {
  if (!Object.hasOwn(defaultKeys, key)) return false;
  if (step["approval"] !== undefined) return key === "on_failure";
  if (step["workflow"] !== undefined && workKeys.includes(key)) return false;
  switch (key) {
    case "worker":
    case "agent":
      return ways.every((way) => step[way] === undefined);
    case "max_retries":
      return step["retry"] === undefined && step["on_failure"] !== "abort";
    case "retry":
      return step["max_retries"] === undefined && step["on_failure"] !== "retry";
    case "on_failure":
      return (
        (step["retry"] === undefined || defaults["on_failure"] !== "retry") && !retriesAnyway(step, defaults)
      );
    default:
  }
  const agent = textOf(step["agent"]);
  // A profile says more about its steps than the file does.
  if (agent !== undefined && profileOf(agent)[key] !== undefined) return false;
  return !workerKeys.includes(key) || isForWorkerOf(step, defaults, profileOf);
}

/** `on_failure: abort` never retries, so it is no default for a step that has `max_retries`. */
function retriesAnyway(step: Raw, defaults: Raw): boolean {
  return step["max_retries"] !== undefined && step["max_retries"] !== 0 && defaults["on_failure"] === "abort";
}

/** Whether the step's worker is the one that the defaults name, if they name one. */
function isForWorkerOf(step: Raw, defaults: Raw, profileOf: (agent: string) => Raw): boolean {
  const expected = workerOf(defaults, profileOf);
  const own = workerOf(step, profileOf);
  return expected === undefined || own === undefined || own === expected;
}

function workerOf(work: Raw, profileOf: (agent: string) => Raw): string | undefined {
  const worker = textOf(work["worker"]) ?? textOf(profileOf(textOf(work["agent"]) ?? "")["worker"]);
  return worker === undefined ? undefined : canonicalWorker(worker);
}

/** Where the value at a path of a step is written: among the defaults, if the step has it from there. */
export function writtenAt(file: Raw, path: Path): Path {
  const [root, id, key, ...rest] = path;
  if ((root !== "steps" && root !== "finally") || typeof id !== "string" || typeof key !== "string")
    return path;
  const isOwn = Object.hasOwn(rawOf(rawOf(file[root])[id]), key);
  return isOwn || !Object.hasOwn(rawOf(file["defaults"]), key) ? path : ["defaults", key, ...rest];
}
