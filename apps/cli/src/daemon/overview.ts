/** The first screen of the daemon: gathered from its parts, in one document. */
import type { DaemonPort } from "@agentcore/api";
import {
  overviewRunningMax,
  overviewRunsMax,
  overviewTextCharsMax,
  overviewTriggersMax,
  type LoadReport,
  type OverviewDocument,
  type OverviewRunning,
} from "@agentcore/contract";
import { usdOf, windowStartOf, type Ledger } from "@agentcore/core";
import { jobDocument, type JobRecord } from "@agentcore/scheduler";
import type { MachineState, TriggerState } from "@agentcore/triggers";
import { leftProcesses } from "../state/quarantine.ts";
import { everyRun } from "../workflow/find-run.ts";
import { runDocument } from "../workflow/run-documents.ts";
import type { DaemonParts } from "./open-daemon.ts";

export interface OverviewOptions {
  readonly parts: DaemonParts;
  readonly daemon: Pick<DaemonPort, "version" | "readiness" | "budgets">;
  readonly ledger: Pick<Ledger, "levels">;
  readonly now: number;
}

const queuedMax = 1000;

type Run = OverviewDocument["runs"][number];
type Waiting = OverviewDocument["waiting"][number];
type Attention = OverviewDocument["attention"][number];

export async function overviewOf({ parts, daemon, ledger, now }: OverviewOptions): Promise<OverviewDocument> {
  const { composition, scheduler, engine } = parts;
  const { store, runtime, state } = composition;
  const today = { scope: "global", window: "day", windowStart: windowStartOf("day", now) } as const;
  const [readiness, stats, running, queued, budgets, [spent], load] = await Promise.all([
    daemon.readiness(),
    scheduler.stats(),
    store.list({ states: ["running"], limit: overviewRunningMax }),
    store.list({ states: ["queued"], limit: queuedMax }),
    daemon.budgets(),
    ledger.levels([today]),
    runtime.load().catch(() => null),
  ]);
  const { name, startedAt } = daemon.version();
  const { ready, delayed, running: runningJobs, dead, oldestWaitMs } = stats;
  const runs = await openRuns(parts, running.jobs);
  return {
    type: "overview",
    at: now,
    name,
    startedAt,
    ready: readiness.state,
    queue: { ready, delayed, running: runningJobs, dead, oldestWaitMs },
    running: running.jobs.map(runningOf).toReversed(),
    runs: runs.map(({ run }) => run),
    waiting: waitingOf(queued.jobs),
    attention: [
      ...unready(readiness),
      ...leftProcesses(state.containment).map((text) => ({ ...nothing, kind: "survivors" as const, text })),
      ...runs.flatMap(({ waitsFor, run }) => waitsFor.map((step) => approval(run, step))),
      ...deadLetters(dead),
      ...pausesOf(engine.state).map(pausedTrigger),
    ],
    budgets: [...budgets],
    spentTodayUsd: spent === undefined ? 0 : usdOf(spent.costSpentMicroUsd),
    breakers: breakersOf(load),
    pauses: pausesOf(engine.state),
    pressure: load?.pressure ?? null,
    triggers: [...engine.state.definition.triggers.values()]
      .slice(0, overviewTriggersMax)
      .map(({ id, on, enabled }) => {
        const isActive = enabled && engine.state.triggers.get(id)?.pause === null;
        const open = [...engine.state.open.values()].filter(({ trigger }) => trigger === id);
        const running = open.filter(({ state: { kind } }) => kind === "running").length;
        const nextAt = isActive ? engine.nextSlotAt(on) : null;
        return { name: id, nextAt, waiting: open.length - running, running };
      }),
  };
}

function runningOf(record: JobRecord): OverviewRunning {
  const { state } = record;
  const job = jobDocument(record);
  const startedAt = state.kind === "running" && state.started?.identity ? state.started.at : null;
  return {
    job: job.id,
    run: job.run,
    step: job.step,
    worker: job.worker,
    model: job.model,
    workspace: job.workspace,
    instructions: job.instructions.slice(0, overviewTextCharsMax),
    attempt: job.attempt,
    maxAttempts: job.maxAttempts,
    startedAt,
    activity: job.code === null ? (startedAt === null ? "starting" : "working") : "stopping",
    tool: null,
    lastOutputAt: null,
    costUsd: job.costUsd,
    maxCostUsd: job.maxCostUsd,
    tokens: job.tokens,
    maxTokens: job.maxTokens,
    code: job.code,
    reason: job.reason,
  };
}

async function openRuns(
  { journal }: DaemonParts,
  running: readonly JobRecord[],
): Promise<{ run: Run; waitsFor: readonly string[] }[]> {
  const jobs = running.map(jobDocument);
  const open = (await everyRun(journal)).filter(({ header }) => typeof header["outcome"] !== "string");
  return Promise.all(
    open.slice(0, overviewRunsMax).map(async (listing) => {
      const { id, name, state, steps, stepsEnded, startedAt, costUsd, waitsFor } = await runDocument(
        journal,
        listing,
      );
      const atWork = new Set(jobs.flatMap(({ run, step }) => (run === id ? [step] : []))).size;
      return {
        run: {
          id,
          name,
          state,
          steps,
          done: stepsEnded,
          failed: 0,
          running: atWork,
          waiting: Math.max(0, steps - stepsEnded - atWork),
          submittedAt: startedAt,
          costUsd,
          maxCostUsd: null,
        },
        waitsFor,
      };
    }),
  );
}

function waitingOf(queued: readonly JobRecord[]): Waiting[] {
  const byCode = Map.groupBy(queued, ({ state }) =>
    state.kind === "queued" ? (state.waitingFor?.code ?? null) : null,
  );
  return [...byCode]
    .map(([code, records]) => {
      const oldest = records.toSorted((a, b) => a.readyFrom - b.readyFrom)[0]!;
      const reason = oldest.state.kind === "queued" ? oldest.state.waitingFor?.message : undefined;
      return {
        code,
        reason: reason ?? "waits for its turn or its time",
        jobs: records.length,
        oldestAt: oldest.readyFrom,
        example: oldest.job.id,
      };
    })
    .toSorted((a, b) => b.jobs - a.jobs);
}

const nothing = { at: null, run: null, step: null, job: null, trigger: null, count: null };

function unready({ ready, checks }: Awaited<ReturnType<DaemonPort["readiness"]>>): Attention[] {
  if (ready) return [];
  const failed = checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
  const text = failed.length === 0 ? "the daemon takes no new work" : failed.join("; ");
  return [{ ...nothing, kind: "unready", text }];
}

const approval = ({ id, name }: Run, step: string): Attention => ({
  ...nothing,
  kind: "approval",
  text: `step ${step} of ${name} waits for an approval`,
  run: id,
  step,
});

const deadLetters = (count: number): Attention[] =>
  count === 0
    ? []
    : [
        {
          ...nothing,
          kind: "dead_letters",
          text: `${count} dead letter${count === 1 ? "" : "s"}`,
          count,
        },
      ];

function pausesOf({ definition, triggers }: MachineState): OverviewDocument["pauses"] {
  const pauseOf = ({ id, pause }: TriggerState) =>
    pause === null ? [] : [{ trigger: id, note: pause.note, at: pause.at }];
  return [...definition.triggers.keys()].flatMap((id) => {
    const state = triggers.get(id);
    return state === undefined ? [] : pauseOf(state);
  });
}

const pausedTrigger = ({ trigger, note, at }: OverviewDocument["pauses"][number]): Attention => ({
  ...nothing,
  kind: "trigger_paused",
  text: `trigger ${trigger} is paused${note === "" ? "" : `: ${note}`}`,
  at,
  trigger,
});

const breakersOf = (load: LoadReport | null): OverviewDocument["breakers"] =>
  (load?.breakers ?? []).flatMap(({ target, state, probeAt }) =>
    state === "closed" ? [] : [{ name: target, state, probeAt, reason: null }],
  );
