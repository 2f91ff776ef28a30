/**
 * `kill -9` at many random moments of one workflow run, resumed after each. What must hold is checked from outside: no piece
 * of work whose end is on record begins again (by the steps' own ledger), everything that the run leaves equals what an
 * undisturbed run left, and no process outlives it.
 */
import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import type { JobStore, Journal } from "@agentcore/scheduler";
import { createSqliteJobStore, createSqliteJournal, openStateDatabase } from "@agentcore/store-sqlite";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { createDraws, type Draws } from "../draws.ts";
import { killTree } from "../processes.ts";
import { makeRig, type Rig } from "../rig.ts";
import { SchedulerProcess } from "../scheduler-process.ts";
import { readRecordedRun, type RecordedRun } from "./finished-pieces.ts";
import { nextKill, type KillMoment } from "./kill-moments.ts";
import {
  differences,
  makeRepository,
  readArtifacts,
  readLedger,
  writeKilledWorkflow,
} from "./killed-workflow.ts";

export interface WorkflowKillsOptions {
  readonly kills: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

export interface WorkflowKillsReport {
  /** Those that hit a living process, and how many of them took its whole tree with them. */
  readonly kills: number;
  readonly killsOfTree: number;
  /** Kills before the run was in the journal, or before the process had come to it. */
  readonly killsOfStart: number;
  /** How the run ended. */
  readonly outcome: string | null;
  /** Pieces of work of an undisturbed run, and those that began in the disturbed one. */
  readonly pieces: number;
  readonly begun: number;
  /** Pieces that began after their end was on record. */
  readonly finishedAgain: readonly string[];
  /** Pieces that an undisturbed run does and this one did not. */
  readonly missing: readonly string[];
  /** Files that are missing, more, or of other content than those of an undisturbed run. */
  readonly differing: readonly string[];
  readonly survivors: readonly string[];
  readonly elapsedMs: number;
  readonly root: string;
}

export function isClean(report: WorkflowKillsReport): boolean {
  const { outcome, finishedAgain, missing, differing, survivors } = report;
  return (
    outcome === "SUCCEEDED" &&
    [finishedAgain, missing, differing, survivors].every((list) => list.length === 0)
  );
}

const quiescenceMs = 2000;

export async function workflowKills(options: WorkflowKillsOptions): Promise<WorkflowKillsReport> {
  const startedAt = performance.now();
  // Kills may come so fast that one step is interrupted again and again.
  const rig = await makeRig({ attemptsMax: 100 });
  const database = await openStateDatabase({ directory: rig.stateDir });
  const file = writeKilledWorkflow(rig.root, rig.token);
  const calm = await undisturbed(rig, file);
  const records = { journal: createSqliteJournal(database), store: createSqliteJobStore(database) };
  const run = new KilledRun({ rig, file, calm, records, ...options });
  try {
    const { outcome } = await run.untilEnd();
    await pause(quiescenceMs);
    const survivors = findSurvivors([rig.root, rig.token]);
    const report = {
      ...run.counts,
      outcome,
      ...compareLedgers(calm.workspace, run.workspace),
      finishedAgain: run.finishedAgain(),
      differing: differences(readArtifacts(calm.workspace), readArtifacts(run.workspace)),
      survivors: survivors.map(({ pid, commandLine }) => `process ${pid}: ${commandLine}`),
      elapsedMs: Math.round(performance.now() - startedAt),
      root: rig.root,
    };
    if (isClean(report)) await rig.remove();
    return report;
  } finally {
    await database.close();
  }
}

interface CalmRun {
  readonly workspace: string;
  /** Changes of steps that it told of. */
  readonly events: number;
  /** From the start of its process to its first word. */
  readonly startMs: number;
}

async function undisturbed(rig: Rig, file: string): Promise<CalmRun> {
  const workspace = makeRepository(join(rig.root, "calm"));
  const startedAt = performance.now();
  const process = new SchedulerProcess(rig, [file, "-C", workspace], ["workflow", "run"]);
  await process.heard(({ type }) => type === "run_started", 60_000);
  const startMs = performance.now() - startedAt;
  await process.closed;
  if (process.exitCode !== 0)
    throw new Error(`the undisturbed run ended with ${process.exitCode}: ${process.log}`);
  return { workspace, events: process.events.filter(isProgress).length, startMs };
}

const isProgress = ({ type }: { readonly type: string }): boolean => type === "step_changed";

interface KilledRunOptions extends WorkflowKillsOptions {
  readonly rig: Rig;
  readonly file: string;
  readonly calm: CalmRun;
  readonly records: { readonly journal: Journal; readonly store: JobStore };
}

/** Where the ledger stood when the end of a piece was found on record: it must not come up again behind that. */
interface Finished {
  readonly piece: string;
  readonly at: number;
}

class KilledRun {
  readonly workspace: string;
  readonly counts = { kills: 0, killsOfTree: 0, killsOfStart: 0 };
  readonly #options: KilledRunOptions;
  readonly #draws: Draws;
  readonly #finished = new Map<string, Finished>();
  #events = 0;

  constructor(options: KilledRunOptions) {
    this.#options = options;
    this.#draws = createDraws(options.seed);
    this.workspace = makeRepository(join(options.rig.root, "disturbed"));
  }

  async untilEnd(): Promise<RecordedRun> {
    const { kills, print } = this.#options;
    for (;;) {
      const recorded = await this.#look();
      if (recorded.outcome !== null) return recorded;
      const process = this.#start(recorded.id);
      if (this.counts.kills < kills) await this.#killAtMoment(process);
      await process.closed;
      this.#events += process.events.filter(isProgress).length;
      if (process.exitCode !== null && process.exitCode !== 0) {
        print(`a process ended with ${process.exitCode}: ${process.log}`);
        return this.#look();
      }
      if (this.counts.kills % 20 === 0)
        print(`${this.counts.kills} kills, ${this.#finished.size} pieces of work done`);
    }
  }

  finishedAgain(): readonly string[] {
    const ledger = readLedger(this.workspace);
    return [...this.#finished.values()]
      .filter(({ piece, at }) => ledger.indexOf(piece, at) !== -1)
      .map(({ piece }) => piece);
  }

  async #look(): Promise<RecordedRun> {
    const recorded = await readRecordedRun(
      this.#options.records,
      ({ header }) => header["workspace"] === this.workspace,
    );
    // Whoever made the ledger is dead, and so are those that it started: nothing is added while this is read.
    const at = readLedger(this.workspace).length;
    for (const piece of recorded.finished) {
      if (!this.#finished.has(piece)) this.#finished.set(piece, { piece, at });
    }
    return recorded;
  }

  #start(id: string | null): SchedulerProcess {
    const { rig, file } = this.#options;
    return id === null
      ? new SchedulerProcess(rig, [file, "-C", this.workspace], ["workflow", "run"])
      : new SchedulerProcess(rig, [id], ["workflow", "resume"]);
  }

  async #killAtMoment(process: SchedulerProcess): Promise<void> {
    const { kills, calm } = this.#options;
    const question = {
      eventsInAll: calm.events,
      eventsSoFar: this.#events,
      killsLeft: kills - this.counts.kills,
      startMs: calm.startMs,
    };
    await until(nextKill(question, this.#draws), process);
    const wholeTree = this.#draws.chance(0.5);
    if (process.isOver) return;
    const isStart = !process.events.some(({ type }) => type === "run_started");
    this.counts.kills += 1;
    if (isStart) this.counts.killsOfStart += 1;
    if (wholeTree) this.counts.killsOfTree += 1;
    if (wholeTree) killTree(process.pid);
    else process.signal("SIGKILL");
  }
}

/** Longest wait for a change that a moment counts; a kill comes then all the same. */
const changeWaitMs = 30_000;

async function until(moment: KillMoment, process: SchedulerProcess): Promise<void> {
  const begins = process.heard(({ type }) => type === "run_started", changeWaitMs);
  switch (moment.kind) {
    case "start":
      await Promise.race([begins, pause(moment.afterMs)]);
      return;
    case "progress":
      await begins;
      await process.heard(() => process.events.filter(isProgress).length >= moment.events, changeWaitMs);
      await pause(moment.afterMs);
  }
}

function compareLedgers(calm: string, disturbed: string) {
  const [expected, found] = [readLedger(calm), readLedger(disturbed)];
  return {
    pieces: expected.length,
    begun: found.length,
    missing: expected.filter((piece) => !found.includes(piece)),
  };
}
