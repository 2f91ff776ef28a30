/**
 * Checks of what a file asks of its workers: arguments that a worker's adapter refuses are mistakes; settings that the worker
 * does not have are warnings, since the step does its work without them.
 */
import type { TaskOption } from "@agentcore/contract";
import { canonicalWorker } from "./names.ts";
import { listOf, rawOf, textOf, type Path, type Raw, type RawSteps, type Report } from "./raw.ts";

/** What is known of workers before anything runs. */
export interface KnownWorkers {
  /** Settings that the worker has; null: not known. */
  options(worker: string): readonly TaskOption[] | null;
  /** Why the worker's adapter refuses the arguments; null: it does not, or is not known. */
  argsProblem(worker: string, args: readonly string[]): string | null;
}

/** Who works on a step or a check, and on what terms: the profile's, unless its own keys say otherwise. */
export type ProfileOf = (agent: string) => Raw;

const keys: readonly (readonly [TaskOption, string])[] = [
  ["variant", "variant"],
  ["maxSteps", "max_steps"],
  ["maxCommandTimeMs", "max_command_time"],
];

export function checkWorkers(
  steps: RawSteps,
  profileOf: ProfileOf,
  workers: KnownWorkers,
  tell: { readonly mistake: Report; readonly warning: Report },
): void {
  const checkOne = (work: Raw, path: Path): void => {
    const agent = textOf(work["agent"]);
    const profile = agent === undefined ? {} : profileOf(agent);
    const named = textOf(work["worker"]) ?? textOf(profile["worker"]);
    if (named === undefined) return;
    const worker = canonicalWorker(named);
    // What comes from the profile is told where the profile is named.
    const placeOf = (key: string): Path => [...path, work[key] === undefined ? "agent" : key];
    const args = listOf(work["defaultArgs"] ?? profile["defaultArgs"]).filter(
      (arg) => typeof arg === "string",
    );
    const problem = workers.argsProblem(worker, args);
    if (problem !== null) tell.mistake(placeOf("defaultArgs"), problem);
    for (const key of vainKeys({ ...profile, ...work }, worker, workers))
      tell.warning(placeOf(key), `"${key}" has no effect: ${worker} has no such setting`, "key");
  };
  for (const [id, step] of steps.byId) {
    checkOne(step, ["steps", id]);
    checkOne(rawOf(step["completion_check"]), ["steps", id, "completion_check"]);
  }
}

function vainKeys(work: Raw, worker: string, workers: KnownWorkers): readonly string[] {
  const known = workers.options(worker);
  if (known === null) return [];
  // The shell's script is its one command: the workflow limits its time.
  const options: readonly TaskOption[] = worker === "shell" ? [...known, "maxCommandTimeMs"] : known;
  return keys
    .filter(([option, key]) => work[key] !== undefined && !options.includes(option))
    .map(([, key]) => key);
}
