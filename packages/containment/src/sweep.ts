/**
 * Kills what an earlier process has left behind, found by the registry of runs. Runs before any new work is taken.
 * A run whose owner still lives is never touched; what cannot be killed stays on record and is reported every time.
 */
import path from "node:path";
import { type Clock, type RunIdentity, systemClock } from "@agentcore/contract";
import { RunCgroup } from "./cgroup.ts";
import { isNamespaceInUse } from "./pid-namespace-box.ts";
import type { ContainedProcess } from "./port.ts";
import { isAlive, pidNamespaceOf, readBootId, signalProcess, uidOf, type ProcessRef } from "./proc.ts";
import { findMembers, killMembers } from "./process-group-box.ts";
import { listRecords, removeRecord, type RunRecord } from "./registry.ts";
import { pause } from "./waiting.ts";

const emptyWithinMs = 10_000;
const longestPauseMs = 50;

export type SweepVerdict =
  /** Its owner lives and works on it: not ours to touch. */
  | "owned"
  /** Cannot be judged from here: recorded in another PID namespace of this boot, such as another container. */
  | "foreign"
  /** Nothing was left of it; struck out. */
  | "gone"
  /** Something was left and is dead now; struck out. */
  | "emptied"
  /** Something is left that could not be killed; stays on record. */
  | "left"
  /** The record cannot be understood; stays for somebody to look at. */
  | "unreadable";

export interface SweptRun {
  readonly file: string;
  readonly marker: string | null;
  /** See `ContainedCommand.label`; null where it has none or cannot be read. */
  readonly label: string | null;
  /** Where it works; null where that cannot be read. */
  readonly cwd: string | null;
  readonly verdict: SweepVerdict;
  /** How many processes were found alive. */
  readonly found: number;
  /** Who is still alive, for `left`. */
  readonly survivors: readonly ContainedProcess[];
}

export interface SweepReport {
  readonly runs: readonly SweptRun[];
}

/** What a record is judged by, besides itself. */
export interface SweepFacts {
  readonly bootId: string | null;
  readonly pidNamespace: string | null;
  readonly ownerAlive: boolean;
}

/** Whether a recorded run may be swept, and if not, why. */
export function judgeRecord(record: RunRecord, facts: SweepFacts): "sweep" | "owned" | "foreign" | "gone" {
  // Without /proc nothing can be told apart by its start time, and nothing is touched.
  if (facts.bootId === null) return "foreign";
  // No process outlives a boot.
  if (record.bootId !== facts.bootId) return "gone";
  if (record.owner.pidNamespace !== facts.pidNamespace) return "foreign";
  return facts.ownerAlive && record.givenUp !== true ? "owned" : "sweep";
}

/** Sweeps every run in a registry directory. Throws `AC_STORE_UNAVAILABLE` if it exists and cannot be read. */
export async function sweepRegistry(directory: string, clock: Clock = systemClock): Promise<SweepReport> {
  const runs = judgeRegistry(directory, clock).map(async ({ run, record }): Promise<SweptRun> => {
    if (run.verdict === "gone") removeRecord(run.file);
    if (record === null) return run;
    const { empty, found, survivors } = await clearRun(trailOf(record), clock);
    if (empty) removeRecord(run.file);
    return { ...run, verdict: !empty ? "left" : found > 0 ? "emptied" : "gone", found, survivors };
  });
  return { runs: await Promise.all(runs) };
}

/**
 * Looks, and changes nothing: the runs on record that nobody works on any more and of which something is alive, all as
 * `left`. A sweep might still end them. Throws as {@link sweepRegistry} does.
 */
export function lookAtRegistry(directory: string, clock: Clock = systemClock): readonly SweptRun[] {
  return judgeRegistry(directory, clock).flatMap(({ run, record }) => {
    if (record === null) return [];
    const remains = remainsOf(trailOf(record));
    if (remains.isEmpty()) return [];
    const survivors = remains.left();
    return [{ ...run, verdict: "left" as const, found: survivors.length, survivors }];
  });
}

/** Every run on record as far as its record tells; with the record where the run itself must be looked for. */
function judgeRegistry(
  directory: string,
  clock: Clock,
): readonly { readonly run: SweptRun; readonly record: RunRecord | null }[] {
  const bootId = readBootId();
  const pidNamespace = pidNamespaceOf("self");
  return listRecords(directory, clock.now()).map(({ file, record }) => {
    const { marker = null, label = null, cwd = null } = record ?? {};
    const known = { file, marker, label, cwd, found: 0, survivors: [] };
    if (record === null) return { run: { ...known, verdict: "unreadable" }, record: null };
    const verdict = judgeRecord(record, { bootId, pidNamespace, ownerAlive: isAlive(record.owner) });
    // Until it was looked for, what is to be swept counts as left.
    if (verdict === "sweep") return { run: { ...known, verdict: "left" }, record };
    return { run: { ...known, verdict }, record: null };
  });
}

/** Once the run has an identity, that knows whether it really has a cgroup. */
function trailOf({ marker, cgroupPath, identity, owner }: RunRecord): RunTrail {
  return {
    marker,
    cgroupPath: identity === null ? cgroupPath : identity.cgroupPath,
    identity,
    notBeforeTicks: owner.startTicks,
  };
}

/** What a run is looked for by. */
export interface RunTrail {
  readonly marker: string;
  readonly cgroupPath: string | null;
  readonly identity: RunIdentity | null;
  /** Nothing that started earlier belongs to the run. */
  readonly notBeforeTicks: number;
}

export interface Cleared {
  /** How many processes were found alive. */
  readonly found: number;
  readonly empty: boolean;
  /** Who is left, as far as it has a name, if not empty. */
  readonly survivors: readonly ContainedProcess[];
}

/** What of a run can still be found, now and at later looks. */
function remainsOf(trail: RunTrail) {
  const cgroup = recordedCgroup(trail);
  const init = recordedInit(trail.identity);
  const search = {
    ...trail,
    cgroup,
    known: init === null ? [] : [init],
    leader: recordedLeader(trail.identity),
  };
  const left = (): ContainedProcess[] =>
    findMembers(search).map(({ pid, startTicks, name }) => ({ pid, startTicks, name }));
  const isEmpty = (): boolean =>
    left().length === 0 &&
    !(cgroup?.isPopulated() ?? false) &&
    !isNamespaceInUse(trail.identity?.pidNamespace ?? null);
  return { cgroup, init, search, left, isEmpty };
}

/** Kills what is left of one run and proves it, whoever owns it. Also takes a wrapper that never became ready. */
export async function clearRun(trail: RunTrail, clock: Clock): Promise<Cleared> {
  const { cgroup, init, search, left, isEmpty } = remainsOf(trail);
  const found = new Map<number, ContainedProcess>();
  const deadlineMs = clock.monotonicMs() + emptyWithinMs;
  for (let delayMs = 1; !isEmpty(); delayMs = Math.min(longestPauseMs, delayMs * 2)) {
    for (const fact of left()) found.set(fact.pid, fact);
    if (clock.monotonicMs() >= deadlineMs) return { found: found.size, empty: false, survivors: left() };
    if (cgroup?.isPopulated()) cgroup.kill();
    if (init !== null) signalProcess(init, "SIGKILL");
    for (const fact of killMembers(search)) found.set(fact.pid, fact);
    await pause(clock, delayMs);
  }
  cgroup?.remove();
  return { found: found.size, empty: true, survivors: [] };
}

/** Only a directory that this package itself would have named so: a record must not be able to point elsewhere. */
function recordedCgroup({ cgroupPath, marker }: RunTrail): RunCgroup | null {
  if (cgroupPath === null || path.basename(cgroupPath) !== `agentcore-${marker}`) return null;
  return RunCgroup.open(cgroupPath);
}

/** The process that the run was recognised by, if it is still that one, in that namespace, and ours to signal. */
function recordedInit(identity: RunIdentity | null): ProcessRef | null {
  if (identity === null || identity.hostPidStartTicks === null) return null;
  const ref = { pid: identity.hostPid, startTicks: identity.hostPidStartTicks };
  if (!isAlive(ref) || uidOf(ref.pid) !== process.geteuid?.()) return null;
  return identity.pidNamespace === null || pidNamespaceOf(ref.pid) === identity.pidNamespace ? ref : null;
}

/** The session of a run without a namespace is named by its payload, also after that has died. */
function recordedLeader(identity: RunIdentity | null): ProcessRef | null {
  if (identity?.implementation !== "process-group" || identity.hostPidStartTicks === null) return null;
  return { pid: identity.hostPid, startTicks: identity.hostPidStartTicks };
}
