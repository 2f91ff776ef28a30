/**
 * A real scheduler: `agentcore work` with the runtime that it supervises, or another command that holds one. Started,
 * listened to, killed, waited for.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { patienceMs } from "@agentcore/contract/testing";
import { childrenWith } from "./processes.ts";
import type { Rig } from "./rig.ts";

/** A line of `work --json`. */
export type HeardEvent = Readonly<Record<string, unknown>> & { readonly type: string };

/** Null if a kill cut it off. */
export function eventOf(line: string): HeardEvent | null {
  return line.startsWith("{") && line.endsWith("}") ? (JSON.parse(line) as HeardEvent) : null;
}

export class SchedulerProcess {
  readonly events: HeardEvent[] = [];
  readonly closed: Promise<void>;
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();
  #stderr = "";

  constructor(rig: Rig, args: readonly string[] = [], command: readonly string[] = ["work"]) {
    const options = ["--state-dir", rig.stateDir, "--config", rig.configPath, "--json", ...args];
    const child = spawn(process.execPath, [rig.program, ...command, ...options], {
      cwd: rig.root,
      env: rig.env,
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that all of it can be signaled as a terminal would.
      detached: true,
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => this.#hear(line));
    // The end is what matters of a log that can be long.
    child.stderr
      .setEncoding("utf8")
      .on("data", (text: string) => (this.#stderr = (this.#stderr + text).slice(-8000)));
    this.closed = once(child, "close").then(() => {
      for (const listener of this.#listeners) listener();
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** The end of what it wrote to stderr. */
  get log(): string {
    return this.#stderr;
  }

  /** The runtime that it has now. */
  runtimePids(): number[] {
    return childrenWith(this.pid, "runtime");
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** To all of its process group. */
  signalGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  /** Nobody reads what it prints any more. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  /** Whether such an event was heard before the deadline and the end of the process. */
  heard(matches: (event: HeardEvent) => boolean, deadlineMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (answer: boolean): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve(answer);
      };
      const look = (): void => {
        if (this.events.some(matches)) finish(true);
        else if (this.isOver) finish(false);
      };
      const timer = setTimeout(() => finish(false), patienceMs(deadlineMs));
      this.#listeners.add(look);
      look();
    });
  }

  /** Ends it cleanly, and by force where that takes too long. */
  async stop(): Promise<void> {
    if (this.isOver) return this.closed;
    const timer = setTimeout(() => this.signal("SIGKILL"), patienceMs(20_000));
    this.signal("SIGTERM");
    await this.closed;
    clearTimeout(timer);
  }

  #hear(line: string): void {
    const event = eventOf(line);
    if (event === null) return;
    this.events.push(event);
    for (const listener of this.#listeners) listener();
  }
}
