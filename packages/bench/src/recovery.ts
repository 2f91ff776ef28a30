/**
 * From `kill -9` of a scheduler and of its runtime to the moment at which the jobs that they ran run again: with the process
 * started anew on the same state directory, and with another one standing by there. Real processes of the command line with
 * their defaults, so the time holds the sweep that proves the old attempts gone, and the jitter of the retry. The jobs
 * themselves keep the record: each attempt holds a file lock for as long as anything of it lives.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execaNode } from "execa";
import { ifMissing, retryPolicySchema, silentLog, systemClock, systemIds } from "@agentcore/contract";
import { backoffCapMs, QueueClient } from "@agentcore/scheduler";
import { createSqliteJobStore, openStateDatabase } from "@agentcore/store-sqlite";
import { type Report, quantile } from "./report.ts";

export interface RecoveryBenchOptions {
  /** Of each kind. Default 10. */
  readonly trials?: number;
}

const jobsPerTrial = 10;
/** Of any wait: what takes longer is counted as lost. */
const deadlineMs = 60_000;
const aimMs = 2000;

const app = fileURLToPath(new URL("../../../apps/cli/", import.meta.url));
const bin = join(app, "bin/agentcore.js");

type Rescue = "restart" | "standby";

interface Trial {
  /** Of each job, from the kill to its next start, in ms. */
  readonly recoveryMs: readonly number[];
  /** Of each job, from the start of a process on a queue to its first start. */
  readonly coldMs: readonly number[];
  readonly lost: number;
  readonly ranTwice: number;
}

export async function benchRecovery(report: Report, options: RecoveryBenchOptions = {}): Promise<void> {
  const { trials = 10 } = options;
  await execaNode(join(app, "bundle.mjs"));
  const results: Record<Rescue, Trial[]> = { restart: [], standby: [] };
  for (let round = 0; round < trials; round += 1) {
    for (const rescue of ["restart", "standby"] as const) results[rescue].push(await runTrial(rescue));
  }
  const names: Record<Rescue, string> = {
    restart: "kill -9, then started again on the same state",
    standby: "kill -9 while another process stands by",
  };
  for (const rescue of ["restart", "standby"] as const) {
    reportRescue(report, names[rescue], results[rescue]);
  }
  const cold = [...results.restart, ...results.standby].flatMap(({ coldMs }) => coldMs).toSorted(upwards);
  const name = "floor: a first start, until its jobs run";
  report({ name, value: quantile(cold, 0.5), unit: "ms", note: `${trials * 2} starts; p50` });
}

function reportRescue(report: Report, name: string, trials: readonly Trial[]): void {
  const times = trials.flatMap(({ recoveryMs }) => recoveryMs).toSorted(upwards);
  const sum = (count: (trial: Trial) => number): number =>
    trials.reduce((total, trial) => total + count(trial), 0);
  const jobs = `${trials.length} kills, ${trials.length * jobsPerTrial} jobs`;
  const counts = `lost ${sum(({ lost }) => lost)}, run twice ${sum(({ ranTwice }) => ranTwice)}`;
  const note = `aim: under ${aimMs}; ${backoffCapMs(retryPolicySchema.parse({}), 1)} of it may be the jitter of the retry`;
  report({ name: `${name}, p50`, value: quantile(times, 0.5), unit: "ms", note: `${jobs}; ${counts}` });
  report({
    name: `${name}, max`,
    value: times.at(-1) ?? Number.NaN,
    unit: "ms",
    note,
  });
}

const upwards = (a: number, b: number): number => a - b;

async function runTrial(rescue: Rescue): Promise<Trial> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-bench-")));
  const place = new Place(root);
  try {
    return await place.run(rescue);
  } catch (error) {
    throw new Error(`a trial of ${rescue} failed; the log of its processes ends with: ${place.log}`, {
      cause: error,
    });
  } finally {
    await place.stop();
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The first attempt works until it is killed, the second is done at once. `flock` tells two that live at one time. */
const script = `
exec 9> lock
flock -n 9 || echo overlap >> overlaps
date +%s%N >> starts
[ "$(wc -l < starts)" -gt 1 ] || sleep 600
`;

class Place {
  readonly #root: string;
  readonly #stateDir: string;
  readonly #config: string;
  readonly #workspaces: readonly string[];
  readonly #children: ChildProcess[] = [];
  /** The end of what the processes wrote to stderr. */
  log = "";

  constructor(root: string) {
    this.#root = root;
    this.#stateDir = join(root, "state");
    this.#config = join(root, "agentcore.yaml");
    this.#workspaces = Array.from({ length: jobsPerTrial }, (_, index) => join(root, `job-${index}`));
  }

  async run(rescue: Rescue): Promise<Trial> {
    for (const workspace of this.#workspaces) mkdirSync(workspace);
    writeFileSync(this.#config, `limits: { global: { concurrency: ${jobsPerTrial} } }\n`);
    const store = createSqliteJobStore(await openStateDatabase({ directory: this.#stateDir }));
    const client = new QueueClient({ store, clock: systemClock, ids: systemIds, log: silentLog });
    try {
      const task = { worker: "shell", capabilities: ["run_commands" as const], instructions: script };
      const limits = { maxAttempts: 3 };
      const outcomes = await client.submitAll(
        this.#workspaces.map((workspace) => ({ task: { ...task, workspace }, limits })),
      );
      const owners = async (count: number) => (await store.owners()).length === count;
      const coldAt = Date.now();
      const first = this.#start();
      await until("the jobs run", () => this.#starts(1).length === jobsPerTrial);
      if (rescue === "standby") {
        this.#start();
        await until("another process stands by", () => owners(2));
      }
      const killedAt = Date.now();
      await killWithRuntime(first);
      if (rescue === "restart") this.#start();
      await until("every job has ended", async () => {
        const { ready, delayed, running } = await store.stats(Date.now());
        return ready + delayed + running === 0;
      });
      const ended = await store.ended(outcomes.flatMap((outcome) => (outcome.ok ? outcome.handle.id : [])));
      return {
        recoveryMs: this.#starts(2).map((at) => at - killedAt),
        coldMs: this.#starts(1).map((at) => at - coldAt),
        lost: jobsPerTrial - ended.filter(({ state }) => state.kind === "succeeded").length,
        ranTwice: this.#workspaces.filter((at) => lines(at, "starts") > 2 || lines(at, "overlaps") > 0)
          .length,
      };
    } finally {
      client.closeClient();
      await store.close();
    }
  }

  #start(): ChildProcess {
    const args = ["work", "--state-dir", this.#stateDir, "--config", this.#config, "--json"];
    const child = spawn(process.execPath, [bin, ...args], {
      cwd: this.#root,
      env: { PATH: process.env["PATH"], HOME: this.#root },
      stdio: ["ignore", "ignore", "pipe"],
    });
    child.stderr
      .setEncoding("utf8")
      .on("data", (text: string) => (this.log = (this.log + text).slice(-4000)));
    this.#children.push(child);
    return child;
  }

  /** Moments of the n-th starts, in ms since the epoch; of the jobs that had one. */
  #starts(nth: number): number[] {
    return this.#workspaces.flatMap((workspace) => {
      const line = read(workspace, "starts").split("\n").slice(0, -1)[nth - 1];
      return line === undefined ? [] : Number(line) / 1e6;
    });
  }

  async stop(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGTERM");
      await once(child, "close");
    }
  }
}

/** Both at once, before either can say anything about the other. */
async function killWithRuntime(child: ChildProcess): Promise<void> {
  const pid = child.pid ?? -1;
  const started = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  const closed = once(child, "close");
  for (const each of [pid, ...started.map(Number)]) process.kill(each, "SIGKILL");
  await closed;
}

function read(workspace: string, file: string): string {
  try {
    return readFileSync(join(workspace, file), "utf8");
  } catch (error) {
    return ifMissing("")(error);
  }
}

const lines = (workspace: string, file: string): number => read(workspace, file).split("\n").length - 1;

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endAt = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > endAt) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    await pause(5);
  }
}
