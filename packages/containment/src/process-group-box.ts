/**
 * A best-effort box: the payload leads its own session, and its processes are found by session, parentage, marker and
 * cgroup. Killing repeats stop, search, kill, because a snapshot is outdated as soon as it is read. See `members.ts` for
 * processes that are not found. Without `/proc` (macOS), only the process group itself is reached.
 */
import {
  isDead,
  readBootId,
  readProcess,
  type ProcessFact,
  type ProcessRef,
  type RunIdentity,
} from "@agentcore/contract";
import type { Box } from "./box.ts";
import type { RunCgroup } from "./cgroup.ts";
import { selectMembers } from "./members.ts";
import type { BoxOptions } from "./pid-namespace-box.ts";
import { markerVariable, type ContainedProcess } from "./port.ts";
import { hasEnvironmentEntry, listNewestPids, signalProcess, uidOf, type SignalOutcome } from "./proc.ts";
import type { RunLimitName } from "./run-limits.ts";

/** How many times a pass searches again for processes that were forked while it stopped the others. */
const stopRounds = 20;
/** Rounds in a row without a new process, after which the stopped processes are killed. */
const dryRounds = 2;
/** Searches in a row that must find nothing before the run counts as empty without a cgroup's proof. */
const cleanLooks = 3;

export interface MemberSearch {
  readonly marker: string;
  readonly cgroup: RunCgroup | null;
  readonly known: readonly ProcessRef[];
  readonly leader: ProcessRef | null;
  readonly notBeforeTicks: number;
  /** Leave out processes that are only related to a member, for a run that is known only from a record. Default false. */
  readonly proofOnly?: boolean;
}

/** The run's processes that can be found. A marker counts only on a process of our own uid. */
export function findMembers(search: MemberSearch): ProcessFact[] {
  return lookFor(search, () => undefined);
}

/**
 * Scans the machine once, newest processes first, and reads each environment at once: a process that keeps replacing itself
 * is found only if the search is faster. `onMarked` is called in the same instant.
 */
function lookFor(search: MemberSearch, onMarked: (fact: ProcessFact) => void): ProcessFact[] {
  const entry = `${markerVariable}=${search.marker}`;
  const uid = process.geteuid?.();
  const marked = new Set<number>();
  const processes: ProcessFact[] = [];
  for (const pid of listNewestPids()) {
    const fact = readProcess(pid);
    if (fact === null || isDead(fact) || fact.startTicks < search.notBeforeTicks || pid === process.pid)
      continue;
    processes.push(fact);
    if (!hasEnvironmentEntry(pid, entry) || uidOf(pid) !== uid) continue;
    marked.add(pid);
    onMarked(fact);
  }
  if (search.proofOnly === true) {
    const inCgroup = new Set(search.cgroup?.pids());
    return processes.filter(({ pid }) => marked.has(pid) || inCgroup.has(pid));
  }
  return selectMembers(processes, {
    known: search.known,
    leader: search.leader,
    cgroupPids: new Set(search.cgroup?.pids()),
    marked,
    ownSession: readProcess(process.pid)?.session ?? 0,
  });
}

/** Stops every member, including those found meanwhile, then kills them. Returns the members. */
export function killMembers(search: MemberSearch): ProcessFact[] {
  const stopped = new Map<number, ProcessFact>();
  const stop = (fact: ProcessFact): void => {
    signalProcess(fact, "SIGSTOP");
    stopped.set(fact.pid, fact);
  };
  for (let round = 0, dry = 0; round < stopRounds && dry < dryRounds; round += 1) {
    const before = stopped.size;
    const known = [...search.known, ...stopped.values()];
    const members = lookFor({ ...search, known }, (fact) => stopped.has(fact.pid) || stop(fact));
    for (const fact of members) if (!stopped.has(fact.pid)) stop(fact);
    dry = stopped.size === before ? dry + 1 : 0;
  }
  for (const fact of stopped.values()) signalProcess(fact, "SIGKILL");
  return [...stopped.values()];
}

/** Returns the box of a launched payload that waits for `go`; null if the payload has died. */
export function processGroupBox(options: BoxOptions): Box | null {
  const payload = readProcess(options.launched.pid);
  if (payload === null) return process.platform === "linux" ? null : new GroupOnlyBox(options);
  return new ProcessGroupBox(options, payload);
}

function identityOf(options: BoxOptions, startTicks: number | null): RunIdentity {
  return {
    marker: options.marker,
    implementation: options.implementation,
    hostPid: options.launched.pid,
    hostPidStartTicks: startTicks,
    pidNamespace: null,
    cgroupPath: options.cgroup?.directory ?? null,
    bootId: readBootId(),
  };
}

class ProcessGroupBox implements Box {
  readonly identity: RunIdentity;
  readonly provedBy: string;
  readonly #cgroup: RunCgroup | null;
  readonly #payload: ProcessFact;
  readonly #termTo: BoxOptions["termTo"];
  readonly #sent = new Set<string>();
  #known: ProcessRef[];
  #payloadReaped = false;

  constructor(options: BoxOptions, payload: ProcessFact) {
    this.#cgroup = options.cgroup;
    this.#payload = payload;
    this.#termTo = options.termTo;
    this.#known = [payload];
    this.provedBy = this.#cgroup === null ? "process-group" : "cgroup";
    this.identity = identityOf(options, payload.startTicks);
    void options.launched.ended.then(() => {
      this.#payloadReaped = true;
    });
  }

  processes(): ContainedProcess[] {
    return this.#members().map(({ pid, startTicks, name }) => ({ pid, startTicks, name }));
  }

  signalPayload(signal: NodeJS.Signals): SignalOutcome {
    return signalProcess(this.#payload, signal, this.#termTo);
  }

  killAll(): string[] {
    const sent: string[] = [];
    const killed = killMembers(this.#search());
    if (killed.length > 0) sent.push("KILL");
    this.#remember(killed);
    if (this.#cgroup?.isPopulated() && this.#cgroup.kill()) sent.push("cgroup.kill");
    const fresh = sent.filter((name) => !this.#sent.has(name));
    for (const name of fresh) this.#sent.add(name);
    return fresh;
  }

  isEmpty(): boolean {
    if (!this.#payloadReaped || this.#cgroup?.isPopulated()) return false;
    const looks = this.#cgroup === null ? cleanLooks : 1;
    for (let look = 0; look < looks; look += 1) if (this.#members().length > 0) return false;
    return true;
  }

  limitsReached(): RunLimitName[] {
    return this.#cgroup?.limitsReached() ?? [];
  }

  dispose(): void {
    this.#cgroup?.remove();
  }

  #search(): MemberSearch {
    return {
      marker: this.identity.marker,
      cgroup: this.#cgroup,
      known: this.#known,
      leader: this.#payload,
      notBeforeTicks: this.#payload.startTicks,
    };
  }

  #members(): ProcessFact[] {
    const members = findMembers(this.#search());
    this.#remember(members);
    return members;
  }

  /** Stores the present members, so that a member that later leaves parent, session and environment is still known. */
  #remember(members: readonly ProcessFact[]): void {
    this.#known = [this.#payload, ...members];
  }
}

/** For systems without `/proc`: uses the number of the process group, known from the start. */
class GroupOnlyBox implements Box {
  readonly identity: RunIdentity;
  readonly provedBy = "process-group";
  readonly #group: number;

  constructor(options: BoxOptions) {
    this.identity = identityOf(options, null);
    this.#group = options.launched.pid;
  }

  processes(): ContainedProcess[] {
    return this.isEmpty() ? [] : [{ pid: this.#group, startTicks: 0, name: "process group" }];
  }

  signalPayload(signal: NodeJS.Signals): SignalOutcome {
    return signalNumber(this.#group, signal);
  }

  killAll(pass: number): string[] {
    return signalNumber(-this.#group, "SIGKILL") === "sent" && pass === 0 ? ["KILL"] : [];
  }

  /** The exit of the leader is not the end of the group: only "no such group" is. */
  isEmpty(): boolean {
    return signalNumber(-this.#group, 0) === "gone";
  }

  limitsReached(): RunLimitName[] {
    return [];
  }

  dispose(): void {
    // Nothing was taken.
  }
}

function signalNumber(pid: number, signal: NodeJS.Signals | 0): SignalOutcome {
  try {
    process.kill(pid, signal);
    return "sent";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH" ? "gone" : "refused";
  }
}
