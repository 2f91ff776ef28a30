/** One function per check of `doctor`: each examines one part of the machine and returns its finding. None of them throws. */
import {
  limitEnforcement,
  lookAtLeftRuns,
  runLimitNames,
  type LimitsEnforced,
  openContainment,
  probeContainment,
  type Containment,
  type ContainmentProbe,
  type SweptRun,
} from "@agentcore/containment";
import { cureOf, isAgentCoreError, systemClock, systemIds, type ContainmentLevel } from "@agentcore/contract";
import { findProgram, programEnvironment, readVersion, type ProgramOptions } from "@agentcore/worker-kit";
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { didYouMeanWorker, workerNames } from "../adapters.ts";
import type { Environment } from "@agentcore/yaml-file";
import type { LoadedConfig } from "../config/load.ts";
import { nearestExisting } from "../config/own-directory.ts";
import type { Config } from "../config/schema.ts";
import { findDaemon } from "../daemon/daemon-place.ts";
import { describeLeft } from "../state/quarantine.ts";
import { formatBytes } from "../screen/summary.ts";
import { hiddenDirectories, requireOneOwner, requireOwnState, type StateDir } from "../state/state-dir.ts";
import { requireNoSharedStore } from "../state/shared-store-note.ts";
import { openStores } from "../state/stores.ts";
import type { Check } from "./report.ts";

export function examineNode(version: string): Check {
  return { id: "node", title: "Node", status: "ok", detail: version, cure: null };
}

/** A file of which only a part applies is a finding: runs do not follow all of it. */
export function configurationCheck(loaded: LoadedConfig): Check {
  const base = { id: "configuration", title: "Configuration" };
  const { source, ignored, refused } = loaded;
  if (refused !== null) {
    return {
      ...base,
      status: "warn",
      detail: `${refused.path} is not read: ${refused.reason}`,
      cure: "If the file is yours, make it and the directories above it writable only by you.",
    };
  }
  const unknown = unknownWorkers(loaded);
  if (unknown.length > 0) {
    return {
      ...base,
      status: "bad",
      detail: unknown.join("\n"),
      cure: "Correct the name, or give the worker an adapter in `workers`.",
    };
  }
  if (source === null) {
    const detail = "no agentcore.yaml here or in a directory above: every setting has its default";
    return { ...base, status: "ok", detail, cure: null };
  }
  if (ignored.length === 0) {
    const standing = source.standing === "untrusted" ? "only sets limits" : source.standing;
    return { ...base, status: "ok", detail: `${source.path} (${standing})`, cure: null };
  }
  return {
    ...base,
    status: "warn",
    detail: `${source.path} is not trusted; ignored: ${ignored.join(", ")}`,
    cure: `Read it, and if you trust it: agentcore trust ${source.path}`,
  };
}

export interface ExaminedContainment {
  readonly check: Check;
  /** For asking programs for their versions. */
  readonly options: ProgramOptions;
}

/** Workers that the configuration names but that do not exist: settings for them would never apply. */
function unknownWorkers(loaded: LoadedConfig): string[] {
  const { defaults, limits, pacing } = loaded.config;
  const known = workerNames(loaded);
  const named = [
    ...(defaults.worker === undefined ? [] : [["defaults.worker", defaults.worker] as const]),
    ...Object.keys(limits.workers).map((name) => ["limits.workers", name] as const),
    ...Object.keys(pacing.workers).map((name) => ["pacing.workers", name] as const),
  ];
  return named
    .filter(([, name]) => !known.includes(name))
    .map(
      ([place, name]) =>
        `${place}: there is no worker "${name}"; there are ${known.join(", ")}${didYouMeanWorker(name, known)}`,
    );
}

/** Records nothing. If containment is impossible, no program is run. */
export async function examineContainment(state: StateDir, env: Environment): Promise<ExaminedContainment> {
  const partsWith = (containment: Containment) => ({ containment, clock: systemClock, ids: systemIds });
  try {
    // A directory that we may not search cannot be inspected, and is a separate finding.
    const hidden = nearestExisting(state.path).isClosed ? [] : hiddenDirectories(state, env);
    const opened = await openContainment({ hidden });
    return { check: containmentCheck(opened.probe, isRoot()), options: partsWith(opened) };
  } catch (error) {
    const refusing: Containment = {
      implementation: "process-group",
      level: "best-effort",
      hides: false,
      limits: limitEnforcement({ name: "process-group", setpriv: null }, []),
      start: () => Promise.reject(error),
    };
    return { check: containmentCheck(await probeContainment(), isRoot()), options: partsWith(refusing) };
  }
}

/** `isRootsOwn`: whether AgentCore runs as root. */
export function containmentCheck(probe: ContainmentProbe, isRootsOwn: boolean): Check {
  const base = { id: "containment", title: "Containment" };
  const chosen = probe.implementations.find(({ available }) => available);
  const others = probe.implementations
    .filter((report) => report !== chosen && !report.available)
    .map(({ implementation, reason }) => `${implementation}: ${reason}`);
  if (chosen === undefined) {
    return { ...base, status: "bad", detail: others.join("; "), cure: "Install bubblewrap or util-linux." };
  }
  const cgroup = probe.cgroup.available ? "cgroups available" : `no cgroup: ${probe.cgroup.reason}`;
  const rights = isRootsOwn ? [rootDetail(chosen.level)] : [];
  const found = [`${chosen.level} (${chosen.implementation}, ${cgroup})`, ...rights, ...others];
  const said = { ...base, detail: found.join("; "), proof: chosen.reason };
  if (chosen.level === "sealed" && !isRootsOwn) return { ...said, status: "ok", cure: null };
  return { ...said, status: "warn", cure: chosen.level === "sealed" ? rootCure : bestEffortCure };
}

/** How `limits.run` is enforced here. Shown even if no limit is set, for people who may want to set one. */
export function runLimitsCheck(enforced: LimitsEnforced, { run }: Config["limits"]): Check {
  const base = { id: "run_limits", title: "Limits of a run" };
  const inVain = runLimitNames.filter((name) => run[name] !== undefined && !enforced[name].enforced);
  const all = runLimitNames.map((name) => {
    const limit = run[name];
    const amount = limit === undefined ? "" : ` ${name === "processes" ? limit : formatBytes(limit)}`;
    const { enforced: isEnforced, how } = enforced[name];
    return `${name}${amount}: ${limit === undefined ? "not set; " : ""}${isEnforced ? "" : "not enforceable: "}${how}`;
  });
  const isAnySet = runLimitNames.some((name) => run[name] !== undefined);
  const proof = all.join("; ");
  if (!isAnySet) return { ...base, status: "ok", detail: "none is set", proof, cure: null };
  if (inVain.length === 0) return { ...base, status: "ok", detail: proof, cure: null };
  return {
    ...base,
    status: "warn",
    detail: proof,
    cure: `Runs are not limited by ${inVain.map((name) => `limits.run.${name}`).join(", ")}. Run AgentCore as a user with bubblewrap, or limit the service or container that it runs in.`,
  };
}

const rootCure =
  "Root's workers own every file of root, even outside their workspace. Run AgentCore as an ordinary user.";
const bestEffortCure =
  "A worker's process may outlive its run here, and a worker can read and change the state directory. Install bubblewrap, or allow user namespaces, for sealed containment.";

function rootDetail(level: ContainmentLevel): string {
  return level === "sealed"
    ? "runs as root: workers have no capabilities"
    : "runs as root: workers keep root's capabilities";
}

function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

export async function examineGit(env: Environment, options: ProgramOptions): Promise<Check> {
  const base = { id: "git", title: "git" };
  const cure =
    "Without git a result has no patch, and changed files are found by comparing the directory. Install git.";
  const path = findProgram("git", env["PATH"]);
  if (path === null) return { ...base, status: "warn", detail: "not on PATH", cure };
  const answer = await readVersion(options, path, ["--version"], programEnvironment(env));
  return answer.kind === "version"
    ? { ...base, status: "ok", detail: `${answer.version} (${path})`, cure: null }
    : { ...base, status: "warn", detail: `${path} --version failed: ${answer.reason}`, cure };
}

/**
 * Opens the database as a run would, if it exists; creates nothing. `waitsBelow`: free bytes below which the configuration makes
 * runs wait.
 */
export async function examineState(state: StateDir, waitsBelow: number | undefined): Promise<Check> {
  const base = { id: "state", title: "State directory" };
  try {
    requireOneOwner(state);
    if (existsSync(state.path)) requireOwnState(state);
    const isNew = !existsSync(join(state.path, "state.db"));
    if (state.store === null) requireNoSharedStore(state.path);
    if (state.store === null && !isNew) await (await openStores(state)).close();
    const free = await freeBytes(state.path);
    const detail = `${state.path}, ${formatBytes(free)} free${isNew && state.store === null ? ", nothing in it yet" : ""}`;
    if (waitsBelow === undefined || free > waitsBelow) return { ...base, status: "ok", detail, cure: null };
    return {
      ...base,
      status: "warn",
      detail,
      cure: `Free disk space, or use another directory with --state-dir: runs wait while ${formatBytes(waitsBelow)} or less is free.`,
    };
  } catch (error) {
    const cure = isAgentCoreError(error)
      ? cureOf(error.code, "command line")
      : "Use another directory with --state-dir.";
    return { ...base, status: "bad", detail: (error as Error).message, cure };
  }
}

/** Whether a daemon works on the state directory: it then runs the jobs that are submitted there. */
export function examineDaemon(state: StateDir): Check {
  const found = findDaemon(state.path);
  const detail =
    found === null
      ? "none runs on this state directory"
      : `process ${found.pid} runs ${found.name} (${found.file}) since ${found.startedAt}`;
  return { id: "daemon", title: "Daemon", status: "ok", detail, cure: null };
}

/** Runs with living processes that nobody works on: their workspaces are refused until the processes are gone. */
export function examineQuarantine(state: StateDir): Check {
  const base = { id: "quarantine", title: "Quarantine" };
  try {
    return quarantineCheck(lookAtLeftRuns(state.containment));
  } catch (error) {
    const cure = isAgentCoreError(error) ? cureOf(error.code, "command line") : null;
    return { ...base, status: "bad", detail: (error as Error).message, cure };
  }
}

export function quarantineCheck(left: readonly SweptRun[]): Check {
  const base = { id: "quarantine", title: "Quarantine" };
  if (left.length === 0) return { ...base, status: "ok", detail: "no run left a process behind", cure: null };
  const pids = left.flatMap(({ survivors }) => survivors.map(({ pid }) => pid));
  const what = pids.length === 0 ? "them" : `them with \`kill -9 ${pids.join(" ")}\``;
  return {
    ...base,
    status: "warn",
    detail: left.map((run) => `${run.cwd ?? run.file}: ${describeLeft(run)}`).join("\n"),
    cure: `The next run tries to end ${pids.length === 0 ? "them" : "these processes"}. If it cannot, kill ${what}, or restart the machine. Their workspaces can be used again once they are gone.`,
  };
}

async function freeBytes(path: string): Promise<number> {
  let existing = path;
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  return bavail * bsize;
}
