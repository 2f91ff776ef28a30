/**
 * A box with a PID namespace around the payload (`bubblewrap`, `unshare`). The kernel kills every process in the namespace
 * when its init dies, and init disappears only when all are dead. So "init is gone" is the proof, and no process inside can
 * leave. The run's cgroup, if any, counts processes, is a second way to kill, and a second proof.
 */
import {
  isAlive,
  isDead,
  pidNamespaceOf,
  readBootId,
  readProcess,
  type ProcessFact,
  type RunIdentity,
} from "@agentcore/contract";
import type { Box } from "./box.ts";
import type { RunCgroup } from "./cgroup.ts";
import type { Launched } from "./launch.ts";
import type { ContainedProcess, ImplementationName } from "./port.ts";
import { childrenOf, descendantsOf, innermostPid, signalProcess, type SignalOutcome } from "./proc.ts";
import type { RunLimitName } from "./run-limits.ts";

/**
 * From this pass on, after about a second, the namespace has had its time, and everything else that can kill is used too. Not
 * earlier: an init whose wrapper is killed becomes a child of PID 1, which in a container may be this process, and nobody
 * reaps it there.
 */
const secondNetFromPass = 45;

export interface BoxOptions {
  readonly implementation: ImplementationName;
  readonly marker: string;
  readonly launched: Launched;
  readonly cgroup: RunCgroup | null;
  readonly termTo?: "process" | "group" | undefined;
}

/**
 * Returns the box of a launched wrapper that waits for `go`, or null if the wrapper's namespace cannot be found, which
 * means that it has died.
 */
export function pidNamespaceBox(options: BoxOptions): Box | null {
  const pid = initBelow(options.launched.pid);
  const init = pid === null ? null : readProcess(pid);
  return init === null ? null : new PidNamespaceBox(options, init);
}

/** Pid of the namespace's init, which is the only child of the wrapper; null if it has died. */
export function initBelow(wrapperPid: number): number | null {
  return childrenOf(wrapperPid)[0] ?? null;
}

class PidNamespaceBox implements Box {
  readonly identity: RunIdentity;
  readonly provedBy: string;
  readonly #launched: Launched;
  readonly #cgroup: RunCgroup | null;
  readonly #init: ProcessFact;
  readonly #termTo: BoxOptions["termTo"];
  readonly #sent = new Set<string>();
  #wrapperEnded = false;

  constructor(options: BoxOptions, init: ProcessFact) {
    this.#launched = options.launched;
    this.#cgroup = options.cgroup;
    this.#init = init;
    this.#termTo = options.termTo;
    this.provedBy = this.#cgroup === null ? "pid-namespace" : "cgroup";
    this.identity = {
      marker: options.marker,
      implementation: options.implementation,
      hostPid: init.pid,
      hostPidStartTicks: init.startTicks,
      pidNamespace: pidNamespaceOf(init.pid),
      cgroupPath: options.cgroup?.directory ?? null,
      bootId: readBootId(),
    };
    void options.launched.ended.then(() => {
      this.#wrapperEnded = true;
    });
  }

  processes(): ContainedProcess[] {
    const found = new Map<number, ProcessFact>();
    if (isAlive(this.#init)) for (const fact of descendantsOf(this.#init.pid)) found.set(fact.pid, fact);
    for (const pid of this.#cgroup?.pids() ?? []) {
      const fact = readProcess(pid);
      if (fact !== null && !isDead(fact)) found.set(pid, fact);
    }
    found.delete(this.#init.pid);
    return [...found.values()].map(({ pid, startTicks, name }) => ({ pid, startTicks, name }));
  }

  signalPayload(signal: NodeJS.Signals): SignalOutcome {
    if (!isAlive(this.#init)) return "gone";
    for (const pid of childrenOf(this.#init.pid)) {
      const fact = readProcess(pid);
      if (fact?.ppid === this.#init.pid && innermostPid(pid) === this.#launched.payloadInnermostPid) {
        return signalProcess(fact, signal, this.#termTo);
      }
    }
    return "gone";
  }

  killAll(pass: number): string[] {
    const sent: string[] = [];
    if (signalProcess(this.#init, "SIGKILL") === "sent") sent.push("KILL");
    if (pass >= secondNetFromPass) {
      if (!this.#wrapperEnded) this.#launched.killOutermost();
      if (this.#cgroup?.isPopulated() && this.#cgroup.kill()) sent.push("cgroup.kill");
    }
    const fresh = sent.filter((name) => !this.#sent.has(name));
    for (const name of fresh) this.#sent.add(name);
    return fresh;
  }

  isEmpty(): boolean {
    if (!this.#wrapperEnded || isAlive(this.#init)) return false;
    // Not identified by the namespace's number, which the kernel reuses at once.
    return this.#cgroup === null || !this.#cgroup.isPopulated();
  }

  limitsReached(): RunLimitName[] {
    return this.#cgroup?.limitsReached() ?? [];
  }

  dispose(): void {
    this.#cgroup?.remove();
  }
}
