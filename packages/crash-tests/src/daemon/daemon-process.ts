/** A real daemon with the runtime that it supervises: started, killed, stopped. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { patienceMs } from "@agentcore/contract/testing";
import { childrenWith } from "../processes.ts";
import type { Rig } from "../rig.ts";

type LogLine = Readonly<Record<string, unknown>>;

export class DaemonProcess {
  /** By id of the webhook; resolves once the daemon is ready, with null if it ended before. */
  readonly ports: Promise<Readonly<Record<string, number>> | null>;
  /** Of the API over TCP; null before the daemon is ready, or if it serves none. */
  url: string | null = null;
  readonly closed: Promise<void>;
  readonly #child: ChildProcess;
  #log = "";

  /** `nodeArgs`: for Node, also in the runtime. */
  constructor(rig: Rig, file: string, nodeArgs: readonly string[] = []) {
    const args = [...nodeArgs, rig.program, "daemon", "run", file, "--config", rig.configPath];
    const child = spawn(process.execPath, args, {
      cwd: rig.root,
      env: rig.env,
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    this.#child = child;
    this.closed = once(child, "close").then(() => undefined);
    const ready = Promise.withResolvers<Readonly<Record<string, number>> | null>();
    this.ports = ready.promise;
    void this.closed.then(() => ready.resolve(null));
    createInterface({ input: child.stderr }).on("line", (line) => {
      this.#log = `${this.#log}${line}\n`.slice(-20_000);
      const { msg, webhooks, url } = parsed(line);
      if (msg !== "the daemon is ready") return;
      this.url = url as string | null;
      ready.resolve(webhooks as Readonly<Record<string, number>>);
    });
  }

  get isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** The end of its log. */
  get log(): string {
    return this.#log;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  runtimePids(): number[] {
    return childrenWith(this.pid, "runtime");
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.closed;
  }

  /** Ends it cleanly, and by force where that takes too long. */
  async stop(): Promise<void> {
    if (this.isOver) return this.closed;
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), patienceMs(20_000));
    this.#child.kill("SIGTERM");
    await this.closed;
    clearTimeout(timer);
  }
}

/** A kill cuts the last line off. */
function parsed(line: string): LogLine {
  if (!line.startsWith("{") || !line.endsWith("}")) return {};
  return JSON.parse(line) as LogLine;
}
