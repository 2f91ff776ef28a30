/** Gathers the first screen of the daemon from its parts, each of which is asked once. */
import {
  BoundedMap,
  overviewRunningMax,
  overviewRunsMax,
  systemClock,
  type OverviewDocument,
  type RunEvent,
} from "@agentcore/contract";
import { defaultSilenceMs, usdOf, windowStartOf, type Ledger } from "@agentcore/core";
import type { JobRecord } from "@agentcore/scheduler";
import { openRuns, readRun, waitingApprovals, type OpenRun } from "@agentcore/workflow";
import { findAttemptDirectory } from "@agentcore/worker-kit";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { budgetLevels } from "../queue/budget-levels.ts";
import { leftProcesses } from "../state/quarantine.ts";
import { runStateOf } from "../workflow/run-owner.ts";
import { Board, type Doing } from "./board.ts";
import type { DaemonParts } from "./open-daemon.ts";
import { overviewDocument, type OverviewFacts } from "./overview-document.ts";
import { readinessOf } from "./readiness.ts";

export interface OverviewOptions {
  readonly parts: DaemonParts;
  readonly config: Config;
  readonly ledger: Pick<Ledger, "levels" | "levelsBelow">;
  readonly attemptsDir: string;
  readonly startedAt: number;
}

type Escalation = OverviewFacts["escalations"][number];
type Approval = OverviewFacts["runs"][number]["approvals"][number];

/** Escalations remembered, the newest of each target, and for how long they are shown, in ms. */
const escalationsMax = 20;
const escalationMsMax = 3_600_000;

export class Overview {
  readonly #options: OverviewOptions;
  readonly #board = new Board();
  readonly #escalations = new BoundedMap<string, Escalation>(escalationsMax);
  /** By run, until its journal grows. */
  readonly #approvals = new BoundedMap<
    string,
    { readonly version: string; readonly found: readonly Approval[] }
  >(overviewRunsMax);

  constructor(options: OverviewOptions) {
    this.#options = options;
  }

  note(event: RunEvent): void {
    this.#board.note(event);
    if (event.type !== "escalation") return;
    const { target, code, message, at, jobId } = event;
    this.#escalations.set(`${target} ${code}`, { at, code, message, job: jobId === "" ? null : jobId });
  }

  async read(): Promise<OverviewDocument> {
    const { parts, config, ledger, startedAt } = this.#options;
    const { composition, scheduler, engine, journal } = parts;
    const { store, runtime, state } = composition;
    const now = systemClock.now();
    const today = { scope: "global", window: "day", windowStart: windowStartOf("day", now) } as const;
    const figures = { stats: scheduler.stats(), load: runtime.load() };
    const [readiness, running, waiting, open, budgets, [spent]] = await Promise.all([
      readinessOf(engine, figures),
      store.list({ states: ["running"], limit: overviewRunningMax }),
      scheduler.waits(),
      openRuns(journal),
      budgetLevels(config, ledger, now),
      ledger.levels([today]),
    ]);
    // Those that a process works on come first.
    const states = open.map((run) => ({ run, state: runStateOf(run.header) }));
    const shown = states.toSorted((a, b) => Number(b.state === "RUNNING") - Number(a.state === "RUNNING"));
    return overviewDocument({
      now,
      startedAt,
      readiness,
      stats: await figures.stats,
      load: await figures.load.catch(() => null),
      running: await Promise.all(running.jobs.map((record) => this.#runningOf(record))),
      runs: await Promise.all(shown.slice(0, overviewRunsMax).map((one) => this.#runOf(one.run, one.state))),
      waiting,
      budgets,
      spentTodayUsd: usdOf(spent?.costSpentMicroUsd ?? 0),
      survivors: leftProcesses(state.containment),
      escalations: [...this.#escalations.values()].filter(({ at }) => at > now - escalationMsMax),
      machine: engine.state,
      nextSlotAt: (source) => engine.nextSlotAt(source),
      silenceLimitMs: { ...config.watchdog, silence: config.watchdog.silence ?? defaultSilenceMs },
    });
  }

  async #runningOf(record: JobRecord): Promise<OverviewFacts["running"][number]> {
    const doing = this.#board.of(record.job.id, record.attempt) ?? (await this.#elsewhere(record));
    return { record, doing };
  }

  /** Of an attempt that another process runs, its logs tell when it last wrote. Null: its worker was not started. */
  async #elsewhere({ job, attempt, state }: JobRecord): Promise<Doing | null> {
    if (state.kind !== "running" || state.started === null || state.started.identity === null) return null;
    const { at: startedAt, permit } = state.started;
    const name = { jobId: job.id, attempt, permitId: permit.id };
    const directory = await findAttemptDirectory(this.#options.attemptsDir, name);
    const logs = await Promise.all(
      ["stdout.log", "stderr.log"].map((log) => stat(join(directory, log)).catch(() => null)),
    );
    const written = logs.flatMap((log) => (log === null || log.size === 0 ? [] : log.mtimeMs));
    const lastOutputAt = written.length === 0 ? null : Math.max(...written);
    const nothing = { tools: new Map(), calls: null, endedAt: null };
    const unknown = { costUsd: null, tokens: null, model: null, stopping: null };
    return { attempt, startedAt, lastOutputAt, ...nothing, ...unknown };
  }

  async #runOf(run: OpenRun, state: string): Promise<OverviewFacts["runs"][number]> {
    return { id: run.id, header: run.header, state, approvals: await this.#approvalsOf(run) };
  }

  async #approvalsOf({ id, asking, version }: OpenRun): Promise<readonly Approval[]> {
    if (asking === 0) return [];
    const known = this.#approvals.get(id);
    if (known?.version === version) return known.found;
    const { journal } = this.#options.parts;
    const stored = await readRun(journal, id);
    const waits = stored === undefined ? [] : await waitingApprovals(journal, stored);
    const found = waits.map(({ step, message, askedAt }) => ({ step, message, askedAt }));
    this.#approvals.set(id, { version, found });
    return found;
  }
}
