/**
 * The daemon, seen from outside: what it costs idle, how soon an event starts its worker, how soon a webhook is acknowledged, and
 * how many events a second it takes and runs. Real processes of the command line.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Agent, request } from "node:http";
import { execaNode } from "execa";
import { ifMissing } from "@agentcore/contract";
import { median, quantile, type Report } from "./report.ts";

export interface DaemonBenchOptions {
  /** Default: 120,000. */
  readonly idleMs?: number;
  /** Default: 60. */
  readonly starts?: number;
  /** Of acknowledgements. Default: 3,000. */
  readonly deliveries?: number;
}

const app = fileURLToPath(new URL("../../../apps/cli/", import.meta.url));
const secret = "secret";
const senders = 64;
const ticksPerSecond = 100;

export async function benchDaemon(report: Report, options: DaemonBenchOptions = {}): Promise<void> {
  const { idleMs = 120_000, starts = 60, deliveries = 3000 } = options;
  await execaNode(join(app, "bundle.mjs"));
  const root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-bench-")));
  const place = await DaemonPlace.start(root);
  try {
    await reportIdle(report, place, idleMs);
    await reportStarts(report, place, starts);
    await reportAcknowledgements(report, place, deliveries);
  } catch (error) {
    throw new Error(`the log of the daemon ends with: ${place.log}`, { cause: error });
  } finally {
    await place.stop();
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function reportIdle(report: Report, place: DaemonPlace, idleMs: number): Promise<void> {
  // What a start leaves to do is done by then.
  await pause(Math.min(5000, idleMs));
  const before = place.usage();
  const startedMs = performance.now();
  await pause(idleMs);
  const after = place.usage();
  const cpu = ((after.cpuMs - before.cpuMs) / (performance.now() - startedMs)) * 100;
  const note = `${idleMs / 1000} s`;
  report({
    name: "idle: memory of daemon and runtime",
    value: after.rssMb,
    unit: "MB",
    note: `aim: under 160; rss, ${after.each}`,
  });
  report({
    name: "idle: private memory of both",
    value: after.pssMb,
    unit: "MB",
    note: "pss: what they share counts once",
  });
  report({
    name: "idle: processor time of both",
    value: cpu,
    unit: "% of a core",
    note: `aim: under 0.5; ${note}`,
  });
}

async function reportStarts(report: Report, place: DaemonPlace, starts: number): Promise<void> {
  const times: number[] = [];
  const bare: number[] = [];
  for (let n = 0; n < starts; n += 1) {
    const at = performance.timeOrigin + performance.now();
    await place.deliver("start", `start-${n}`);
    const line = await place.line("starts", n);
    times.push(Number(line) / 1e6 - at);
    bare.push(await bareNodeMs());
    await pause(30);
  }
  const sorted = times.toSorted((a, b) => a - b);
  const note = `aim: under 25 where bare node starts in 37; it starts in ${median(bare).toFixed(0)} here`;
  report({ name: "event until its worker runs, p50", value: quantile(sorted, 0.5), unit: "ms", note });
  report({
    name: "event until its worker runs, p99",
    value: quantile(sorted, 0.99),
    unit: "ms",
    note: `${starts} events, one after another`,
  });
}

async function reportAcknowledgements(report: Report, place: DaemonPlace, deliveries: number): Promise<void> {
  const times: number[] = [];
  let next = 0;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: senders }, async () => {
      while (next < deliveries) {
        const id = `burst-${(next += 1)}`;
        const at = performance.now();
        await place.deliver("take", id);
        times.push(performance.now() - at);
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  const sorted = times.toSorted((a, b) => a - b);
  report({
    name: `202 under ${senders} senders, p50`,
    value: quantile(sorted, 0.5),
    unit: "ms",
    note: `${deliveries} durable events`,
  });
  report({ name: `202 under ${senders} senders, p99`, value: quantile(sorted, 0.99), unit: "ms" });
  report({ name: "events taken, sustained", value: deliveries / seconds, unit: "events/s" });
  const runs = 100;
  const before = place.count("runs");
  const runStartedMs = performance.now();
  for (let n = 0; n < runs; n += 1) await place.deliver("run", `run-${n}`);
  await place.line("runs", before + runs - 1);
  const runSeconds = (performance.now() - runStartedMs) / 1000;
  report({
    name: "events with a workflow run each, sustained",
    value: runs / runSeconds,
    unit: "events/s",
    note: `${runs} runs of one shell step, 5 at once`,
  });
}

/** Until its first line of code has run, as the worker's is. */
async function bareNodeMs(): Promise<number> {
  const at = performance.now();
  const child = spawn(process.execPath, ["-e", "process.stdout.write('x')"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const took = performance.now() - at;
  await once(child, "close");
  return took;
}

class DaemonPlace {
  log = "";
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
      this.#ports = (JSON.parse(line) as { webhooks: Record<string, number> }).webhooks;
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
  usage(): { readonly rssMb: number; readonly pssMb: number; readonly cpuMs: number; readonly each: string } {
    const pids = withChildren(this.#child.pid ?? -1);
    const rss = pids.map((pid) => field(pid, "VmRSS", "status") / 1024);
    const pss = pids.map((pid) => field(pid, "Pss", "smaps_rollup") / 1024);
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    const each = rss.map((mb) => mb.toFixed(0)).join(" + ");
    return { rssMb: sum(rss), pssMb: sum(pss), cpuMs: sum(pids.map(cpuMs)), each };
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGTERM");
    await once(this.#child, "close");
  }
}

function withChildren(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return [pid, ...text.split(" ").filter(Boolean).map(Number).flatMap(withChildren)];
}

function field(pid: number, name: string, file: string): number {
  const text = readFileSync(`/proc/${pid}/${file}`, "utf8");
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1000;
}
