/**
 * Expands the steps of a run: one instance per entry of the file, or one per combination of its matrix. An instance depends
 * on all instances of the steps that its step depends on. Pure; called at the start of a run and again at a resume.
 */
import type { Step, Workflow } from "../definition.ts";
import {
  evaluate,
  functionOf,
  isTrue,
  parseExpression,
  referencesOf,
  textOfValue,
  type Expression,
  type Lookup,
  type StatusFunction,
} from "../expression.ts";
import { folderName, shortHash } from "../folder-name.ts";
import type { ConditionView, PlanStep, RunView, StepStatus } from "./plan-step.ts";
import type { InputValues } from "../inputs.ts";

export interface StepInstance {
  /** `build`, or `build[os=linux,node=20]`. */
  readonly id: string;
  readonly step: Step;
  readonly matrix: ReadonlyMap<string, string>;
  readonly plan: PlanStep;
  /** For the expressions in its texts. */
  readonly lookup: (view: RunView) => Lookup;
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
      const lookup = lookupOf(inputs, matrix, idsOf);
      const condition = conditionOf(step, lookup);
      const plan = {
        id,
        dependsOn,
        maxRetries,
        onFailure,
        loop,
        spends: canSpend(step, spends),
        ...(step.action.kind === "approval" ? { asks: true } : {}),
        ...(step.isFinal ? { isFinal: true } : {}),
        ...condition,
      };
      return {
        id,
        step,
        matrix,
        plan,
        lookup,
      };
    });
  });
}

function canSpend({ action, loop }: Step, spends: (worker: string) => boolean): boolean {
  if (action.kind === "approval") return false;
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

function lookupOf(
  inputs: InputValues,
  matrix: ReadonlyMap<string, string>,
  idsOf: ReadonlyMap<string, readonly string[]>,
): StepInstance["lookup"] {
  return (view) =>
    ([root, name = "", field, output = ""]) => {
      switch (root) {
        case "inputs":
          return Object.hasOwn(inputs, name) ? (inputs[name] ?? null) : null;
        case "matrix":
          return matrix.get(name) ?? null;
        case "steps": {
          const ids = idsOf.get(name) ?? [];
          return field === "status" ? statusOfAll(view, ids) : outputOf(view, ids, output);
        }
        default:
          return null;
      }
    };
}

function conditionOf(
  { condition: text }: Step,
  lookup: StepInstance["lookup"],
): Pick<PlanStep, "condition" | "conditionText"> {
  if (text === null) return {};
  const parsed = parseExpression(text);
  if (!parsed.ok) return { condition: () => false };
  const { expression } = parsed;
  const lookupIn =
    (view: ConditionView): Lookup =>
    (path) => {
      const called = functionOf(path);
      return called === undefined ? lookup(view)(path) : view.call(called);
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
  "WAITING",
  "READY",
  "PENDING",
  "SUCCEEDED",
  "SKIPPED",
];

/** A step with a matrix has the JSON list of its instances' values, and the first artifact that exists. */
function outputOf(view: RunView, ids: readonly string[], name: string): string | null {
  const values = ids.flatMap((id) => view.value(id, name) ?? []);
  if (values.length > 0) return isSingle(ids) ? (values[0] ?? null) : JSON.stringify(values);
  for (const id of ids) {
    const place = view.artifact(id, name);
    if (place !== null) return place;
  }
  return null;
}

/** The id of an instance of a matrix names its combination. */
function isSingle([id = "", ...more]: readonly string[]): boolean {
  return more.length === 0 && !id.endsWith("]");
}

function statusOfAll(view: RunView, ids: readonly string[]): StepStatus | null {
  return worstStatus(ids.flatMap((id) => view.status(id) ?? []));
}

/** Null if there is none. */
export function worstStatus(statuses: readonly StepStatus[]): StepStatus | null {
  return worstFirst.find((status) => statuses.includes(status)) ?? null;
}
