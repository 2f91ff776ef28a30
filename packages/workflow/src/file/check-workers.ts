/**
 * Checks the workers of a file: an unknown worker, or arguments that its adapter refuses, are errors; options that the
 * worker does not support are warnings, because the step works without them.
 */
import type { TaskOption } from "@agentcore/contract";
import {
  canonicalWorker,
  listOf,
  type Path,
  type Raw,
  rawOf,
  type Report,
  textOf,
} from "@agentcore/yaml-file";
import type { RawSteps } from "./raw.ts";

/** What is known about workers before the run. */
export interface KnownWorkers {
  /** Why no step can use the worker: it does not exist, or its adapter cannot be loaded; null: no known problem. */
  problem(worker: string): string | null;
  /** Settings that the worker supports; null: not known. */
  options(worker: string): readonly TaskOption[] | null;
  /** Why the worker's adapter refuses the arguments; null: it accepts them, or that is not known. */
  argsProblem(worker: string, args: readonly string[]): string | null;
}

/** Looks up these workers. Called at most once per file, with the workers of which it requires something. */
export type LookUpWorkers = (names: readonly string[]) => Promise<KnownWorkers>;

const keys: readonly (readonly [TaskOption, string])[] = [
  ["variant", "variant"],
  ["maxSteps", "max_steps"],
  ["maxCommandTimeMs", "max_command_time"],
];
const argsKey = "defaultArgs";

/** A step or a check. */
interface Work {
  readonly path: Path;
  readonly own: Raw;
  /** Its own keys, and those of its agent profile. */
  readonly all: Raw;
  readonly worker: string;
}

export async function checkWorkers(
  steps: RawSteps,
  profileOf: (agent: string) => Raw,
  lookUp: LookUpWorkers,
  tell: { readonly mistake: Report; readonly warning: Report },
): Promise<void> {
  const works = worksOf(steps, profileOf);
  if (works.length === 0) return;
  const workers = await lookUp([...new Set(works.map(({ worker }) => worker))]);
  for (const { path, own, all, worker } of works) {
    // Problems with keys of the profile are reported where the profile is named.
    const placeOf = (key: string): Path => [...path, own[key] === undefined ? "agent" : key];
    const unusable = workers.problem(worker);
    if (unusable !== null) tell.mistake(placeOf("worker"), unusable);
    const args = listOf(all[argsKey]).filter((arg) => typeof arg === "string");
    const problem = workers.argsProblem(worker, args);
    if (problem !== null) tell.mistake(placeOf(argsKey), problem);
    for (const key of vainKeys(all, worker, workers))
      tell.warning(placeOf(key), `"${key}" has no effect: ${worker} has no such setting`, "key");
  }
}

function worksOf(steps: RawSteps, profileOf: (agent: string) => Raw): readonly Work[] {
  const workOf = (own: Raw, path: Path): readonly Work[] => {
    const agent = textOf(own["agent"]);
    const all = agent === undefined ? own : { ...profileOf(agent), ...own };
    const worker = textOf(all["worker"]);
    return worker === undefined ? [] : [{ path, own, all, worker: canonicalWorker(worker) }];
  };
  return [...steps.byId].flatMap(([id, step]) => [
    ...workOf(step, steps.pathOf(id)),
    ...workOf(rawOf(step["completion_check"]), steps.pathOf(id, "completion_check")),
  ]);
}

function vainKeys(all: Raw, worker: string, workers: KnownWorkers): readonly string[] {
  const known = workers.options(worker);
  if (known === null) return [];
  // The shell's script is its one command, so the workflow limits its time.
  const options: readonly TaskOption[] = worker === "shell" ? [...known, "maxCommandTimeMs"] : known;
  return keys
    .filter(([option, key]) => all[key] !== undefined && !options.includes(option))
    .map(([, key]) => key);
}
