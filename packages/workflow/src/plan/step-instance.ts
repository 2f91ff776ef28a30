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
import { readMatrixLists, matrixWith, type ListsRead, type MatrixLists } from "./matrix-lists.ts";
import {
  worstStatus,
  type ConditionView,
  type PlanStep,
  type RunView,
  type StepStatus,
} from "./plan-step.ts";
import { inputLookup, type InputValues } from "../inputs.ts";

export interface StepInstance {
  /** `build`, or `build[os=linux,node=20]`. */
  readonly id: string;
  readonly step: Step;
  readonly matrix: ReadonlyMap<string, string>;
  readonly plan: PlanStep;
  /** For the expressions in its texts. */
  readonly lookup: (view: RunView) => Lookup;
  /** Set if its matrix needs lists that are not known yet: the instances that take its place. */
  readonly expand?: (lists: MatrixLists) => readonly StepInstance[];
  /** Likewise: the lists, once the step may begin. */
  readonly readLists?: (view: RunView) => ListsRead;
}

/** `spends`: whether a worker can spend money or tokens. */
export function stepInstances(
  workflow: Workflow,
  inputs: InputValues,
  spends: (worker: string) => boolean = () => false,
): readonly StepInstance[] {
  const idsOf = new Map(workflow.steps.map((step) => [step.id, idsFor(step)]));
  const hasList = new Map(workflow.steps.map((step) => [step.id, listedValues(step)]));
  return workflow.steps.flatMap((step) => {
    const dependsOn = step.dependsOn.flatMap((dependency) => idsOf.get(dependency) ?? []);
    const asks = step.action.kind === "approval" ? { asks: true } : {};
    const isFinal = step.isFinal ? { isFinal: true } : {};
    const instanceOf = (matrix: ReadonlyMap<string, string>, id = instanceId(step, matrix)): StepInstance => {
      const { maxRetries, onFailure, loop } = step;
      const lookup = lookupOf({ inputs, matrix, idsOf, hasList });
      const spending = canSpend(step, spends);
      const common = { id, dependsOn, maxRetries, onFailure, loop, spends: spending };
      const plan = { ...common, ...asks, ...isFinal, ...conditionOf(step, lookup) };
      return { id, step, matrix, plan, lookup };
    };
    if (step.matrixLists.size === 0) return combinations(step.matrix).map((matrix) => instanceOf(matrix));
    return [withoutList(instanceOf(new Map(), step.id), instanceOf)];
  });
}

/** One instance for the whole step, until its lists are known. The condition is about the step: its instances have none. */
function withoutList(
  placeholder: StepInstance,
  instanceOf: (matrix: ReadonlyMap<string, string>) => StepInstance,
): StepInstance {
  const { step } = placeholder;
  const expand = (lists: MatrixLists): readonly StepInstance[] =>
    combinations(matrixWith(step, lists)).map((matrix) => {
      const instance = instanceOf(matrix);
      const { condition: _, conditionText: __, ...plan } = instance.plan;
      return { ...instance, plan };
    });
  return {
    ...placeholder,
    plan: { ...placeholder.plan, expand: (lists) => expand(lists).map(({ plan }) => plan) },
    expand,
    readLists: (view) => readMatrixLists(step, placeholder.lookup(view)),
  };
}

const idsFor = (step: Step): readonly string[] =>
  step.matrixLists.size > 0 ? [step.id] : combinations(step.matrix).map((one) => instanceId(step, one));

/** Names of values of which a step has several, one for each combination. */
function listedValues({ matrix, matrixLists, values, action }: Step): ReadonlySet<string> {
  if (matrix.size === 0 && matrixLists.size === 0) return new Set();
  const exported = action.kind === "workflow" ? action.valueExports.map(({ as }) => as) : [];
  return new Set([...values.map(({ name }) => name), ...exported]);
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

interface Known {
  readonly inputs: InputValues;
  readonly matrix: ReadonlyMap<string, string>;
  /** By step. */
  readonly idsOf: ReadonlyMap<string, readonly string[]>;
  /** By step: the values of which it has a list. */
  readonly hasList: ReadonlyMap<string, ReadonlySet<string>>;
}

function lookupOf({ inputs, matrix, idsOf, hasList }: Known): StepInstance["lookup"] {
  const ofInputs = inputLookup(inputs);
  return (view) =>
    ([root, name = "", field, output = ""]) => {
      switch (root) {
        case "inputs":
          return ofInputs([root, name]);
        case "matrix":
          return matrix.get(name) ?? null;
        case "steps": {
          const ids = idsOf.get(name) ?? [];
          if (field === "status") return statusOfAll(view, ids);
          const isList = hasList.get(name)?.has(output) === true;
          return outputOf(
            view,
            ids.flatMap((id) => view.expanded(id) ?? [id]),
            output,
            isList,
          );
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

/** A step with a matrix has the JSON list of its instances' values, and the first artifact that exists. */
function outputOf(view: RunView, ids: readonly string[], name: string, isList: boolean): string | null {
  const values = ids.flatMap((id) => view.value(id, name) ?? []);
  if (isList) return JSON.stringify(values);
  const [value = null] = values;
  if (value !== null) return value;
  for (const id of ids) {
    const place = view.artifact(id, name);
    if (place !== null) return place;
  }
  return null;
}

function statusOfAll(view: RunView, ids: readonly string[]): StepStatus | null {
  return worstStatus(ids.flatMap((id) => view.status(id) ?? []));
}
