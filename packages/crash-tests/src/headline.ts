/**
 * The headline crash test: jobs are handed in while the scheduler, its runtime, or both are killed or interrupted at random
 * moments and started again. At the end the queue is drained, and what became of every job is checked from outside.
 */
import { setTimeout as pause } from "node:timers/promises";
import { createSqliteJobStore, createSqliteLedger, openStateDatabase } from "@agentcore/store-sqlite";
import { createDraws, type Draws } from "./draws.ts";
import { gather } from "./gather.ts";
import { planJob, type PlannedJob } from "./job-plan.ts";
import { killHard } from "./processes.ts";
import { makeRig, type Rig } from "./rig.ts";
import { SchedulerProcess, type HeardEvent } from "./scheduler-process.ts";
import { Submitter } from "./submitter.ts";
import { isClean, judge, type Verdict } from "./verdict.ts";

export interface HeadlineOptions {
  readonly jobs: number;
  readonly kills: number;
  readonly seed: number;
  /** Keep the directory, to look at it. Default: where something was found. */
  readonly keep?: boolean;
  readonly print: (line: string) => void;
}

export interface HeadlineReport extends Verdict {
  readonly jobs: number;
  /** By kind: killed processes, TERM or HUP to the whole process group, an output that nobody reads any more. */
  readonly kills: Readonly<Record<"scheduler" | "runtime" | "both" | "group" | "output", number>>;
  /** Attempts that workers were really started for. */
  readonly attempts: number;
  /** Attempts that died unseen and count with the most they were granted. */
  readonly estimated: number;
  readonly elapsedMs: number;
  readonly root: string;
}

export async function headline(options: HeadlineOptions): Promise<HeadlineReport> {
  const startedAt = performance.now();
  const rig = await makeRig();
  const database = await openStateDatabase({ directory: rig.stateDir });
  const store = createSqliteJobStore(database);
  const draws = createDraws(options.seed);
  const submitter = new Submitter(rig, store, createDraws(options.seed + 1));
  const run = new KillingRun(rig, draws, submitter, options);
  try {
    await run.killAll();
    await run.drain();
    const ledger = createSqliteLedger(database);
    const { gathered, attempts, estimated } = await gather({
      rig,
      store,
      ledger,
      submitter,
      ...run.record(),
    });
    const verdict = judge(gathered);
    if (isClean(verdict) && options.keep !== true) await rig.remove();
    const elapsedMs = Math.round(performance.now() - startedAt);
    const { kills } = run;
    return { ...verdict, jobs: options.jobs, kills, attempts, estimated, elapsedMs, root: rig.root };
  } finally {
    submitter.close();
    await run.stop();
    await database.close();
  }
}

/** More in one life of a scheduler would be the restart intensity's business, which has a test of its own. */
const runtimeKillsPerSchedulerMax = 3;
const drainMs = 300_000;

class KillingRun {
  readonly kills = { scheduler: 0, runtime: 0, both: 0, group: 0, output: 0 };
  readonly planned: PlannedJob[] = [];
  readonly #rig: Rig;
  readonly #draws: Draws;
  readonly #submitter: Submitter;
  readonly #options: HeadlineOptions;
  readonly #ended: string[] = [];
  #scheduler: SchedulerProcess;
  #runtimeKills = 0;
  #submitting: Promise<void> = Promise.resolve();

  constructor(rig: Rig, draws: Draws, submitter: Submitter, options: HeadlineOptions) {
    this.#rig = rig;
    this.#draws = draws;
    this.#submitter = submitter;
    this.#options = options;
    this.#scheduler = new SchedulerProcess(rig);
  }

  async killAll(): Promise<void> {
    const { kills, jobs, print } = this.#options;
    for (let kill = 1; kill <= kills; kill += 1) {
      await this.#submitting;
      this.#submitting = this.#submitUpTo(Math.ceil((jobs * kill) / kills));
      await this.#untilMoment();
      await this.#kill();
      if (kill % 20 === 0) print(`${kill} kills, ${this.planned.length} jobs handed in`);
    }
    await this.#submitting;
  }

  /** Runs what is left, with nothing killed any more. */
  async drain(): Promise<void> {
    const scheduler = this.#scheduler;
    if (!scheduler.isOver) await this.#end(scheduler);
    this.#scheduler = new SchedulerProcess(this.#rig, ["--drain"]);
    const drained = this.#scheduler.closed.then(() => true);
    const inTime = await Promise.race([drained, pause(drainMs, false, { ref: false })]);
    if (!inTime) this.#options.print(`the queue was not drained in ${drainMs} ms: ${this.#scheduler.log}`);
    if (inTime && this.#scheduler.exitCode !== 0) this.#options.print(this.#scheduler.log);
    await this.#end(this.#scheduler);
  }

  record(): { readonly planned: readonly PlannedJob[]; readonly announcedEnds: readonly string[] } {
    return { planned: this.planned, announcedEnds: this.#ended };
  }

  async stop(): Promise<void> {
    await this.#scheduler.stop();
  }

  async #submitUpTo(count: number): Promise<void> {
    const chunk: PlannedJob[] = [];
    while (this.planned.length < count) {
      const job = planJob(this.#rig, `job-${String(this.planned.length).padStart(4, "0")}`, this.#draws);
      this.planned.push(job);
      chunk.push(job);
    }
    if (chunk.length === 0) return;
    if (this.#draws.chance(0.08)) await this.#submitter.submitByCommand(chunk);
    else await this.#submitter.submit(chunk);
  }

  /** A quarter of the moments lie in the start of a scheduler, the rest while it works. */
  async #untilMoment(): Promise<void> {
    const [early, earlyMs, laterMs] = [
      this.#draws.chance(0.25),
      this.#draws.whole(0, 500),
      this.#draws.whole(0, 500),
    ];
    if (early) return pause(earlyMs);
    await this.#scheduler.heard(startsWork, 5000);
    await pause(laterMs);
  }

  async #kill(): Promise<void> {
    const wanted = this.#draws.pick(["scheduler", "scheduler", "runtime", "both", "group", "output"]);
    if (wanted === "group" || wanted === "output") return this.#interrupt(wanted);
    const runtimes = this.#scheduler.runtimePids();
    const runtimeOnly =
      wanted === "runtime" && runtimes.length > 0 && this.#runtimeKills < runtimeKillsPerSchedulerMax;
    if (runtimeOnly) {
      this.#runtimeKills += 1;
      this.kills.runtime += 1;
      for (const pid of runtimes) killHard(pid);
      return;
    }
    const withRuntime = wanted !== "scheduler" && runtimes.length > 0;
    this.kills[withRuntime ? "both" : "scheduler"] += 1;
    this.#scheduler.signal("SIGKILL");
    if (withRuntime) for (const pid of runtimes) killHard(pid);
    await this.#end(this.#scheduler);
    this.#scheduler = new SchedulerProcess(this.#rig);
    this.#runtimeKills = 0;
  }

  /** What a terminal, `timeout` or a service manager does: a signal to the whole group; or nobody reads the output any more. */
  async #interrupt(kind: "group" | "output"): Promise<void> {
    this.kills[kind] += 1;
    if (kind === "group") this.#scheduler.signalGroup(this.#draws.pick(["SIGTERM", "SIGHUP"]));
    else this.#scheduler.closeOutput();
    await pause(this.#draws.whole(0, 200));
    await this.#end(this.#scheduler);
    this.#scheduler = new SchedulerProcess(this.#rig);
    this.#runtimeKills = 0;
  }

  async #end(scheduler: SchedulerProcess): Promise<void> {
    await scheduler.stop();
    for (const { type, jobId } of scheduler.events) if (type === "job_ended") this.#ended.push(String(jobId));
  }
}

function startsWork({ type }: HeardEvent): boolean {
  return type === "attempt_started";
}
