/** Turns the planner's answer into journal entries and the jobs to stop. Pure, except for ids. */
import type { Ids } from "@agentcore/contract";
import type { Budget } from "../definition.ts";
import { plan, type Action } from "../plan/plan.ts";
import { chooseStarts, type Start } from "../budget/budget-choice.ts";
import { budgetLeft, ceilingCode, noCeiling } from "../budget/budget-share.ts";
import { noFacts, type RunEntry, type RunRecord } from "../records/run-record.ts";
import type { StepInstance } from "../plan/step-instance.ts";

export interface NextQuestion {
  readonly instances: readonly StepInstance[];
  readonly record: RunRecord;
  readonly concurrency: number | null;
  readonly now: number;
  readonly ids: Ids;
  readonly spends: (worker: string) => boolean;
  readonly areOrdered: (a: string, b: string) => boolean;
}

export interface Next {
  readonly entries: readonly RunEntry[];
  readonly cancels: readonly Extract<Action, { type: "cancel_job" }>[];
}

type StartAction = Extract<Action, { type: "start_work" | "start_check" }>;

export function nextEntries(question: NextQuestion): Next {
  const { instances, record, concurrency, now } = question;
  const actions = plan({ steps: instances.map((one) => one.plan), state: record.state, concurrency });
  const starts = actions.filter(isStart);
  if (starts.length === 0)
    return { entries: entriesOf(actions, question, new Map()), cancels: cancelsOf(actions) };
  const { ceilings, isExhausted } = budget(question, starts);
  if (isExhausted) return { entries: [budgetStop(record, now)], cancels: [] };
  return { entries: entriesOf(actions, question, ceilings), cancels: cancelsOf(actions) };
}

const cancelsOf = (actions: readonly Action[]): Next["cancels"] =>
  actions.filter((action) => action.type === "cancel_job");

function entriesOf(
  actions: readonly Action[],
  question: NextQuestion,
  ceilings: ReadonlyMap<string, Budget>,
): readonly RunEntry[] {
  return actions.flatMap((action) => entryOf(action, question, ceilings));
}

const isStart = (action: Action): action is StartAction =>
  action.type === "start_work" || action.type === "start_check";

function entryOf(
  action: Action,
  { ids, now }: NextQuestion,
  ceilings: ReadonlyMap<string, Budget>,
): readonly RunEntry[] {
  const base = { type: "event", at: now } as const;
  switch (action.type) {
    case "start_work":
    case "start_check": {
      const reserved = ceilings.get(action.step);
      if (reserved === undefined) return [];
      const type = action.type === "start_work" ? "work_started" : "check_started";
      const event = { type: "step", step: action.step, event: { type, jobId: ids.next() } } as const;
      const isOpen = reserved.costUsd === null && reserved.tokens === null;
      return [{ ...base, event, ...(isOpen ? {} : { reserved }) }];
    }
    case "skip": {
      const { step, reason, passes } = action;
      return [{ ...base, event: { type: "step", step, event: { type: "skipped", reason, passes } } }];
    }
    case "cancel_step": {
      const { step, reason } = action;
      return [{ ...base, event: { type: "step", step, event: { type: "cancelled", reason } } }];
    }
    case "cancel_job":
      return [];
    case "end_run":
      return [{ ...base, event: { type: "run_ended", outcome: action.outcome } }];
  }
}

function budget(question: NextQuestion, actions: readonly StartAction[]) {
  const { record, instances, concurrency, areOrdered } = question;
  const ceiling = record.created.budget;
  const byId = new Map(instances.map((instance) => [instance.id, instance]));
  const starts = actions.flatMap(({ step, type }): Start[] => {
    const instance = byId.get(step);
    if (instance === undefined) return [];
    const spends = ceiling !== null && canSpend(instance, type, question.spends);
    return [{ step, spends, own: ownLeft(instance, record) }];
  });
  const starting = new Set(starts.map(({ step }) => step));
  const waiting =
    ceiling === null ? [] : instances.filter((one) => isWaiting(one, record) && !starting.has(one.id));
  const running = [...record.state.steps.values()].filter(
    ({ kind }) => kind === "working" || kind === "checking",
  );
  return chooseStarts({
    starts,
    left: budgetLeft(ceiling ?? noCeiling, record.spent, record.reserved.values()),
    waiting: waiting.filter((one) => canSpend(one, "start_work", question.spends)).map(({ id }) => id),
    reservationsRunning: record.reserved.size > 0,
    slots: concurrency === null ? null : Math.max(1, concurrency - running.length),
    areOrdered,
  });
}

function canSpend(
  { step }: StepInstance,
  type: StartAction["type"],
  spends: NextQuestion["spends"],
): boolean {
  if (type === "start_check") return step.loop !== null && spends(step.loop.check.worker);
  const { action, loop } = step;
  return (
    action.kind === "workflow" || spends(action.work.worker) || (loop !== null && spends(loop.check.worker))
  );
}

function isWaiting({ id }: StepInstance, { state }: RunRecord): boolean {
  const kind = state.steps.get(id)?.kind;
  return kind === "waiting" || kind === "ready";
}

function ownLeft({ id, step }: StepInstance, record: RunRecord): Budget {
  if (step.budget === null) return noCeiling;
  return budgetLeft(step.budget, (record.facts.get(id) ?? noFacts).spent, []);
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
