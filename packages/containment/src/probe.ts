/**
 * Tests what this machine can contain: a supervisor starts a box, the payload in it leaves a double-forked daemon behind,
 * the supervisor gets KILL, and every process must be dead within moments. An implementation that passes is `sealed`. The
 * daemon holds our end of a pipe, so the end of that pipe proves its death.
 */
import { spawn, type ChildProcess } from "node:child_process";
import type { Duplex, Readable } from "node:stream";
import { ignore, settledWithin, systemClock, type Clock, type ContainmentLevel } from "@agentcore/contract";
import { findCgroupParent, type CgroupParent } from "./cgroup.ts";
import { candidates, commandLine, levelOf, type Implementation } from "./implementations.ts";
import type { ImplementationName } from "./port.ts";
import { refusedSpawn } from "./refused-spawn.ts";

const probeWithinMs = 3_000;

export interface ImplementationReport {
  readonly implementation: ImplementationName;
  readonly level: ContainmentLevel;
  readonly available: boolean;
  /** How it was shown to work, or why it does not work and what would help. */
  readonly reason: string;
  readonly tookMs: number;
  /** The way that works; null if none does. */
  readonly way: Implementation | null;
}

export interface ContainmentProbe {
  /** In order of preference. */
  readonly implementations: readonly ImplementationReport[];
  /** Whether runs get their own cgroup for counting, proof and killing. */
  readonly cgroup: CgroupParent;
}

/** Tries all three implementations in parallel. Takes some tens of milliseconds; never rejects. */
export async function probeContainment(clock: Clock = systemClock): Promise<ContainmentProbe> {
  return { implementations: await probeImplementations(clock), cgroup: findCgroupParent() };
}

export function probeImplementations(clock: Clock): Promise<ImplementationReport[]> {
  return Promise.all(
    candidates(process.geteuid?.() ?? 0).map(async (candidate) =>
      "missing" in candidate ? missingReport(candidate.name, candidate.missing) : tryInTurn(candidate, clock),
    ),
  );
}

const packages: Readonly<Record<string, string>> = {
  bwrap: "bubblewrap",
  unshare: "util-linux",
  setpriv: "util-linux",
  setsid: "util-linux",
};

function missingReport(name: ImplementationName, program: string): ImplementationReport {
  return {
    implementation: name,
    level: levelOf(name),
    available: false,
    reason: `${program} is not installed; the package is usually called ${packages[program] ?? program}`,
    tookMs: 0,
    way: null,
  };
}

/** The first way that works, or the report of the last one that does not. */
async function tryInTurn(ways: readonly Implementation[], clock: Clock): Promise<ImplementationReport> {
  let report: ImplementationReport | undefined;
  for (const way of ways) {
    const startedMs = clock.monotonicMs();
    const { available, reason } = await tryWay(way, clock);
    report = {
      implementation: way.name,
      level: levelOf(way.name),
      available,
      reason,
      tookMs: Math.round(clock.monotonicMs() - startedMs),
      way: available ? way : null,
    };
    if (available) break;
  }
  return report as ImplementationReport;
}

interface Trial {
  readonly available: boolean;
  readonly reason: string;
}

async function tryWay(way: Implementation, clock: Clock): Promise<Trial> {
  if (way.name === "process-group") {
    const reason =
      way.setpriv === null
        ? "always there; setpriv is missing, so a worker outlives a crash of this process until the next sweep"
        : "always there; a process that leaves its session and empties its environment escapes it";
    return { available: true, reason };
  }
  const trial = await startTrial(way);
  const inTime = await settledWithin(clock, trial.over, probeWithinMs);
  trial.kill();
  if (trial.stage() !== "killed") return { available: false, reason: explain(way, trial.complaint()) };
  return inTime
    ? { available: true, reason: "a double-forked child died with its supervisor" }
    : { available: false, reason: "a double-forked child outlived its supervisor" };
}

function explain(way: Implementation, complaint: string): string {
  const base = `the box could not be built: ${complaint || "no message"}`;
  return "userNamespace" in way && way.userNamespace
    ? `${base}. The system may forbid user namespaces (sysctl user.max_user_namespaces, ` +
        "kernel.apparmor_restrict_unprivileged_userns, or a container's seccomp profile)"
    : base;
}

/** Leaves a daemon that holds the outputs open, reports, and stays; short-lived in any case. */
const hostilePayload = "(setsid sh -c 'sleep 5; sleep 5' &) ; echo armed; sleep 10";

/** Rejects with `AC_WORKER_SPAWN` if no process can be started at all, which says nothing about the implementation. */
async function startTrial(way: Implementation) {
  const line = commandLine(way, { command: "/bin/sh", args: ["-c", hostilePayload], cwd: "/" }, []);
  const supervisor = spawn("/bin/sh", ["-c", '"$@" & wait', "sh", line.file, ...line.args], {
    cwd: "/",
    env: { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" },
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
    detached: true,
  });
  const refusal = refusedSpawn(supervisor, "/bin/sh");
  if (refusal !== null) throw await refusal;
  let stage: "starting" | "released" | "killed" = "starting";
  let complaint = "";
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const channel = supervisor.stdio[3] as Duplex;
  const stdout = supervisor.stdout as Readable;
  channel.on("error", (error) => ignore(error, "the box is gone, which stdout shows too"));
  channel.on("data", () => {
    if (stage !== "starting") return;
    stage = "released";
    channel.write("go\n");
  });
  stdout.on("data", () => {
    if (stage !== "released") return;
    stage = "killed";
    supervisor.kill("SIGKILL");
  });
  for (const stream of [supervisor.stderr, supervisor.stdio[4]] as Readable[]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      complaint = (complaint + chunk).slice(0, 500);
    });
  }
  supervisor.once("error", () => resolve());
  stdout.once("close", () => resolve());
  return {
    over,
    stage: () => stage,
    complaint: () => complaint.trim().replaceAll("\n", "; "),
    kill: () => endTrial(supervisor),
  };
}

function endTrial(supervisor: ChildProcess): void {
  supervisor.kill("SIGKILL");
  for (const stream of supervisor.stdio) stream?.destroy();
}
