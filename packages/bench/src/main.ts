/**
 * `npm run bench`: prints the figures that the project publishes about itself, each with its floor or its peers from the
 * same run, because a figure from another hour of a shared machine says nothing. `npm run bench -- NAME…` runs some.
 */
import { spawnSync } from "node:child_process";
import { arch, cpus, release, totalmem } from "node:os";
import { formatValue, type Report } from "./report.ts";

/** Loaded one at a time, so that what one needs in memory does not slow down the next. */
const sections: Readonly<
  Record<string, { readonly title: string; readonly run: (report: Report) => Promise<void> }>
> = {
  permit: {
    title: "Permit decision and release",
    run: async (report) => (await import("./permit.ts")).benchPermit(report),
  },
  cli: {
    title: "Start-up and a whole run",
    run: async (report) => (await import("./cli.ts")).benchCli(report),
  },
  output: {
    title: "Worker output, 100 MB of JSON lines",
    run: async (report) => (await import("./output.ts")).benchOutput(report),
  },
  containment: {
    title: "Containment: cost, and cancel to last process dead",
    run: async (report) => (await import("./containment.ts")).benchContainment(report),
  },
  workflow: {
    title: "Workflows: what they add to their commands, and a large file",
    run: async (report) => (await import("./workflow.ts")).benchWorkflow(report),
  },
  store: {
    title: "Durable queue against the storage floor",
    run: async (report) => (await import("./store.ts")).benchStore(report),
  },
  queue: {
    title: "Durable queue beside BullMQ and pg-boss",
    run: async (report) => (await import("./queue-peers.ts")).benchQueuePeers(report),
  },
  scale: {
    title: "Several hosts on one store beside pg-boss, graphile-worker and BullMQ",
    run: async (report) => (await import("./scale.ts")).benchScale(report),
  },
  gate: {
    title: "The spend gate beside a direct connection and other proxies",
    run: async (report) => (await import("./gate.ts")).benchGate(report),
  },
  daemon: {
    title: "The daemon: idle, events, webhooks",
    run: async (report) => (await import("./daemon.ts")).benchDaemon(report),
  },
  recovery: {
    title: "From kill -9 to the moment the jobs run again",
    run: async (report) => (await import("./recovery.ts")).benchRecovery(report),
  },
};

function commit(): string {
  const { stdout } = spawnSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" });
  return stdout.trim() === "" ? "unknown commit" : stdout.trim();
}

function heading(): string {
  const cpu = cpus()[0]?.model ?? "unknown processor";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const machine = `${cpus().length} × ${cpu}, ${memory}, ${process.platform} ${release()} ${arch()}`;
  return `AgentCore ${commit()}, ${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC\n${machine}, Node ${process.version}`;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => sections[name] === undefined);
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(", ")}; there are: ${Object.keys(sections).join(", ")}`);
  process.exit(2);
}

console.log(heading());
for (const [name, section] of Object.entries(sections)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n${section.title}  (npm run bench -- ${name})`);
  await section.run(({ name: what, value, unit, note }) => {
    console.log(
      `  ${what.padEnd(58)} ${formatValue(value).padStart(11)} ${unit.padEnd(9)} ${note ?? ""}`.trimEnd(),
    );
  });
}
