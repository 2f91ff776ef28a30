/**
 * A daemon under a steady load for a long time, with faults: `kill -9` of its runtime, a full disk for ten seconds, and clients
 * that read slowly or not at all. It must lose no event and run none twice; its memory, its handles and its latency must stay as
 * they are.
 */
import { setTimeout as pause } from "node:timers/promises";
import { ignore } from "@agentcore/contract";
import { createSqliteJournal, createSqliteTriggerStore, openStateDatabase } from "@agentcore/store-sqlite";
import { until } from "@agentcore/contract/testing";
import { DaemonProcess } from "../daemon/daemon-process.ts";
import { allEvents, allFirings, isAnythingOpen, outcomesOf } from "../daemon/stored-state.ts";
import { createDraws, type Draws } from "../draws.ts";
import { descriptors, killHard, processorMs, residentMb } from "../processes.ts";
import { makeRig, type Rig } from "../rig.ts";
import { judgeSoak } from "./judge-soak.ts";
import { Sender, Watcher, type Pace, type Sent } from "./soak-load.ts";
import {
  mountSmallDisk,
  notedMemory,
  soakConcurrency,
  readStarts,
  writeSoakPlace,
  type NotedMemory,
  type SmallDisk,
} from "./soak-place.ts";

export interface DaemonSoakOptions {
  readonly minutes: number;
  readonly perSecond: number;
  /** One event in so many starts a run. */
  readonly runEvery: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

export interface MemorySample {
  /** In s since the load began. */
  readonly at: number;
  readonly role: "daemon" | "runtime";
  readonly pid: number;
  readonly residentMb: number;
  /** Null: the process has not noted it yet. */
  readonly noted: NotedMemory | null;
  readonly descriptors: number;
}

/** Time between the send of an event and the start of its run; `at` is when it was sent. */
export interface StartLatency {
  readonly at: number;
  readonly tookMs: number;
}

export interface DaemonSoakReport {
  readonly seconds: number;
  /** In s: until then nothing is measured, because buffers of a bounded size fill up. */
  readonly warmUpSeconds: number;
  /** In s: at the start, after the warm-up, and at the end. Nothing is broken in them. */
  readonly calmSeconds: number;
  readonly sent: readonly Sent[];
  readonly runs: number;
  readonly starts: readonly StartLatency[];
  readonly samples: readonly MemorySample[];
  /** Processor time of both while the load lasted, in ms. Killed runtimes are left out. */
  readonly processorMs: number;
  /** Open descriptors of the daemon before the load, and once everything has ended and idle connections are closed. */
  readonly handles: { readonly before: number; readonly after: number };
  readonly runtimeKills: number;
  /** Ten seconds each. */
  readonly fullDisks: number;
  readonly watchers: Readonly<Record<Pace, { readonly bytes: number; readonly connections: number }>>;
  readonly findings: readonly string[];
  readonly root: string;
}

const paces: readonly Pace[] = ["fast", "fast", "fast", "slow", "asleep"];
const fullDiskMs = 10_000;
const drainMs = 120_000;
/** Longer than both ends keep an idle connection. */
const idleConnectionMs = 10_000;

export async function daemonSoak(options: DaemonSoakOptions): Promise<DaemonSoakReport> {
  const { minutes } = options;
  const rig = await makeRig({ attemptsMax: 100, ignoresDisk: true, concurrency: soakConcurrency });
  const disk = mountSmallDisk(rig.stateDir, Math.ceil(256 + minutes * 40));
  try {
    const report = await new Soak(rig, disk, options).run();
    disk.unmount();
    if (report.findings.length === 0) await rig.remove();
    return report;
  } finally {
    disk.unmount();
  }
}

class Soak {
  readonly #rig: Rig;
  readonly #disk: SmallDisk;
  readonly #options: DaemonSoakOptions;
  readonly #draws: Draws;
  readonly #daemon: DaemonProcess;
  readonly #samples: MemorySample[] = [];
  readonly #problems: string[] = [];
  readonly #times: { readonly seconds: number; readonly warmUp: number; readonly calm: number };
  readonly #sampleMs: number;
  /** Monotonic: when the load began. */
  #startMs = 0;
  #runtimeKills = 0;
  #fullDisks = 0;

  constructor(rig: Rig, disk: SmallDisk, options: DaemonSoakOptions) {
    const seconds = options.minutes * 60;
    this.#rig = rig;
    this.#disk = disk;
    this.#options = options;
    this.#draws = createDraws(options.seed);
    this.#times = { seconds, warmUp: seconds / 3, calm: seconds / 10 };
    this.#sampleMs = Math.min(15_000, (seconds * 1000) / 40);
    const { file, nodeArgs } = writeSoakPlace(rig, this.#sampleMs);
    this.#daemon = new DaemonProcess(rig, file, nodeArgs);
  }

  async run(): Promise<DaemonSoakReport> {
    const { perSecond, runEvery } = this.#options;
    const { seconds, warmUp, calm } = this.#times;
    const ports = await this.#daemon.ports;
    if (ports === null) throw new Error(`the daemon ended: ${this.#daemon.log}`);
    const handlesBefore = descriptors(this.#daemon.pid);
    const watchers = paces.map((pace) => ({ pace, watcher: new Watcher(this.#daemon.url ?? "", pace) }));
    this.#startMs = performance.now();
    const startedAt = performance.timeOrigin + this.#startMs;
    const endMs = this.#startMs + seconds * 1000;
    const sender = new Sender({ port: ports["hook"] ?? 0, perSecond, runEvery });
    const before = this.#processorMs();
    const [took] = await Promise.all([
      sender.sendUntil(endMs).then(() => this.#processorMs() - before),
      this.#sample(endMs),
      this.#killRuntimes(),
      this.#fillDisk(),
    ]);
    for (const { watcher } of watchers) watcher.close();
    const { handles: handlesAfter, ...stored } = await this.#drain(handlesBefore);
    const starts = readStarts(this.#rig.root);
    const findings = judgeSoak({
      sent: sender.sent,
      starts,
      ...stored,
      problems: [...this.#problems, ...sender.problems],
    });
    return {
      seconds,
      warmUpSeconds: warmUp,
      calmSeconds: calm,
      sent: sender.sent.map((one) => ({ ...one, at: (one.at - startedAt) / 1000 })),
      runs: stored.runs.size,
      starts: latencies(stored.events, starts, sender.sent, startedAt),
      samples: this.#samples,
      processorMs: took,
      handles: { before: handlesBefore, after: handlesAfter },
      runtimeKills: this.#runtimeKills,
      fullDisks: this.#fullDisks,
      watchers: sumsOf(watchers),
      findings,
      root: this.#rig.root,
    };
  }

  /** A random moment in the part of the load in which things may break. */
  #moment(lastsMs = 0): number {
    const { seconds, warmUp, calm } = this.#times;
    const [from, to] = [(warmUp + calm) * 1000, (seconds - calm) * 1000 - lastsMs];
    return this.#startMs + from + this.#draws.next() * Math.max(0, to - from);
  }

  /** The first fault of each kind comes early: buffers and code that only a fault needs are there when measuring begins. */
  get #early(): number {
    return this.#startMs + (this.#times.warmUp * 1000) / 4;
  }

  async #killRuntimes(): Promise<void> {
    const kills = Math.max(2, Math.floor(this.#options.minutes / 3));
    const moments = [this.#early, ...Array.from({ length: kills - 1 }, () => this.#moment(2000))];
    for (const at of moments.toSorted((a, b) => a - b)) {
      await pause(Math.max(0, at - performance.now()));
      for (const pid of this.#daemon.runtimePids()) {
        killHard(pid);
        this.#runtimeKills += 1;
      }
    }
  }

  async #fillDisk(): Promise<void> {
    for (const at of [this.#early, this.#moment(fullDiskMs + 2000)]) {
      await pause(Math.max(0, at - performance.now()));
      this.#disk.fill();
      await pause(fullDiskMs);
      this.#disk.free();
      this.#fullDisks += 1;
    }
  }

  async #sample(endMs: number): Promise<void> {
    let told = performance.now();
    while (performance.now() < endMs) {
      await pause(this.#sampleMs);
      const at = (performance.now() - this.#startMs) / 1000;
      const { pid } = this.#daemon;
      if (this.#daemon.isOver) {
        this.#problems.push(`the daemon ended with ${this.#daemon.exitCode}: ${this.#daemon.log}`);
        return;
      }
      for (const [role, one] of [
        ["daemon", pid],
        ...this.#daemon.runtimePids().map((id) => ["runtime", id]),
      ] as [MemorySample["role"], number][])
        this.#samples.push({
          at,
          role,
          pid: one,
          residentMb: residentMb(one),
          noted: notedMemory(this.#rig.root, one),
          descriptors: descriptors(one),
        });
      if (performance.now() - told < 60_000) continue;
      told = performance.now();
      const now = this.#samples.findLast(({ role }) => role === "daemon");
      this.#options.print(
        `${at.toFixed(0)} s: data ${now?.noted?.dataMb.toFixed(1)} MB, code ${now?.noted?.codeMb.toFixed(1)} MB, rss ${now?.residentMb.toFixed(1)} MB, ${now?.descriptors} descriptors`,
      );
    }
  }

  #processorMs(): number {
    return [this.#daemon.pid, ...this.#daemon.runtimePids()].reduce((sum, pid) => sum + processorMs(pid), 0);
  }

  /** Lets everything end, stops the daemon, and reads what it has stored. */
  async #drain(handlesBefore: number) {
    const database = await openStateDatabase({ directory: this.#rig.stateDir });
    try {
      const store = createSqliteTriggerStore(database);
      const ended = async (): Promise<boolean> => !(await isAnythingOpen(store));
      await until(ended, { deadlineMs: drainMs }).catch(() => {
        this.#problems.push(`a run was still open ${drainMs} ms after the last event: ${this.#daemon.log}`);
      });
      const { pid } = this.#daemon;
      const closed = (): boolean => descriptors(pid) <= handlesBefore;
      await until(closed, { deadlineMs: idleConnectionMs }).catch((error: unknown) =>
        ignore(error, "judged"),
      );
      const handles = descriptors(pid);
      await this.#daemon.stop();
      if (this.#daemon.exitCode !== 0)
        this.#problems.push(`the daemon ended with ${this.#daemon.exitCode}: ${this.#daemon.log}`);
      const firings = await allFirings(store);
      return {
        handles,
        events: (await allEvents(store)).map(({ event }) => event),
        firings: firings.map(({ firing }) => firing),
        runs: await outcomesOf(createSqliteJournal(database), firings),
      };
    } finally {
      await this.#daemon.stop();
      await database.close();
    }
  }
}

function latencies(
  events: readonly { readonly id: string; readonly key: string | null }[],
  starts: readonly { readonly event: string; readonly at: number }[],
  sent: readonly Sent[],
  startedAt: number,
): readonly StartLatency[] {
  const keys = new Map(events.map(({ id, key }) => [id, key ?? ""]));
  const sentAt = new Map(sent.map(({ id, at }) => [id, at]));
  return starts.map(({ event, at }) => {
    const from = sentAt.get(keys.get(event) ?? "") ?? Number.NaN;
    return { at: (from - startedAt) / 1000, tookMs: at - from };
  });
}

function sumsOf(
  watchers: readonly { readonly pace: Pace; readonly watcher: Watcher }[],
): DaemonSoakReport["watchers"] {
  const sums = {
    fast: { bytes: 0, connections: 0 },
    slow: { bytes: 0, connections: 0 },
    asleep: { bytes: 0, connections: 0 },
  };
  for (const { pace, watcher } of watchers) {
    sums[pace].bytes += watcher.bytes;
    sums[pace].connections += watcher.connections;
  }
  return sums;
}
