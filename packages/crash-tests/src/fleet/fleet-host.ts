/**
 * One machine of a fleet, as far as processes can tell: namespaces for its network, processes, mounts and name, a boot id, a
 * clock that may be wrong, and a state directory of its own. In it runs `agentcore work`.
 */
import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { until } from "@agentcore/contract/testing";
import { childrenOf, childrenWith, killHard, signal } from "../processes.ts";
import type { Rig } from "../rig.ts";
import { eventOf } from "../scheduler-process.ts";
import type { Link } from "./network.ts";

/** The first process of a machine: its end is the end of all others. */
const boot = `mount --bind "$1" /proc/sys/kernel/random/boot_id && hostname "$2" && echo up && exec sleep infinity`;

/** Loaded before the program: its wall clock is wrong by a constant. */
const skewProgram = `const real = Date, skew = Number(process.env.FLEET_SKEW_MS ?? 0);
globalThis.Date = class extends real {
  constructor(...args) { args.length === 0 ? super(real.now() + skew) : super(...args); }
  static now() { return real.now() + skew; }
};
`;

export interface FleetHostOptions {
  readonly rig: Rig;
  readonly name: string;
  readonly link: Link;
  /** Of the database, as this host reaches it. */
  readonly storeUrl: string;
}

export class FleetHost {
  /** Jobs whose end it announced. */
  readonly announced: string[] = [];
  /** The end of what it wrote to stderr. */
  log = "";
  readonly name: string;
  readonly link: Link;
  readonly #options: FleetHostOptions;
  readonly #directory: string;
  #skewMs = 0;
  /** The first process, and the one that waits for it. */
  #machine: { readonly init: number; readonly closed: Promise<unknown> } | undefined;
  #scheduler: ChildProcess | undefined;

  constructor(options: FleetHostOptions) {
    const { rig, name, link, storeUrl } = options;
    this.#options = options;
    this.name = name;
    this.link = link;
    this.#directory = join(rig.root, "hosts", name);
    mkdirSync(join(this.#directory, "state"), { recursive: true });
    writeFileSync(join(this.#directory, "skew.mjs"), skewProgram);
    const config = { ...rig.config, store: storeUrl, host: { name } };
    writeFileSync(join(this.#directory, "agentcore.yaml"), JSON.stringify(config));
  }

  /** Powers the machine on, with a clock that is wrong by `skewMs`, and starts the scheduler. */
  async powerOn(skewMs: number): Promise<void> {
    this.#skewMs = skewMs;
    const bootId = join(this.#directory, "boot_id");
    writeFileSync(bootId, `${randomUUID()}\n`);
    const kinds = ["--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const shell = ["sh", "-c", boot, "sh", bootId, this.name];
    const child = spawn("nsenter", [`--net=${this.link.namespace}`, "unshare", ...kinds, ...shell], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#keep(child);
    const closed = once(child, "close");
    await once(child.stdout, "data");
    this.#machine = { init: childrenOf(child.pid ?? -1)[0] ?? -1, closed };
    this.startScheduler();
  }

  startScheduler(): void {
    const { rig } = this.#options;
    const at = (name: string): string => join(this.#directory, name);
    const namespaces = ["--target", String(this.#machine?.init), "--mount", "--uts", "--pid", "--net"];
    const args = [
      rig.program,
      "work",
      "--json",
      "--state-dir",
      at("state"),
      "--config",
      at("agentcore.yaml"),
    ];
    const child = spawn("nsenter", [...namespaces, process.execPath, ...args], {
      cwd: rig.root,
      env: {
        ...rig.env,
        HOME: this.#directory,
        NODE_OPTIONS: `--import ${at("skew.mjs")}`,
        FLEET_SKEW_MS: String(this.#skewMs),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#scheduler = child;
    createInterface({ input: child.stdout }).on("line", (line) => this.#hear(line));
    this.#keep(child);
  }

  /** Null while it starts, and after its end. */
  get schedulerPid(): number | null {
    return childrenOf(this.#scheduler?.pid ?? -1)[0] ?? null;
  }

  get isSchedulerOver(): boolean {
    return this.#scheduler?.exitCode !== null || this.#scheduler.signalCode !== null;
  }

  runtimePids(): readonly number[] {
    return this.schedulerPid === null ? [] : childrenWith(this.schedulerPid, "runtime");
  }

  /** The shells in which its workers began. */
  workerPids(): readonly number[] {
    const below = (pid: number): readonly number[] => [pid, ...childrenOf(pid).flatMap(below)];
    return this.runtimePids().flatMap((runtime) =>
      below(runtime).filter((pid) => childrenWith(pid, this.#options.rig.enter).length > 0),
    );
  }

  /** Continues it after SIGSTOP, and `nsenter`, which stops itself when its child is stopped. */
  continueScheduler(): void {
    for (const pid of [this.#scheduler?.pid, this.schedulerPid])
      if (pid !== undefined && pid !== null) signal(pid, "SIGCONT");
  }

  async killScheduler(): Promise<void> {
    const pid = await this.#begunPid();
    if (pid !== null) killHard(pid);
    await this.#schedulerClosed();
  }

  /** As a power cut: every process of it is gone at once. */
  async powerOff(): Promise<void> {
    if (this.#machine === undefined) return;
    killHard(this.#machine.init);
    await this.#machine.closed;
    await this.#schedulerClosed();
    this.#machine = undefined;
  }

  /** As an administrator does. Returns the scheduler's exit code. */
  async shutDown(): Promise<number | null> {
    const pid = await this.#begunPid();
    if (pid !== null) process.kill(pid, "SIGTERM");
    await this.#schedulerClosed();
    const code = this.#scheduler?.exitCode ?? null;
    await this.powerOff();
    return code;
  }

  /** Of the scheduler, which may have been started a moment ago; null once it is over. */
  async #begunPid(): Promise<number | null> {
    await until(() => this.schedulerPid !== null || this.isSchedulerOver, { what: "a scheduler" });
    return this.schedulerPid;
  }

  async #schedulerClosed(): Promise<void> {
    await until(() => this.isSchedulerOver, { what: `the end of the scheduler of ${this.name}` });
  }

  #keep({ stderr }: ChildProcessByStdio<null, Readable, Readable>): void {
    stderr.setEncoding("utf8").on("data", (text: string) => (this.log = (this.log + text).slice(-20_000)));
  }

  #hear(line: string): void {
    const event = eventOf(line);
    if (event?.type === "job_ended") this.announced.push(String(event["jobId"]));
  }
}
