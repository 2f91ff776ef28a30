/** Makes the document of the first screen from what was gathered. Pure. */
import {
  type BudgetDocument,
  overviewTriggersMax,
  type LoadReport,
  type OverviewDocument,
  type OverviewRunning,
} from "@agentcore/contract";
import { jobDocument, type JobRecord, type QueueStats, type WaitingFor } from "@agentcore/scheduler";
import { isWaiting, type MachineState } from "@agentcore/triggers";
import { activityOf, shortened, type Doing } from "./board.ts";
import type { Readiness } from "./readiness.ts";

export interface OverviewFacts {
  readonly now: number;
  readonly startedAt: number;
  readonly readiness: Readiness;
  readonly stats: QueueStats;
  /** Null: the runtime does not answer. */
  readonly load: Pick<LoadReport, "pressure" | "breakers"> | null;
  /** `doing`: null if its worker was not started. */
  readonly running: readonly { readonly record: JobRecord; readonly doing: Doing | null }[];
  readonly runs: readonly RunFact[];
  readonly waiting: readonly WaitingFor[];
  readonly budgets: readonly BudgetDocument[];
  readonly spentTodayUsd: number;
  /** Processes that outlived their attempt, in words. */
  readonly survivors: readonly string[];
  readonly escalations: readonly {
    readonly at: number;
    readonly code: string;
    readonly message: string;
    readonly job: string | null;
  }[];
  readonly machine: Pick<MachineState, "definition" | "triggers" | "open">;
  /** By source. */
  readonly nextSlotAt: (source: string) => number | null;
  readonly silenceLimitMs: { readonly silence: number; readonly silence_max: number };
}

interface RunFact {
  readonly id: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly state: string;
  readonly approvals: readonly {
    readonly step: string;
    readonly message: string;
    readonly askedAt: number;
  }[];
}

type Attention = OverviewDocument["attention"][number];
type Pause = OverviewDocument["pauses"][number];

/** Most budgets, those with the largest part used first. */
const budgetsMax = 50;

export function overviewDocument(facts: OverviewFacts): OverviewDocument {
  const { readiness, stats, load, machine } = facts;
  const { ready, delayed, running, dead, oldestWaitMs } = stats;
  const pauses = pausesOf(machine);
  return {
    type: "overview",
    at: facts.now,
    name: machine.definition.name,
    startedAt: facts.startedAt,
    ready: readiness.state,
    queue: { ready, delayed, running, dead, oldestWaitMs },
    running: facts.running
      .map((one) => runningOf(one, facts))
      .toSorted((a, b) => (a.startedAt ?? Infinity) - (b.startedAt ?? Infinity)),
    runs: facts.runs.map(runOf),
    waiting: facts.waiting.map((one) => ({ ...one, reason: shortened(one.reason) })),
    attention: attentionOf(facts, pauses),
    budgets: facts.budgets
      .toSorted((a, b) => usedPart(b) - usedPart(a))
      .slice(0, budgetsMax)
      .map(budgetOf),
    spentTodayUsd: facts.spentTodayUsd,
    breakers: (load?.breakers ?? []).flatMap(({ target, state, probeAt }) =>
      state === "closed" ? [] : [{ name: target, state, probeAt }],
    ),
    pauses,
    pressure: load?.pressure ?? null,
    triggers: triggersOf(facts),
  };
}

function runningOf(
  { record, doing }: OverviewFacts["running"][number],
  { now, silenceLimitMs }: OverviewFacts,
): OverviewRunning {
  const { id, run, step, worker, model, workspace, instructions, attempt, ...job } = jobDocument(record);
  const { spent, state } = record;
  const grants = state.kind === "running" ? state.started?.permit.grants : undefined;
  const { code, reason } = job.code === null ? (doing?.stopping ?? job) : job;
  const silence = record.job.limits.silenceTimeoutMs ?? silenceLimitMs.silence;
  const limits = { silenceLimitMs: Math.min(silence, silenceLimitMs.silence_max), isStopping: code !== null };
  const facts = doing ?? { startedAt: now, lastOutputAt: null, tools: new Map(), calls: null, endedAt: null };
  const { activity, at: activityAt } = activityOf(facts, { now, ...limits });
  return {
    job: id,
    run,
    step,
    worker,
    model: doing?.model ?? model,
    workspace,
    instructions: shortened(instructions),
    attempt,
    maxAttempts: job.maxAttempts,
    startedAt: doing?.startedAt ?? null,
    activity,
    activityAt: doing === null ? null : activityAt,
    tool: [...(doing?.tools.values() ?? [])].at(-1)?.words ?? null,
    lastOutputAt: doing?.lastOutputAt ?? null,
    costUsd: total(spent.costUsd, doing?.costUsd ?? null),
    maxCostUsd: job.maxCostUsd ?? ceiling(spent.costUsd, grants?.maxCostUsd),
    tokens: total(spent.tokens, doing?.tokens ?? null),
    maxTokens: job.maxTokens ?? ceiling(spent.tokens, grants?.maxTokens),
    code,
    reason: reason === null ? null : shortened(reason),
  };
}

/** A record counts what is unknown as 0. */
const total = (earlier: number, now: number | null): number | null =>
  earlier === 0 && now === null ? null : earlier + (now ?? 0);

/** What a job without a limit of its own may have spent when its attempt is stopped. */
const ceiling = (earlier: number, granted: number | null | undefined): number | null =>
  granted === null || granted === undefined ? null : earlier + granted;

function runOf({ id, header, state }: RunFact): OverviewDocument["runs"][number] {
  const number = (name: string): number => Number(header[name] ?? 0);
  const amount = (name: string): number | null => (typeof header[name] === "number" ? header[name] : null);
  const [steps, done, running] = [number("steps"), number("stepsEnded"), number("stepsActive")];
  return {
    id,
    name: nameOf(header),
    state,
    steps,
    done,
    failed: number("stepsFailed"),
    running,
    waiting: Math.max(0, steps - done - running),
    submittedAt: number("startedAt"),
    costUsd: amount("costUsd"),
    maxCostUsd: amount("maxCostUsd"),
  };
}

const nameOf = (header: RunFact["header"]): string => {
  const { name } = header;
  return typeof name === "string" ? name : "";
};

const nothing = { at: null, run: null, step: null, job: null, trigger: null, count: null };

/** The most urgent kinds first. */
function attentionOf(facts: OverviewFacts, pauses: readonly Pause[]): Attention[] {
  const { readiness, survivors, escalations, runs, stats } = facts;
  return [
    ...unready(readiness),
    ...survivors.map((text): Attention => ({ ...nothing, kind: "survivors", text })),
    ...escalations
      .toSorted((a, b) => b.at - a.at)
      .map(({ at, code, message, job }): Attention => {
        const text = `${message} (${code})`;
        return { ...nothing, kind: "escalation", text, at, job };
      }),
    ...runs.flatMap(({ id, header, approvals }) =>
      approvals.map(({ step, message, askedAt }): Attention => {
        const text = `${nameOf(header)} ${step}: ${message}`;
        return { ...nothing, kind: "approval", text, at: askedAt, run: id, step };
      }),
    ),
    ...deadLetters(stats.dead),
    ...pauses.map(({ trigger, note, at }): Attention => {
      const text = `trigger ${trigger} is paused${note === "" ? "" : `: ${note}`}`;
      return { ...nothing, kind: "trigger_paused", text, at, trigger };
    }),
  ];
}

function unready({ ready, state, checks }: Readiness): Attention[] {
  if (ready) return [];
  const failed = checks
    .filter(({ ok }) => !ok)
    .map(({ name, detail }) => `the ${name} does not answer: ${detail}`);
  const ending = state === "draining" ? ["the daemon takes no new work and ends"] : [];
  return [{ ...nothing, kind: "unready", text: [...ending, ...failed].join("; ") }];
}

const deadLetters = (count: number): Attention[] => {
  const text = count === 1 ? "1 dead letter" : `${count} dead letters`;
  return count === 0 ? [] : [{ ...nothing, kind: "dead_letters", text, count }];
};

function pausesOf({ definition, triggers }: OverviewFacts["machine"]): Pause[] {
  return [...definition.triggers.keys()].flatMap((trigger) => {
    const pause = triggers.get(trigger)?.pause ?? null;
    return pause === null ? [] : [{ trigger, note: pause.note, at: pause.at }];
  });
}

function triggersOf({ machine, nextSlotAt }: OverviewFacts): OverviewDocument["triggers"] {
  const open = Map.groupBy(machine.open.values(), ({ trigger }) => trigger);
  return [...machine.definition.triggers.values()]
    .slice(0, overviewTriggersMax)
    .map(({ id, on, enabled }) => {
      const isActive = enabled && (machine.triggers.get(id)?.pause ?? null) === null;
      const firings = open.get(id) ?? [];
      const running = firings.filter(({ state }) => state.kind === "running").length;
      const nextAt = isActive ? nextSlotAt(on) : null;
      return { name: id, nextAt, waiting: firings.filter(isWaiting).length, running };
    });
}

const usedPart = ({ limit, held, spent }: BudgetDocument): number =>
  (held + spent) / Math.max(limit, Number.MIN_VALUE);

function budgetOf(level: BudgetDocument): OverviewDocument["budgets"][number] {
  const { type: _, ...budget } = level;
  return budget;
}
