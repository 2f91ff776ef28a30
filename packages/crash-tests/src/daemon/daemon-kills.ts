/**
 * `kill -9` of a daemon, of its runtime, or of both, at random moments while many senders deliver signed webhooks. A sender
 * repeats a delivery until it is acknowledged. At the end the daemon finishes what is left, and what became of every delivery
 * is checked from outside: by the senders' notes, the ledger of the steps, the stored firings and runs, and `/proc`.
 */
import { setTimeout as pause } from "node:timers/promises";
import { createSqliteJournal, createSqliteTriggerStore, openStateDatabase } from "@agentcore/store-sqlite";
import type { TriggerStore } from "@agentcore/triggers";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { patienceMs } from "@agentcore/contract/testing";
import { createDraws, type Draws } from "../draws.ts";
import { killHard } from "../processes.ts";
import { makeRig, type Rig } from "../rig.ts";
import { DaemonProcess } from "./daemon-process.ts";
import { judgeDaemon, type DaemonVerdict } from "./daemon-verdict.ts";
import { allEvents, allFirings, isAnythingOpen, outcomesOf } from "./stored-state.ts";
import { deliver, readLedger, readOverlaps, writeKilledDaemon, type Hook } from "./killed-daemon.ts";

export interface DaemonKillsOptions {
  readonly deliveries: number;
  readonly senders: number;
  readonly kills: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

export interface DaemonKillsReport extends DaemonVerdict {
  readonly deliveries: number;
  readonly kills: Readonly<Record<"daemon" | "runtime" | "both", number>>;
  /** Requests without an answer, or with one that asks to try again. */
  readonly repeated: number;
  /** Runs of which a step began more often than once, because a kill interrupted it. */
  readonly resumed: number;
  readonly elapsedMs: number;
  readonly root: string;
}

const quiescenceMs = 2000;
const drainMs = 300_000;
/** Longest wait for steps to begin; a kill comes then all the same. */
const beginMsMax = 5_000;
/** Deliveries that are sent only when the kill is about to come. */
const heldBack = 4;
/** More in one life of a daemon would be the restart intensity's business, which has a test of its own. */
const runtimeKillsMax = 3;

export async function daemonKills(options: DaemonKillsOptions): Promise<DaemonKillsReport> {
  const startedAt = performance.now();
  const rig = await makeRig({ attemptsMax: 100 });
  const file = writeKilledDaemon(rig);
  const database = await openStateDatabase({ directory: rig.stateDir });
  const store = createSqliteTriggerStore(database);
  const run = new KilledDaemon({ rig, file, store, ...options });
  try {
    await run.killAll();
    await run.drain();
    await pause(quiescenceMs);
    const ledger = readLedger(rig.root);
    const events = await allEvents(store);
    const firings = await allFirings(store);
    const verdict = judgeDaemon({
      acknowledged: run.acknowledged,
      events: events.map(({ event }) => event),
      firings: firings.map(({ firing }) => firing),
      runs: await outcomesOf(createSqliteJournal(database), firings),
      steps: ["first", "second"],
      ledger,
      overlaps: readOverlaps(rig.root),
      survivors: findSurvivors([rig.root, rig.token]).map(
        ({ pid, commandLine }) => `process ${pid}: ${commandLine}`,
      ),
      problems: run.problems,
    });
    const steps = new Map<string, number>();
    for (const { run: id, step } of ledger) steps.set(`${id} ${step}`, (steps.get(`${id} ${step}`) ?? 0) + 1);
    const resumed = new Set([...steps].filter(([, n]) => n > 1).map(([key]) => key.split(" ")[0]));
    if (verdict.findings.length === 0) await rig.remove();
    return {
      ...verdict,
      deliveries: options.deliveries,
      kills: run.kills,
      repeated: run.repeated,
      resumed: resumed.size,
      elapsedMs: Math.round(performance.now() - startedAt),
      root: rig.root,
    };
  } finally {
    await run.stop();
    await database.close();
  }
}

interface KilledDaemonOptions extends DaemonKillsOptions {
  readonly rig: Rig;
  readonly file: string;
  readonly store: TriggerStore;
}

class KilledDaemon {
  readonly kills = { daemon: 0, runtime: 0, both: 0 };
  /** Ids of deliveries that were acknowledged. */
  readonly acknowledged: string[] = [];
  readonly problems: string[] = [];
  repeated = 0;
  readonly #options: KilledDaemonOptions;
  readonly #draws: Draws;
  #daemon: DaemonProcess;
  #runtimeKills = 0;
  #next = 0;
  /** Deliveries that may be sent so far. */
  #released = 0;
  /** Requests without an answer yet. */
  #onTheirWay = 0;

  constructor(options: KilledDaemonOptions) {
    this.#options = options;
    this.#draws = createDraws(options.seed);
    this.#daemon = new DaemonProcess(options.rig, options.file);
  }

  async killAll(): Promise<void> {
    const { kills, deliveries, senders, print } = this.#options;
    const sending = Promise.all(Array.from({ length: senders }, () => this.#send()));
    for (let kill = 1; kill <= kills; kill += 1) {
      const released = Math.ceil((deliveries * kill) / (kills + 1));
      this.#released = released - heldBack;
      const isEarly = await this.#untilMoment();
      this.#released = released;
      if (!isEarly) await this.#untilOnTheirWay();
      await this.#kill();
      print(`${kill} kills, ${this.acknowledged.length} deliveries acknowledged`);
    }
    this.#released = deliveries;
    await sending;
  }

  /** Until nothing is open any more, with nothing killed. */
  async drain(): Promise<void> {
    const deadline = performance.now() + patienceMs(drainMs);
    while (await isAnythingOpen(this.#options.store)) {
      if (performance.now() > deadline) {
        this.problems.push(`events were still open after ${drainMs} ms: ${this.#daemon.log}`);
        break;
      }
      if (this.#daemon.isOver) await this.#restartAfterItsEnd();
      await pause(100);
    }
    await this.#daemon.stop();
    if (this.#daemon.exitCode !== 0)
      this.problems.push(`the daemon ended with ${this.#daemon.exitCode}: ${this.#daemon.log}`);
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }

  async #send(): Promise<void> {
    while (this.#next < this.#options.deliveries) {
      if (this.#next >= this.#released) {
        await pause(10);
        continue;
      }
      const number = this.#next++;
      const id = `delivery-${String(number).padStart(4, "0")}`;
      const hook = number % 4 === 0 ? "serial" : "free";
      await this.#untilAcknowledged(hook, id);
      // As senders do that do not trust an answer.
      if (number % 10 === 0) await this.#untilAcknowledged(hook, id);
    }
  }

  async #untilAcknowledged(hook: Hook, id: string): Promise<void> {
    for (;;) {
      const ports = await this.#daemon.ports;
      this.#onTheirWay += 1;
      const status = ports === null ? 0 : await deliver(ports[hook]!, hook, id);
      this.#onTheirWay -= 1;
      if (status === 202 || status === 200) {
        this.acknowledged.push(id);
        return;
      }
      if (status !== 0 && status !== 503) {
        this.problems.push(`${id} was answered with ${status}`);
        return;
      }
      this.repeated += 1;
      await pause(20);
    }
  }

  /**
   * A quarter of the moments lie in the start of a daemon, the rest after some of its steps have begun. Resolves to whether it is
   * an early one.
   */
  async #untilMoment(): Promise<boolean> {
    const [early, afterMs] = [this.#draws.chance(0.25), this.#draws.whole(0, 500)];
    if (!early) await this.#begun(this.#draws.whole(1, 8));
    await pause(afterMs);
    if (this.#daemon.isOver) await this.#restartAfterItsEnd();
    return early;
  }

  /** A kill between two deliveries would leave none without an answer. */
  async #untilOnTheirWay(): Promise<void> {
    const deadline = performance.now() + patienceMs(beginMsMax);
    while (this.#onTheirWay < heldBack / 2 && performance.now() < deadline) await pause(1);
  }

  /** Resolves once as many steps more began, or nothing is left to do. */
  async #begun(steps: number): Promise<void> {
    const wanted = readLedger(this.#options.rig.root).length + steps;
    await this.#daemon.ports;
    const deadline = performance.now() + patienceMs(beginMsMax);
    while (readLedger(this.#options.rig.root).length < wanted && !this.#daemon.isOver) {
      if (performance.now() > deadline) return;
      await pause(10);
    }
  }

  async #kill(): Promise<void> {
    const wanted = this.#draws.pick(["daemon", "runtime", "both"]);
    const runtimes = this.#daemon.runtimePids();
    const isRuntime = wanted === "runtime" && runtimes.length > 0 && this.#runtimeKills < runtimeKillsMax;
    const withRuntime = wanted !== "daemon" && runtimes.length > 0;
    this.kills[isRuntime ? "runtime" : withRuntime ? "both" : "daemon"] += 1;
    const ended = isRuntime ? null : this.#daemon.kill();
    if (withRuntime) for (const pid of runtimes) killHard(pid);
    if (isRuntime) this.#runtimeKills += 1;
    if (ended === null) return;
    await ended;
    this.#start();
  }

  async #restartAfterItsEnd(): Promise<void> {
    await this.#daemon.closed;
    this.problems.push(`the daemon ended with ${this.#daemon.exitCode}: ${this.#daemon.log}`);
    this.#start();
  }

  #start(): void {
    this.#daemon = new DaemonProcess(this.#options.rig, this.#options.file);
    this.#runtimeKills = 0;
  }
}
