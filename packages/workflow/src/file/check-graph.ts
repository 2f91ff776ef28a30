/** Checks the relations between steps: dependencies exist, there are no cycles, and each artifact comes from an earlier step. */
import { didYouMean, listOf, type Raw, rawOf, type Report, textOf } from "@agentcore/yaml-file";
import type { RawSteps } from "./raw.ts";

export function checkGraph(file: Raw, steps: RawSteps, report: Report): void {
  for (const [id, step] of steps.byId) {
    checkDependencies(id, step, steps, report);
    checkInputs(id, step, steps, report);
    checkNames(id, step, steps, report);
  }
  const cycle = findCycle(steps);
  if (cycle !== undefined) {
    report(
      steps.pathOf(cycle[0] ?? "", "depends_on"),
      `the steps wait for each other: ${[...cycle, cycle[0]].join(" → ")}`,
      "key",
    );
  }
  const main = rawOf(file["steps"]);
  for (const id of Object.keys(rawOf(file["finally"]))) {
    if (Object.hasOwn(main, id)) report(["finally", id], `a step has the id "${id}" already`, "key");
  }
  const transition = textOf(file["branch_transition_step"]);
  if (transition !== undefined && !steps.byId.has(transition)) {
    report(
      ["branch_transition_step"],
      `no step has the id "${transition}"${didYouMean(transition, steps.ids)}`,
    );
  }
}

function checkDependencies(id: string, step: Raw, steps: RawSteps, report: Report): void {
  const seen = new Set<string>();
  for (const [index, dependency] of listOf(step["depends_on"]).entries()) {
    if (typeof dependency !== "string") continue;
    const path = steps.pathOf(id, "depends_on", index);
    if (dependency === id) report(path, `step "${id}" depends on itself`);
    else if (!steps.byId.has(dependency))
      report(path, `no step has the id "${dependency}"${didYouMean(dependency, steps.ids)}`);
    else if (steps.isFinal(dependency) !== steps.isFinal(id)) report(path, acrossPhases(dependency, steps));
    else if (seen.has(dependency)) report(path, `"${dependency}" is listed twice`);
    seen.add(dependency);
  }
}

function acrossPhases(dependency: string, { isFinal }: RawSteps): string {
  return isFinal(dependency)
    ? `step "${dependency}" is in finally, which begins after this step has ended`
    : `steps of finally begin after all others have ended; leave out "${dependency}"`;
}

function checkInputs(id: string, step: Raw, steps: RawSteps, report: Report): void {
  for (const [index, value] of listOf(step["inputs"]).entries()) {
    const from = textOf(rawOf(value)["from"]);
    const artifact = textOf(rawOf(value)["artifact"]);
    if (from === undefined) continue;
    const path = steps.pathOf(id, "inputs", index);
    if (!steps.byId.has(from)) {
      report([...path, "from"], `no step has the id "${from}"${didYouMean(from, steps.ids)}`);
    } else if (!steps.waitsFor(id).has(from)) {
      report([...path, "from"], `step "${id}" does not wait for "${from}"; add it to depends_on`);
    } else if (artifact !== undefined) {
      const maker = steps.byId.get(from) ?? {};
      const made = artifactsOf(maker);
      if (valuesOf(maker).includes(artifact)) {
        const use = `\${{ steps.${from}.outputs.${artifact} }}`;
        report([...path, "artifact"], `"${artifact}" is a value, not a file; use ${use}`);
      } else if (!made.includes(artifact)) {
        report(
          [...path, "artifact"],
          `step "${from}" has no output "${artifact}"${didYouMean(artifact, made)}`,
        );
      }
    }
  }
}

/** Names of a step's artifacts: its outputs, and its exports from a sub-workflow. */
export function artifactsOf(step: Raw): readonly string[] {
  return namesOf(step, "artifact");
}

/** Names of a step's values, likewise. */
export function valuesOf(step: Raw): readonly string[] {
  return namesOf(step, "value");
}

function namesOf(step: Raw, kind: "artifact" | "value"): readonly string[] {
  const outputs = listOf(step["outputs"]).map((entry) => {
    const output = rawOf(entry);
    return (output["value"] !== undefined) === (kind === "value") ? textOf(output["name"]) : undefined;
  });
  const exports = listOf(step["exports"]).map((entry) => {
    const own = textOf(rawOf(entry)[kind]);
    return own === undefined ? undefined : (textOf(rawOf(entry)["as"]) ?? own);
  });
  return [...outputs, ...exports].filter((name) => name !== undefined);
}

function checkNames(id: string, step: Raw, steps: RawSteps, report: Report): void {
  const seen = new Set<string>();
  for (const [index, entry] of listOf(step["outputs"]).entries()) {
    const { name: given, path, value } = rawOf(entry);
    const at = steps.pathOf(id, "outputs", index);
    // Anything else than a mapping was refused by the schema.
    if (typeof entry === "object" && path === undefined && value === undefined)
      report(at, "needs path, for a file, or value, for a text", "key");
    if (path !== undefined && value !== undefined)
      report([...at, "value"], "may have only one of path, value", "key");
    if (value !== undefined && step["workflow"] !== undefined)
      report([...at, "value"], "a sub-workflow's value comes from exports: { from, value }", "key");
    const name = textOf(given);
    if (name === undefined) continue;
    if (seen.has(name)) report([...at, "name"], `step "${id}" has two outputs named "${name}"`);
    seen.add(name);
  }
}

/** The ids of one cycle, in the order of waiting; undefined if there is none. */
function findCycle({ ids, dependencies }: RawSteps): readonly string[] | undefined {
  const done = new Set<string>();
  // Depth first without recursion, since a chain may be long: `trail` is the path from the start to here.
  const trail: { id: string; at: number }[] = [];
  const onTrail = new Set<string>();
  for (const start of ids) {
    if (done.has(start)) continue;
    trail.push({ id: start, at: 0 });
    onTrail.add(start);
    for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
      const next = dependencies(top.id)[top.at++];
      if (next === undefined) {
        done.add(top.id);
        onTrail.delete(top.id);
        trail.pop();
      } else if (onTrail.has(next) && next !== top.id) {
        const cycle = trail.map(({ id }) => id);
        return cycle.slice(cycle.indexOf(next));
      } else if (next !== top.id && !done.has(next)) {
        trail.push({ id: next, at: 0 });
        onTrail.add(next);
      }
    }
  }
  return undefined;
}
