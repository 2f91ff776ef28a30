/**
 * Kills processes that an earlier owner left behind, found through the registry of runs, before new work is accepted. A run
 * whose owner lives is never touched. A run that cannot be killed stays on record and is reported every time.
 *
 * A record is only a hint: somebody who can write a record must not be able to have an unrelated process killed. A process
 * is killed only if it has the run's marker in its environment or is in the cgroup that was made for the run. An unreadable
 * record is searched for by the marker in its file name, and set aside if no process of the run is left.
 */
import { realpathSync, statfsSync } from "node:fs";
import path from "node:path";
import {
  ignore,
  isAlive,
  pidNamespaceOf,
  readBootId,
  sleep,
  systemClock,
  type Clock,
  type ProcessRef,
  type RunIdentity,
} from "@agentcore/contract";
import { RunCgroup } from "./cgroup.ts";
import { markerVariable, type ContainedProcess } from "./port.ts";
import { hasEnvironmentEntry, signalProcess, uidOf } from "./proc.ts";
import { findMembers, killMembers } from "./process-group-box.ts";
import { listRecords, removeRecord, setAside, type ContainedRunRecord } from "./registry.ts";

const emptyWithinMs = 10_000;
const longestPauseMs = 50;

export type SweepVerdict =
  /** Its owner lives: not touched. */
  | "owned"
  /** Cannot be checked from here: recorded in another PID namespace of this boot, such as another container. */
  | "foreign"
  /** No process was left; its record was removed. */
  | "gone"
  /** Leftover processes were killed; its record was removed. */
  | "emptied"
  /** A leftover process could not be killed; the record stays. */
  | "left"
  /** The record is invalid and no process of the run is alive; set aside with the suffix `.unreadable`. */
  | "unreadable";

export interface SweptRun {
  readonly file: string;
  readonly marker: string | null;
  /** See `ContainedCommand.label`; null if it has none or is unreadable. */
  readonly label: string | null;
  /** Its working directory; null if unreadable. */
  readonly cwd: string | null;
  readonly verdict: SweepVerdict;
  /** How many processes were found alive. */
  readonly found: number;
  /** The processes still alive, for `left`. */
  readonly survivors: readonly ContainedProcess[];
  /** Why the record is invalid; null if it is valid. */
  readonly damage: string | null;
}

export interface SweepReport {
  readonly runs: readonly SweptRun[];
}

/** Facts used to check a record. */
export interface SweepFacts {
  readonly bootId: string | null;
  readonly pidNamespace: string | null;
  readonly ownerAlive: boolean;
}

/** Whether a recorded run may be swept, and if not, why. */
export function judgeRecord(
  record: ContainedRunRecord,
  facts: SweepFacts,
): "sweep" | "owned" | "foreign" | "gone" {
  // Without /proc, processes cannot be identified by start time, so nothing is touched.
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
    if (run.verdict === "unreadable") setAside(run.file);
    if (record === null) return run;
    const { empty, found, survivors } = await clearRun(trailOf(record), clock);
    if (empty) removeRecord(run.file);
    return { ...run, verdict: !empty ? "left" : found > 0 ? "emptied" : "gone", found, survivors };
  });
  return { runs: await Promise.all(runs) };
}

/**
 * Returns the runs on record without a living owner that still have processes, all as `left`. Changes nothing; a sweep may
 * still end them. Throws as {@link sweepRegistry} does.
 */
export function lookAtRegistry(directory: string, clock: Clock = systemClock): readonly SweptRun[] {
  return judgeRegistry(directory, clock).flatMap(({ run, record }) => {
    if (run.damage !== null && run.verdict === "left") return [run];
    if (record === null) return [];
    const remains = remainsOf(trailOf(record));
    if (remains.isEmpty()) return [];
    const survivors = remains.left();
    return [{ ...run, verdict: "left" as const, found: survivors.length, survivors }];
  });
}

/** Every run on record with the result that its record alone gives; with the record if the processes must be searched. */
function judgeRegistry(
  directory: string,
  clock: Clock,
): readonly { readonly run: SweptRun; readonly record: ContainedRunRecord | null }[] {
  const bootId = readBootId();
  const pidNamespace = pidNamespaceOf("self");
  return listRecords(directory, clock.now()).map((listed) => {
    const { file, record } = listed;
    if (record === null) return { run: judgeDamaged(listed), record: null };
    const { marker, label = null, cwd = null } = record;
    const known = { file, marker, label, cwd, found: 0, survivors: [], damage: null };
    const verdict = judgeRecord(record, { bootId, pidNamespace, ownerAlive: isAlive(record.owner) });
    // Until the search, a run to be swept counts as left.
    if (verdict === "sweep") return { run: { ...known, verdict: "left" }, record };
    return { run: { ...known, verdict }, record: null };
  });
}

/** The marker alone does not show the owner, so living processes are reported, not killed. */
function judgeDamaged({ file, marker, reason }: { file: string; marker: string; reason: string }): SweptRun {
  const survivors = remainsOf({ marker, cgroupPath: null, identity: null, notBeforeTicks: 0 }).left();
  const verdict = survivors.length > 0 ? ("left" as const) : ("unreadable" as const);
  return {
    file,
    marker,
    label: null,
    cwd: null,
    verdict,
    found: survivors.length,
    survivors,
    damage: reason,
  };
}

/** If the run has an identity, that says whether it has a cgroup. */
function trailOf({ marker, cgroupPath, identity, owner }: ContainedRunRecord): RunTrail {
  return {
    marker,
    cgroupPath: identity === null ? cgroupPath : identity.cgroupPath,
    identity,
    notBeforeTicks: owner.startTicks,
  };
}

/** The search criteria for a run. */
export interface RunTrail {
  readonly marker: string;
  readonly cgroupPath: string | null;
  readonly identity: RunIdentity | null;
  /** Processes that started earlier do not belong to the run. */
  readonly notBeforeTicks: number;
}

export interface Cleared {
  /** How many processes were found alive. */
  readonly found: number;
  readonly empty: boolean;
  /** The remaining processes that can be identified, if not empty. */
  readonly survivors: readonly ContainedProcess[];
}

/** The processes of a run that can still be found, now and in later searches. */
function remainsOf(trail: RunTrail) {
  const cgroup = recordedCgroup(trail);
  const init = recordedInit(trail);
  // Only marker and cgroup: a pid or session in a record proves nothing.
  const search = { ...trail, cgroup, known: [], leader: null, proofOnly: true };
  const left = (): ContainedProcess[] =>
    findMembers(search).map(({ pid, startTicks, name }) => ({ pid, startTicks, name }));
  const isEmpty = (): boolean =>
    left().length === 0 && !(cgroup?.isPopulated() ?? false) && !isInitAlive(trail.identity);
  return { cgroup, init, search, left, isEmpty };
}

/**
 * Kills the remaining processes of one run and proves it, regardless of the owner. Also handles a wrapper that never became
 * ready.
 */
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
    await sleep(clock, delayMs);
  }
  cgroup?.remove();
  return { found: found.size, empty: true, survivors: [] };
}

/** Only a cgroup with a name that this package would choose: a record must not be able to point elsewhere. */
function recordedCgroup({ cgroupPath, marker }: RunTrail): RunCgroup | null {
  if (cgroupPath === null || path.basename(cgroupPath) !== `agentcore-${marker}`) return null;
  return isCgroup(cgroupPath) ? RunCgroup.open(cgroupPath) : null;
}

/** CGROUP2_SUPER_MAGIC. In any other file system, files with these names are not from the kernel. */
const cgroupFileSystem = 0x63677270;

function isCgroup(directory: string): boolean {
  try {
    return realpathSync(directory) === directory && statfsSync(directory).type === cgroupFileSystem;
  } catch (error) {
    ignore(error, "removed, or never made");
    return false;
  }
}

/** The recorded PID namespace, unless it is this process's own, which says nothing about the run. */
function othersNamespace(identity: RunIdentity | null): string | null {
  const namespace = identity?.pidNamespace ?? null;
  return namespace === pidNamespaceOf("self") ? null : namespace;
}

/**
 * The init of a namespace disappears only when every process in it is dead. The namespace's number alone proves nothing,
 * because the kernel reuses it at once.
 */
function isInitAlive(identity: RunIdentity | null): boolean {
  if (identity === null || identity.hostPidStartTicks === null) return false;
  const namespace = othersNamespace(identity);
  if (namespace === null) return false;
  const ref = { pid: identity.hostPid, startTicks: identity.hostPidStartTicks };
  return isAlive(ref) && pidNamespaceOf(ref.pid) === namespace;
}

/** The init of the run's namespace, if it is still the same, bears the run's marker, and may be signaled by this user. */
function recordedInit({ identity, marker }: RunTrail): ProcessRef | null {
  if (identity === null || identity.hostPidStartTicks === null) return null;
  const ref = { pid: identity.hostPid, startTicks: identity.hostPidStartTicks };
  if (!isAlive(ref) || uidOf(ref.pid) !== process.geteuid?.()) return null;
  const namespace = othersNamespace(identity);
  if (namespace === null || pidNamespaceOf(ref.pid) !== namespace) return null;
  return hasEnvironmentEntry(ref.pid, `${markerVariable}=${marker}`) ? ref : null;
}
