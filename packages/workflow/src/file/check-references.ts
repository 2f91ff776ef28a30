/** Checks `if` and `${{ … }}`: expressions parse, and what they refer to exists. */
import { didYouMean, listOf, type Path, type Raw, rawOf, type Report, textOf } from "@agentcore/yaml-file";
import { functionOf, parseExpression, placeholdersIn, referencesOf, statusFunctions } from "../expression.ts";
import { wholePlaceholder } from "../placeholder.ts";
import { artifactsOf, valuesOf } from "./check-graph.ts";
import { comparisonProblems, neverMet } from "./check-conditions.ts";
import { checkNotify } from "./check-notify.ts";
import type { RawSteps } from "./raw.ts";

export function checkReferences(file: Raw, steps: RawSteps, report: Report): void {
  const inputs = Object.keys(rawOf(file["inputs"]));
  checkInputDefaults(file, report);
  const ofFile: Scope = { steps, step: "", inputs, matrix: [] };
  checkTexts(rawOf(file["defaults"])["env"], ["defaults", "env"], ofFile, report, ["inputs"]);
  checkTexts(file["env"], ["env"], ofFile, report, ["inputs"]);
  checkNotify(file, report, (text, path) => checkExpression(text, path, ["inputs"], ofFile, report));
  const group = file["concurrency_group"];
  checkText(group, ["concurrency_group"], ofFile, report, ["inputs"]);
  checkText(rawOf(group)["name"], ["concurrency_group", "name"], ofFile, report, ["inputs"]);
  for (const [id, step] of steps.byId) {
    const path = steps.pathOf(id);
    const scope: Scope = { steps, step: id, inputs, matrix: Object.keys(rawOf(step["matrix"])) };
    const condition = textOf(step["if"]);
    if (condition !== undefined) checkCondition(condition, [...path, "if"], scope, report);
    const check = rawOf(step["completion_check"]);
    checkLists(rawOf(step["matrix"]), [...path, "matrix"], scope, report);
    checkText(step["instructions"], [...path, "instructions"], scope, report);
    checkText(step["verify"], [...path, "verify"], scope, report);
    checkText(rawOf(step["approval"])["message"], [...path, "approval", "message"], scope, report);
    checkTexts(step["with"], [...path, "with"], scope, report);
    checkTexts(step["env"], [...path, "env"], scope, report);
    checkTexts(check["env"], [...path, "completion_check", "env"], scope, report);
    checkText(check["instructions"], [...path, "completion_check", "instructions"], scope, report);
    for (const [index, entry] of listOf(rawOf(step["cache"])["key"]).entries())
      checkText(entry, [...path, "cache", "key", index], scope, report);
    for (const [index, output] of listOf(step["outputs"]).entries()) {
      checkText(rawOf(output)["path"], [...path, "outputs", index, "path"], scope, report, ofAttempt);
    }
  }
}

/** A list of a matrix is one placeholder with a value of an earlier step. */
function checkLists(matrix: Raw, path: Path, scope: Scope, report: Report): void {
  for (const [key, value] of Object.entries(matrix)) {
    if (typeof value !== "string") continue;
    const at = [...path, key];
    const whole = wholePlaceholder(value);
    if (whole === null) {
      report(at, "is neither a list nor ${{ steps.ID.outputs.NAME }} and nothing else");
      continue;
    }
    const parsed = parseExpression(whole.expression);
    const reference = parsed.ok && parsed.expression.kind === "reference" ? parsed.expression.path : null;
    const [root, id = "", field, name = ""] = reference ?? [];
    if (parsed.ok && (root !== "steps" || field !== "outputs"))
      report(at, `"${cut(whole.expression)}" is no list; use \${{ steps.ID.outputs.NAME }}`);
    else if (artifactsOf(scope.steps.byId.get(id) ?? {}).includes(name))
      report(at, `"${name}" is a file, not a value; declare it with value: true`);
    else checkExpression(whole.expression, at, ["steps"], scope, report);
  }
}

const shownMax = 60;
const cut = (text: string): string => (text.length > shownMax ? `${text.slice(0, shownMax)}…` : text);

interface Scope {
  readonly steps: RawSteps;
  readonly step: string;
  readonly inputs: readonly string[];
  readonly matrix: readonly string[];
}

/** What is known before a step's dependencies have ended. */
const ofAttempt = ["inputs", "matrix"];

function checkText(
  value: unknown,
  path: Path,
  scope: Scope,
  report: Report,
  roots: readonly string[] = ["inputs", "matrix", "steps"],
): void {
  for (const inner of placeholdersIn(textOf(value) ?? "")) checkExpression(inner, path, roots, scope, report);
}

/** Of each value of a map. */
function checkTexts(
  values: unknown,
  path: Path,
  scope: Scope,
  report: Report,
  roots?: readonly string[],
): void {
  for (const [name, value] of Object.entries(rawOf(values)))
    checkText(value, [...path, name], scope, report, roots);
}

function unavailable(reference: readonly string[], roots: readonly string[]): string {
  const [root, name = "NAME"] = reference;
  if (root === "secrets")
    return `a secret is a variable and no text: write secrets: [${name}] and use $${name} in the script`;
  return `"${reference.join(".")}" cannot be used here; available here: ${roots.map(shownRoot).join(", ")}`;
}

function checkCondition(text: string, path: Path, scope: Scope, report: Report): void {
  checkExpression(text, path, ["inputs", "steps", ...statusFunctions], scope, report);
  const parsed = parseExpression(text);
  if (!parsed.ok || scope.steps.isFinal(scope.step)) return;
  const waits = listOf(scope.steps.byId.get(scope.step)?.["depends_on"]).length > 0;
  const problem = neverMet(parsed.expression, scope.step, waits);
  if (problem !== null) report(path, problem);
}

function checkExpression(
  text: string,
  path: Path,
  roots: readonly string[],
  scope: Scope,
  report: Report,
): void {
  const parsed = parseExpression(text);
  if (!parsed.ok) return report(path, `"${cut(text)}" is not an expression: ${parsed.message}`);
  for (const problem of comparisonProblems(parsed.expression)) report(path, problem);
  for (const reference of referencesOf(parsed.expression)) {
    const problem = roots.includes(reference[0] ?? "")
      ? referenceProblem(reference, scope)
      : unavailable(reference, roots);
    if (problem !== null) report(path, problem);
  }
}

const shownRoot = (root: string): string => (functionOf([root]) === undefined ? `${root}.*` : root);

function referenceProblem(reference: readonly string[], scope: Scope): string | null {
  const [root = "", name = ""] = reference;
  if (functionOf(reference) !== undefined) return null;
  switch (root) {
    case "inputs":
      return known("input", reference, 2, name, scope.inputs);
    case "matrix":
      return known("matrix key", reference, 2, name, scope.matrix);
    default:
      return stepProblem(reference, scope);
  }
}

function known(
  what: string,
  reference: readonly string[],
  length: number,
  name: string,
  names: readonly string[],
): string | null {
  if (reference.length !== length) return `"${reference.join(".")}" has not the form ${reference[0]}.NAME`;
  return names.includes(name) ? null : `there is no ${what} "${name}"${didYouMean(name, names)}`;
}

function stepProblem(reference: readonly string[], scope: Scope): string | null {
  const [, id = "", field, output] = reference;
  const { steps } = scope;
  if (!steps.byId.has(id)) return `no step has the id "${id}"${didYouMean(id, steps.ids)}`;
  if (!steps.waitsFor(scope.step).has(id))
    return `step "${scope.step}" does not wait for "${id}"; add it to depends_on`;
  if (field === "status" && reference.length === 3) return null;
  if (field !== "outputs" || reference.length !== 4)
    return `"${reference.join(".")}" is neither steps.ID.status nor steps.ID.outputs.NAME`;
  const step = steps.byId.get(id) ?? {};
  const names = [...artifactsOf(step), ...valuesOf(step)];
  return names.includes(output ?? "")
    ? null
    : `step "${id}" has no output "${output}"${didYouMean(output ?? "", names)}`;
}

function checkInputDefaults(file: Raw, report: Report): void {
  for (const [name, value] of Object.entries(rawOf(file["inputs"]))) {
    const input = rawOf(value);
    const type = textOf(input["type"]) ?? "string";
    const found = input["default"];
    if (found === undefined) continue;
    if (input["required"] === true)
      report(
        ["inputs", name, "required"],
        "an input with a default is never missing; leave out one of the two",
        "key",
      );
    if (typeof found !== type) report(["inputs", name, "default"], `is not a ${type}`);
  }
}
