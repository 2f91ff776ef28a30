/** Checks of how steps hang together: dependencies that exist, no cycles, artifacts that an earlier step really makes. */
import { didYouMean } from "@agentcore/yaml-file";
import {
  dependenciesOf,
  listOf,
  rawOf,
  stepsOf,
  textOf,
  transitiveDependencies,
  type Raw,
  type Report,
} from "./raw.ts";

export function checkGraph(file: Raw, report: Report): void {
  const ids = stepsOf(file).map(([id]) => id);
  for (const [id, step] of stepsOf(file)) {
    checkDependencies(id, step, ids, report);
    checkInputs(file, id, step, ids, report);
    checkNames(id, step, report);
  }
  const cycle = findCycle(file);
  if (cycle !== undefined) {
    report(
      ["steps", cycle[0] ?? "", "depends_on"],
      `the steps wait for each other: ${[...cycle, cycle[0]].join(" → ")}`,
      "key",
    );
  }
  const transition = textOf(file["branch_transition_step"]);
  if (transition !== undefined && !ids.includes(transition)) {
    report(["branch_transition_step"], `no step has the id "${transition}"${didYouMean(transition, ids)}`);
  }
}

function checkDependencies(id: string, step: Raw, ids: readonly string[], report: Report): void {
  const seen = new Set<string>();
  for (const [index, dependency] of listOf(step["depends_on"]).entries()) {
    if (typeof dependency !== "string") continue;
    const path = ["steps", id, "depends_on", index];
    if (dependency === id) report(path, `step "${id}" depends on itself`);
    else if (!ids.includes(dependency))
      report(path, `no step has the id "${dependency}"${didYouMean(dependency, ids)}`);
    else if (seen.has(dependency)) report(path, `"${dependency}" is listed twice`);
    seen.add(dependency);
  }
}

function checkInputs(file: Raw, id: string, step: Raw, ids: readonly string[], report: Report): void {
  const before = transitiveDependencies(file, id);
  const steps = new Map(stepsOf(file));
  for (const [index, value] of listOf(step["inputs"]).entries()) {
    const from = textOf(rawOf(value)["from"]);
    const artifact = textOf(rawOf(value)["artifact"]);
    if (from === undefined) continue;
    const path = ["steps", id, "inputs", index];
    if (!ids.includes(from)) {
      report([...path, "from"], `no step has the id "${from}"${didYouMean(from, ids)}`);
    } else if (!before.has(from)) {
      report([...path, "from"], `step "${id}" does not wait for "${from}"; add it to depends_on`);
    } else if (artifact !== undefined) {
      const made = artifactsOf(steps.get(from) ?? {});
      if (!made.includes(artifact)) {
        report(
          [...path, "artifact"],
          `step "${from}" has no output "${artifact}"${didYouMean(artifact, made)}`,
        );
      }
    }
  }
}

/** Names of what a step hands on: its outputs, and what it exports from a sub-workflow. */
export function artifactsOf(step: Raw): readonly string[] {
  const outputs = listOf(step["outputs"]).map((output) => textOf(rawOf(output)["name"]));
  const exports = listOf(step["exports"]).map(
    (entry) => textOf(rawOf(entry)["as"]) ?? textOf(rawOf(entry)["artifact"]),
  );
  return [...outputs, ...exports].filter((name) => name !== undefined);
}

function checkNames(id: string, step: Raw, report: Report): void {
  const seen = new Set<string>();
  for (const [index, output] of listOf(step["outputs"]).entries()) {
    const name = textOf(rawOf(output)["name"]);
    if (name === undefined) continue;
    if (seen.has(name))
      report(["steps", id, "outputs", index, "name"], `step "${id}" has two outputs named "${name}"`);
    seen.add(name);
  }
}

/** The ids of one cycle, in the order of waiting; undefined where there is none. */
function findCycle(file: Raw): readonly string[] | undefined {
  const steps = new Map(stepsOf(file));
  const done = new Set<string>();
  for (const start of steps.keys()) {
    // Depth first without recursion, since a chain may be long: `trail` is the way from the start to here.
    const trail: { id: string; rest: string[] }[] = [
      { id: start, rest: [...dependenciesOf(steps.get(start) ?? {})] },
    ];
    const onTrail = new Set([start]);
    for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
      const next = top.rest.shift();
      if (next === undefined) {
        done.add(top.id);
        onTrail.delete(top.id);
        trail.pop();
      } else if (onTrail.has(next) && next !== top.id) {
        const ids = trail.map(({ id }) => id);
        return ids.slice(ids.indexOf(next));
      } else if (next !== top.id && !done.has(next) && steps.has(next)) {
        trail.push({ id: next, rest: [...dependenciesOf(steps.get(next) ?? {})] });
        onTrail.add(next);
      }
    }
  }
  return undefined;
}
