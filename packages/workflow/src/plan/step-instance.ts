/**
 * Expands the steps of a run: one instance per entry of the file, or one per combination of its matrix. An instance depends
 * on all instances of the steps that its step depends on. Pure; called at the start of a run and again at a resume.
 */
import type { Step, Workflow } from "../definition.ts";
import {
  evaluate,
  fillIn,
  functionOf,
  isTrue,
  parseExpression,
  referencesOf,
  textOfValue,
  valueIn,
  type Expression,
  type Lookup,
  type StatusFunction,
  type Value,
} from "../expression.ts";
import { folderName, shortHash } from "../folder-name.ts";
import type { ConditionView, PlanStep, StepStatus } from "./plan-step.ts";
import type { InputValues } from "../inputs.ts";
import { ScriptValues } from "../script-values.ts";

export interface StepInstance {
  /** `build`, or `build[os=linux,node=20]`. */
  readonly id: string;
  readonly step: Step;
  readonly matrix: ReadonlyMap<string, string>;
  readonly plan: PlanStep;
  /** The text with `${{ inputs.k }}` and `${{ matrix.k }}` replaced. */
  readonly fill: (text: string) => string;
  /** The same, but a text that is only a placeholder keeps the type of its value. */
  readonly value: (text: string) => Value;
  /** For the scripts of a job: values become variables there, and no part of the text. */
  readonly scriptValues: () => ScriptValues;
}

/** `spends`: whether a worker can spend money or tokens. */
export function stepInstances(
  workflow: Workflow,
  inputs: InputValues,
  spends: (worker: string) => boolean = () => false,
): readonly StepInstance[] {
  const idsOf = new Map(
    workflow.steps.map((step) => [step.id, combinations(step.matrix).map((one) => instanceId(step, one))]),
  );
  return workflow.steps.flatMap((step) => {
    const dependsOn = step.dependsOn.flatMap((dependency) => idsOf.get(dependency) ?? []);
    const { maxRetries, onFailure, loop } = step;
    return combinations(step.matrix).map((matrix): StepInstance => {
      const id = instanceId(step, matrix);
      const own = lookup(inputs, matrix);
      const condition = conditionOf(step, own, idsOf);
      const plan = {
        id,
        dependsOn,
        maxRetries,
        onFailure,
        loop,
        spends: canSpend(step, spends),
        ...condition,
      };
      return {
        id,
        step,
        matrix,
        plan,
        fill: (text) => fillIn(text, own),
        value: (text) => valueIn(text, own),
        scriptValues: () => new ScriptValues(own),
      };
    });
  });
}

function canSpend({ action, loop }: Step, spends: (worker: string) => boolean): boolean {
  return (
    action.kind === "workflow" || spends(action.work.worker) || (loop !== null && spends(loop.check.worker))
  );
}

/** By the id of the step in the file: one instance, or one for each combination. */
export type InstancesByStep = ReadonlyMap<string, readonly StepInstance[]>;

export function instancesByStep(instances: readonly StepInstance[]): InstancesByStep {
  return Map.groupBy(instances, ({ step }) => step.id);
}

/** One map for each combination, the last key changing fastest; one empty map if there is no matrix. */
function combinations(
  matrix: ReadonlyMap<string, readonly string[]>,
): readonly ReadonlyMap<string, string>[] {
  let found: ReadonlyMap<string, string>[] = [new Map()];
  for (const [key, values] of matrix)
    found = found.flatMap((one) => values.map((value) => new Map([...one, [key, value]])));
  return found;
}

/** A folder's name has at most 255 bytes, and other names are derived from this one. */
const idBytesMax = 200;

/** The id is also a folder's name, so it must not contain a path separator. */
function instanceId(step: Step, matrix: ReadonlyMap<string, string>): string {
  if (matrix.size === 0) return step.id;
  const parts = [...matrix].map(([key, value]) => `${key}=${folderName(value)}`);
  const id = `${step.id}[${parts.join(",")}]`;
  return Buffer.byteLength(id) > idBytesMax ? `${step.id}[${shortHash(id)}]` : id;
}

function lookup(inputs: InputValues, matrix: ReadonlyMap<string, string>): Lookup {
  return ([root, name = ""]) => {
    if (root === "inputs") return Object.hasOwn(inputs, name) ? (inputs[name] ?? null) : null;
    return root === "matrix" ? (matrix.get(name) ?? null) : null;
  };
}

function conditionOf(
  { condition: text }: Step,
  own: Lookup,
  idsOf: ReadonlyMap<string, readonly string[]>,
): Pick<PlanStep, "condition" | "conditionText"> {
  if (text === null) return {};
  const parsed = parseExpression(text);
  if (!parsed.ok) return { condition: () => false };
  const { expression } = parsed;
  const lookupIn =
    (view: ConditionView): Lookup =>
    (path) => {
      const [root, id = "", field, output = ""] = path;
      const called = functionOf(path);
      if (called !== undefined) return view.call(called);
      if (root !== "steps") return own(path);
      const ids = idsOf.get(id) ?? [];
      return field === "status" ? statusOfAll(view, ids) : firstArtifact(view, ids, output);
    };
  const reacts = referencesOf(expression).some((path) => reacting.has(functionOf(path)));
  return {
    ...(reacts ? { reacts } : {}),
    condition: (view) => isTrue(evaluate(expression, lookupIn(view))),
    conditionText: (view) => `${text.trim()}${valuesSeen(expression, lookupIn(view))}`,
  };
}

/** With one of these, a condition is evaluated even after failures. */
const reacting: ReadonlySet<StatusFunction | undefined> = new Set(["failure()", "cancelled()", "always()"]);

const seenCharsMax = 40;

/** ` (steps.audit.status is FAILED)`, for each reference once; empty if there is none. */
function valuesSeen(expression: Expression, lookUp: Lookup): string {
  if (expression.kind === "reference" && functionOf(expression.path) !== undefined) return "";
  const seen = new Map(referencesOf(expression).map((path) => [path.join("."), lookUp(path)]));
  const parts = [...seen].map(
    ([name, value]) => `${name} is ${textOfValue(value).slice(0, seenCharsMax) || "empty"}`,
  );
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

/** Of several instances the worst status counts. */
const worstFirst: readonly StepStatus[] = [
  "FAILED",
  "CANCELLED",
  "INCOMPLETE",
  "CHECKING",
  "RUNNING",
  "READY",
  "PENDING",
  "SUCCEEDED",
  "SKIPPED",
];

function firstArtifact(view: ConditionView, ids: readonly string[], name: string): string | null {
  for (const id of ids) {
    const place = view.artifact(id, name);
    if (place !== null) return place;
  }
  return null;
}

function statusOfAll(view: ConditionView, ids: readonly string[]): StepStatus | null {
  return worstStatus(ids.flatMap((id) => view.status(id) ?? []));
}

/** Null if there is none. */
export function worstStatus(statuses: readonly StepStatus[]): StepStatus | null {
  return worstFirst.find((status) => statuses.includes(status)) ?? null;
}
