/** Checks a step against its sub-workflow: the inputs that it passes, and the artifacts that it exports. */
import { didYouMean, listOf, type Path, type Raw, rawOf, type Report, textOf } from "@agentcore/yaml-file";
import type { InputDeclaration, Step, Workflow } from "../definition.ts";
import { placeholdersIn } from "../expression.ts";
import { readAs } from "../input-value.ts";
import { combinationsIn } from "../plan/matrix-lists.ts";
import { combinationsOf } from "./check-steps.ts";
import type { RawSteps } from "./raw.ts";

/** `at`: the step's place in the file. */
export function checkSubWorkflow(at: Path, step: Raw, child: Workflow, report: Report): void {
  checkGiven(at, step, child, report);
  checkExports(at, step, child, report);
}

/** Most steps of a workflow and all below it: each combination, and each iteration of a sub-workflow, runs them again. */
const stepsInAllMax = 100_000;

/** `children`: by step id. */
export function checkStepsInAll(
  steps: RawSteps,
  children: ReadonlyMap<string, Workflow>,
  report: Report,
): void {
  let inAll = 0;
  for (const [id, child] of children) {
    const step = steps.byId.get(id) ?? {};
    const iterations = typeof step["max_iterations"] === "number" ? step["max_iterations"] : 1;
    inAll += combinationsOf(rawOf(step["matrix"])) * iterations * stepsInAll(child);
    if (inAll <= stepsInAllMax) continue;
    const message = `the sub-workflows come to more than ${stepsInAllMax} steps here, combinations and iterations counted; lower max_iterations, or leave out combinations`;
    return report(steps.pathOf(id, "workflow"), message, "key");
  }
}

function stepsInAll({ steps }: Workflow): number {
  return steps.reduce((sum, { action, matrix, loop }) => {
    const combinations = combinationsIn(matrix);
    if (action.kind !== "workflow") return sum + combinations;
    return sum + combinations * (1 + (loop?.maxIterations ?? 1) * stepsInAll(action.workflow));
  }, 0);
}

function checkGiven(place: Path, step: Raw, child: Workflow, report: Report): void {
  const given = rawOf(step["with"]);
  for (const [name, value] of Object.entries(given)) {
    const path = [...place, "with", name];
    const declaration = child.inputs.get(name);
    const names = [...child.inputs.keys()];
    if (declaration === undefined) {
      const hint = names.length === 0 ? "; it has none" : didYouMean(name, names);
      report(path, `the sub-workflow has no input "${name}"${hint}`, "key");
    } else if (!canBe(declaration, value)) report(path, `is not a ${declaration.type}`);
  }
  for (const [name, { required }] of child.inputs) {
    if (!required || Object.hasOwn(given, name)) continue;
    const at = step["with"] === undefined ? "workflow" : "with";
    report(
      [...place, at],
      `the sub-workflow needs the input "${name}"; give it in with: { ${name}: … }`,
      "key",
    );
  }
}

/** Values with placeholders are known only when the step starts. */
function canBe(declaration: InputDeclaration, value: unknown): boolean {
  if (typeof value === "string" && placeholdersIn(value).length > 0) return true;
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return true;
  return readAs(declaration, value) !== undefined;
}

function checkExports(place: Path, step: Raw, child: Workflow, report: Report): void {
  for (const [index, value] of listOf(step["exports"]).entries()) {
    const entry = rawOf(value);
    const from = textOf(entry["from"]);
    const artifact = textOf(entry["artifact"]);
    const named = textOf(entry["value"]);
    const source = child.steps.find((one) => one.id === from);
    const path = [...place, "exports", index];
    const ids = child.steps.map((one) => one.id);
    if (from !== undefined && source === undefined)
      report([...path, "from"], `the sub-workflow has no step "${from}"${didYouMean(from, ids)}`);
    if ((entry["artifact"] === undefined) === (entry["value"] === undefined))
      report(path, "needs exactly one of artifact, value", "key");
    else if (source !== undefined && artifact !== undefined)
      checkExport(source, "artifact", artifact, path, report);
    else if (source !== undefined && named !== undefined) checkExport(source, "value", named, path, report);
  }
}

function checkExport(
  source: Step,
  kind: "artifact" | "value",
  name: string,
  path: Path,
  report: Report,
): void {
  const { action, outputs, values, id } = source;
  const [inner, innerValues] = action.kind === "workflow" ? [action.exports, action.valueExports] : [[], []];
  const artifacts = [...outputs.map((one) => one.name), ...inner.map((one) => one.as)];
  const texts = [...values.map((one) => one.name), ...innerValues.map((one) => one.as)];
  const [names, others] = kind === "artifact" ? [artifacts, texts] : [texts, artifacts];
  if (names.includes(name)) return;
  const other = kind === "artifact" ? "value" : "artifact";
  const hint = others.includes(name)
    ? `; "${name}" is a${other === "artifact" ? "n" : ""} ${other}: write ${other}: ${name}`
    : didYouMean(name, names);
  const what = kind === "artifact" ? "output" : "value";
  report([...path, kind], `step "${id}" of the sub-workflow has no ${what} "${name}"${hint}`);
}
