/** The daemon under measurement: its files, its process, and what the kernel says about it. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ifMissing } from "@agentcore/contract";
import { type ProcessUsage, usageOf } from "./process-usage.ts";

export const app = fileURLToPath(new URL("../../../apps/cli/", import.meta.url));
/** Of the API. */
export const benchToken = "token-of-the-benchmark";
const secret = "secret";
/** Requests at once. */
export const senders = 64;

export class DaemonPlace {
  log = "";
  /** Of the API. */
  url = "";
  readonly #root: string;
  readonly #child: ChildProcess;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: senders });
  #ports: Readonly<Record<string, number>> = {};

  private constructor(root: string) {
    this.#root = root;
    this.#child = spawn(process.execPath, [join(app, "bin/agentcored.js"), join(root, "daemon.yaml")], {
      cwd: root,
      env: { PATH: process.env["PATH"], HOME: root },
      stdio: ["ignore", "ignore", "pipe"],
    });
  }

  static async start(root: string): Promise<DaemonPlace> {
    mkdirSync(join(root, "workspace"));
    const flow = (file: string): string =>
      JSON.stringify({
        name: "flow",
        version: "1",
        timeout: "5m",
        steps: {
          a: { worker: "shell", capabilities: ["run_commands"], instructions: `date +%s%N >> ${file}` },
        },
      });
    writeFileSync(join(root, "workspace/starts.yaml"), flow("starts"));
    writeFileSync(join(root, "workspace/runs.yaml"), flow("runs"));
    const hooks = ["start", "take", "run"];
    const definition = {
      name: "bench",
      version: "1",
      workspace: "workspace",
      server: { http: { port: 0 }, token: benchToken },
      events: Object.fromEntries(
        hooks.map((id) => [id, { type: "webhook", path: `/${id}`, port: 0, secret }]),
      ),
      triggers: {
        start: { on: "start", workflow: "starts.yaml" },
        take: { on: "take", workflow: "runs.yaml", filter: { "body.id": "none" } },
        run: { on: "run", workflow: "runs.yaml", overlap: "allow_all", max_queue: 1000 },
      },
    };
    writeFileSync(join(root, "daemon.yaml"), JSON.stringify(definition));
    const place = new DaemonPlace(root);
    await place.#ready();
    return place;
  }

  async #ready(): Promise<void> {
    const ready = Promise.withResolvers<void>();
    void once(this.#child, "close").then(() => ready.reject(new Error("the daemon ended")));
    createInterface({ input: this.#child.stderr! }).on("line", (line) => {
      this.log = `${this.log}${line}\n`.slice(-4000);
      if (!line.includes('"the daemon is ready"')) return;
      const { webhooks, url } = JSON.parse(line) as { webhooks: Record<string, number>; url: string };
      this.#ports = webhooks;
      this.url = url;
      ready.resolve();
    });
    await ready.promise;
  }

  /** Rejects unless it is acknowledged as new. */
  deliver(hook: string, id: string): Promise<void> {
    const body = JSON.stringify({ id });
    const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          agent: this.#agent,
          host: "127.0.0.1",
          port: this.#ports[hook],
          path: `/${hook}`,
          method: "POST",
          headers: {
            "content-type": "application/json",
            "content-length": body.length,
            "x-hub-signature-256": signature,
          },
        },
        (answer) => {
          answer.resume().on("end", () => {
            if (answer.statusCode === 202) resolve();
            else reject(new Error(`answered with ${answer.statusCode}`));
          });
        },
      );
      sent.on("error", reject).end(body);
    });
  }

  /** Waits for the line of that index. */
  async line(file: string, index: number): Promise<string> {
    const deadline = performance.now() + 120_000;
    while (this.count(file) <= index) {
      if (performance.now() > deadline) throw new Error(`waited in vain for line ${index} of ${file}`);
      await pause(2);
    }
    return this.#lines(file)[index] ?? "";
  }

  count(file: string): number {
    return this.#lines(file).length;
  }

  #lines(file: string): readonly string[] {
    try {
      return readFileSync(join(this.#root, "workspace", file), "utf8")
        .split("\n")
        .filter(Boolean);
    } catch (error) {
      return ifMissing<readonly string[]>([])(error);
    }
  }

  /** Of the daemon and everything that it started. */
  usage(): ProcessUsage {
    return usageOf(this.#child.pid ?? -1);
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGTERM");
    await once(this.#child, "close");
  }
}
