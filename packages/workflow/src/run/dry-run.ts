/**
 * What a run would do, without starting anything: the steps with their combinations, in which order they may start, and what
 * each may spend. The planner decides on a run whose steps all succeed and spend nothing.
 */
import type { Ids } from "@agentcore/contract";
import { orderOf } from "../budget/budget-choice.ts";
import type { Budget, Step, StepAction, Workflow, NotifyEvent } from "../definition.ts";
import { groupName } from "./concurrency-group.ts";
import { parseExpression, referencesOf } from "../expression.ts";
import { resolveInputs, type InputValues } from "../inputs.ts";
import { stepInstances, type StepInstance } from "../plan/step-instance.ts";
import type { StepEvent, StepState } from "../plan/step-state.ts";
import { foldEntry, newRecord, type RecordDraft } from "../records/run-record.ts";
import type { RunCreated } from "../records/entry-types.ts";
import { nextEntries } from "./next-entries.ts";

export interface DryRun {
  readonly name: string;
  readonly inputs: InputValues;
  readonly timeoutMs: number;
  readonly concurrency: number | null;
  /** The concurrency group that it would wait for; null: none. */
  readonly group: string | null;
  /** The events of which it would send notifications. */
  readonly notifiesOn: readonly NotifyEvent[];
  readonly budget: Budget | null;
  readonly steps: readonly PlannedStep[];
}

export interface PlannedStep {
  /** With the combination of its matrix. */
  readonly id: string;
  /** As the file has it. */
  readonly step: Step;
  /** Steps with the same number may start together; null for a step that will be skipped. */
  readonly round: number | null;
  /** Why it will be skipped: its condition is about inputs only. Null: it runs, or its condition is decided later. */
  readonly skipped: string | null;
  /** What it may spend if nothing was spent before; null: no ceiling. */
  readonly budget: Budget | null;
  /** Of the sub-workflow. Its inputs are not known yet, so conditions and budgets are not either. */
  readonly inner: readonly PlannedStep[];
}

export interface DryRunOptions {
  readonly workflow: Workflow;
  readonly inputs?: InputValues;
  readonly budget?: Budget;
  readonly spends?: (worker: string) => boolean;
}

/** Throws `AC_WORKFLOW_INPUT`, as a run does. */
export function dryRun(options: DryRunOptions): DryRun {
  const { workflow } = options;
  const { created, instances } = plannedInstances(options);
  const { inputs, budget } = created;
  const { name, timeoutMs, concurrency, group, notify } = workflow;
  return {
    name,
    inputs,
    timeoutMs,
    concurrency,
    group: group === null ? null : groupName(group, inputs),
    notifiesOn: [...new Set(notify.flatMap(({ on }) => on))],
    budget,
    steps: planned(workflow, created, instances),
  };
}

/** How the run would begin. */
export function plannedInstances({ workflow, inputs: given = {}, spends, budget }: DryRunOptions): {
  readonly created: RunCreated;
  readonly instances: readonly StepInstance[];
} {
  const inputs = resolveInputs(workflow, given);
  const instances = stepInstances(workflow, inputs, spends ?? ((worker) => worker !== "shell"));
  return { created: createdFrom(workflow, inputs, budget ?? workflow.budget), instances };
}

function planned(
  workflow: Workflow,
  created: RunCreated,
  instances: readonly StepInstance[],
): readonly PlannedStep[] {
  const decided = instances.map(decidedNow);
  const { rounds, shares, record } = play(workflow, created, decided);
  return instances.map(({ id, step }): PlannedStep => {
    const state = record.state.steps.get(id);
    return {
      id,
      step,
      round: rounds.get(id) ?? null,
      skipped: state?.kind === "ended" && state.status === "SKIPPED" ? state.reason : null,
      budget: shares.get(id) ?? step.budget,
      inner: innerOf(step.action),
    };
  });
}

function innerOf(action: StepAction): readonly PlannedStep[] {
  if (action.kind !== "workflow") return [];
  return stepInstances(action.workflow, {}).map(({ id, step }) => ({
    id,
    step,
    round: null,
    skipped: null,
    budget: step.budget,
    inner: innerOf(step.action),
  }));
}

/** A condition about other steps is not known yet: the step counts as one that runs. */
function decidedNow(instance: StepInstance): StepInstance {
  if (instance.plan.expand !== undefined) {
    // How many instances there will be is not known either: it counts as one step.
    const { expand: _, ...plan } = instance.plan;
    return decidedNow({ ...instance, plan });
  }
  const { condition: text } = instance.step;
  const parsed = text === null ? null : parseExpression(text);
  const isOpen =
    parsed?.ok === true &&
    referencesOf(parsed.expression).some(([root]) => root !== "inputs" && root !== "matrix");
  if (!isOpen) return instance;
  const { condition: _, conditionText: __, ...plan } = instance.plan;
  return { ...instance, plan };
}

function play(workflow: Workflow, created: RunCreated, instances: readonly StepInstance[]) {
  const plans = instances.map(({ plan }) => plan);
  const record: RecordDraft = newRecord(plans, created);
  const question = {
    instances: new Map(instances.map((instance) => [instance.id, instance])),
    record,
    concurrency: workflow.concurrency,
    now: 0,
    ids: numbers(),
    spends: () => true,
    areOrdered: orderOf(plans),
  };
  const rounds = new Map<string, number>();
  const shares = new Map<string, Budget>();
  for (let round = 1; record.state.outcome === null; round++) {
    const started: string[] = [];
    for (let entries = nextEntries(question); entries.length > 0; entries = nextEntries(question)) {
      for (const entry of entries) {
        foldEntry(record, entry);
        if (entry.type !== "event" || entry.event.type !== "step") continue;
        const { step, event } = entry.event;
        if (!starts.has(event.type)) continue;
        started.push(step);
        if (!rounds.has(step)) rounds.set(step, round);
        if (entry.reserved !== undefined && !shares.has(step)) shares.set(step, entry.reserved);
      }
    }
    if (started.length === 0) break;
    for (const step of started) succeed(record, step);
  }
  return { rounds, shares, record };
}

const starts: ReadonlySet<string> = new Set(["work_started", "check_started", "approval_asked"]);

function succeed(record: RecordDraft, step: string): void {
  const event = goodEnd(record.state.steps.get(step)?.kind);
  foldEntry(record, { type: "event", at: 0, event: { type: "step", step, event } });
}

function goodEnd(kind: StepState["kind"] | undefined): StepEvent {
  switch (kind) {
    case "checking":
      return { type: "check_ended", decision: "complete", reason: "", fingerprints: [] };
    case "awaiting":
      return { type: "approval_answered", decision: "approved", reason: "" };
    default:
      return { type: "work_ended", outcome: "succeeded", reason: "", violations: [] };
  }
}

function numbers(): Ids {
  let count = 0;
  return { next: () => String((count += 1)) };
}

function createdFrom(workflow: Workflow, inputs: InputValues, budget: Budget | null): RunCreated {
  const { name, file, hash, contextDir, timeoutMs } = workflow;
  return {
    type: "created",
    version: 1,
    at: 0,
    name,
    file,
    hash,
    workspace: "",
    contextDir,
    inputs,
    budget,
    parent: null,
    root: null,
    base: null,
    startBranch: null,
    timeoutMs,
    caller: null,
  };
}
