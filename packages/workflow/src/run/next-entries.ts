/** Turns the planner's answer into journal entries. Pure, except for ids. */
import type { Ids } from "@agentcore/contract";
import type { Budget } from "../definition.ts";
import { plan, type Action } from "../plan/plan.ts";
import { chooseStarts, type Start } from "../budget/budget-choice.ts";
import { budgetLeft, ceilingCode, noCeiling } from "../budget/budget-share.ts";
import { outputsIn } from "../records/outputs-in.ts";
import { factsOf, type RunRecord } from "../records/run-record.ts";
import type { RunEntry } from "../records/entry-types.ts";
import { StepTexts } from "../steps/step-texts.ts";
import type { StepInstance } from "../plan/step-instance.ts";

export interface NextQuestion {
  /** By id. */
  readonly instances: Pick<ReadonlyMap<string, StepInstance>, "get">;
  readonly record: RunRecord;
  readonly concurrency: number | null;
  readonly now: number;
  readonly ids: Ids;
  readonly spends: (worker: string) => boolean;
  /** Whether one of two steps waits for the other; null: all count as unordered. */
  readonly areOrdered: ((a: string, b: string) => boolean) | null;
}

type StartAction = Extract<Action, { type: "start_work" | "start_check" }>;

export function nextEntries(question: NextQuestion): readonly RunEntry[] {
  const { record, concurrency, now } = question;
  const actions = plan({ state: record.state, now, concurrency, view: outputsIn(record) });
  const starts = actions.filter(isStart);
  const { ceilings, isExhausted } =
    starts.length === 0 ? { ceilings: noCeilings, isExhausted: false } : budget(question, starts);
  if (isExhausted && record.state.stop === null) return [budgetStop(record, now)];
  return actions.flatMap((action) =>
    isExhausted && isStart(action) && !ceilings.has(action.step)
      ? entryOf(unaffordable(action, record), question, ceilings)
      : entryOf(action, question, ceilings),
  );
}

/** After the run has stopped, only a step that needs money is left out. */
function unaffordable({ step }: StartAction, { state }: RunRecord): Action {
  const reason = "nothing is left of the budget of the run";
  return state.steps.get(step)?.kind === "ready"
    ? { type: "cancel_step", step, reason }
    : { type: "skip", step, reason, passes: false };
}

const noCeilings: ReadonlyMap<string, Budget> = new Map();

const isStart = (action: Action): action is StartAction =>
  action.type === "start_work" || action.type === "start_check";

function entryOf(
  action: Action,
  question: NextQuestion,
  ceilings: ReadonlyMap<string, Budget>,
): readonly RunEntry[] {
  const { ids, now, instances, record } = question;
  const base = { type: "event", at: now } as const;
  switch (action.type) {
    case "expand":
      return [expansion(action.step, question)];
    case "start_work":
    case "start_check": {
      const reserved = ceilings.get(action.step);
      if (reserved === undefined) return [];
      const type = action.type === "start_work" ? "work_started" : "check_started";
      const event = { type: "step", step: action.step, event: { type, jobId: ids.next() } } as const;
      const isOpen = reserved.costUsd === null && reserved.tokens === null;
      return [{ ...base, event, ...(isOpen ? {} : { reserved }) }];
    }
    case "ask": {
      const instance = instances.get(action.step);
      if (instance?.step.action.kind !== "approval") return [];
      const { message, who, timeoutMs } = instance.step.action;
      const expiresAt = timeoutMs === null ? null : now + timeoutMs;
      const event = { type: "approval_asked", waitId: ids.next() } as const;
      const approval = { message: new StepTexts(record, instance).fill(message), who, expiresAt };
      return [{ ...base, event: { type: "step", step: action.step, event }, approval }];
    }
    case "skip": {
      const { step, reason, passes } = action;
      return [{ ...base, event: { type: "step", step, event: { type: "skipped", reason, passes } } }];
    }
    case "cancel_step": {
      const { step, reason } = action;
      return [{ ...base, event: { type: "step", step, event: { type: "cancelled", reason } } }];
    }
    case "end_run":
      return [{ ...base, event: { type: "run_ended", outcome: action.outcome } }];
  }
}

/** Its lists, or why it cannot begin. */
function expansion(step: string, { instances, record, now }: NextQuestion): RunEntry {
  const read = instances.get(step)?.readLists?.(outputsIn(record));
  const base = { type: "event", at: now } as const;
  if (read?.ok === true) return { ...base, event: { type: "expanded", step, lists: read.lists } };
  const reason = read?.reason ?? "its matrix has no list";
  return {
    ...base,
    event: { type: "step", step, event: { type: "refused", reason } },
    code: "AC_WORKFLOW_VALUE",
  };
}

function budget(question: NextQuestion, actions: readonly StartAction[]) {
  const { record, instances, concurrency } = question;
  const ceiling = record.created.budget;
  const starts = actions.flatMap(({ step, type }): Start[] => {
    const instance = instances.get(step);
    if (instance === undefined) return [];
    const spends = ceiling !== null && canSpend(instance, type, question.spends);
    return [{ step, spends, own: ownLeft(instance, record) }];
  });
  return chooseStarts({
    starts,
    left: budgetLeft(ceiling ?? noCeiling, record.spent, record.reserved.values()),
    rivals: ceiling === null ? () => 0 : rivalsOf(question, starts),
    reservationsRunning: record.reserved.size > 0,
    slots: concurrency === null ? null : Math.max(1, concurrency - record.state.ready.active),
  });
}

/** How many other steps are idle, can spend, and may run at the same time as the step. Counts no further than the slots. */
function rivalsOf({ record, instances, areOrdered, concurrency }: NextQuestion, starts: readonly Start[]) {
  const { idle, idleSpenders } = record.state.ready;
  const starting = new Set(starts.map(({ step }) => step));
  if (areOrdered === null) {
    const counted = [...starting].filter((id) => instances.get(id)?.plan.spends === true).length;
    return () => idleSpenders - counted;
  }
  return (step: string) => {
    let count = 0;
    for (const { id, spends } of idle) {
      if (concurrency !== null && count >= concurrency) break;
      if (spends && !starting.has(id) && !areOrdered(step, id)) count += 1;
    }
    return count;
  };
}

function canSpend(
  { step, plan: { spends: canWorkSpend } }: StepInstance,
  type: StartAction["type"],
  spends: NextQuestion["spends"],
): boolean {
  return type === "start_work" ? canWorkSpend : step.loop !== null && spends(step.loop.check.worker);
}

function ownLeft({ id, step }: StepInstance, record: RunRecord): Budget {
  if (step.budget === null) return noCeiling;
  return budgetLeft(step.budget, factsOf(record, id).spent, []);
}

function budgetStop({ created, spent }: RunRecord, at: number): RunEntry {
  const ceiling = created.budget ?? noCeiling;
  const { costUsd, tokens } = ceiling;
  const parts = [
    ...(costUsd === null ? [] : [`$${spent.costUsd.toFixed(4)} of $${costUsd}`]),
    ...(tokens === null ? [] : [`${spent.tokens} of ${tokens} tokens`]),
  ];
  const message = `the budget of the run is used up: ${parts.join(" and ")} spent`;
  const code = ceilingCode(budgetLeft(ceiling, spent, []));
  const reason = { outcome: "FAILED", message, code } as const;
  return { type: "event", at, event: { type: "stop_requested", reason } };
}
