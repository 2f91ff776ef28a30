/** Identifies this process as an owner of holds, and checks whether another owner is alive. Reads `/proc` if it exists. */
import { errorCode, ignore, isDead, pidNamespaceOf, readBootId, readProcess } from "@agentcore/contract";
import type { LedgerOwner } from "./ledger/ledger.ts";

/** Identifies a process to others on its machine. Values that the system does not report are null. */
export interface ProcessName extends LedgerOwner {
  /** The namespace of its pid, as `pid:[4026531836]`; undefined in records of earlier versions. */
  readonly pidNamespace?: string | null | undefined;
}

/**
 * `alive`: the very process exists, by its pid, its start time and the boot; a stopped one (SIGSTOP) is alive too. `gone`: it has
 * ended. `unknown`: this system, or a pid namespace in between, hides it.
 */
export type ProcessState = "alive" | "gone" | "unknown";

/** This process as the owner of its holds and of its jobs. On a system without `/proc`, its pid alone. */
export function processOwner(): LedgerOwner & { readonly pidNamespace: string | null } {
  return {
    pid: process.pid,
    startTicks: readProcess(process.pid)?.startTicks ?? null,
    bootId: readBootId(),
    pidNamespace: pidNamespaceOf("self"),
  };
}

/**
 * What is known about a process of this machine. It is gone after another boot, if no such process exists, if it is dead and
 * waits to be reaped, or if another process got its pid later. If the system does not report start times, a process with that pid
 * may be it.
 */
export function processState(owner: ProcessName): ProcessState {
  try {
    return judged(owner);
  } catch (error) {
    ignore(error, "this process has no descriptor left, or the like: nothing is known");
    return "unknown";
  }
}

function judged(owner: ProcessName): ProcessState {
  const boot = readBootId();
  if (owner.bootId !== null && boot !== null && owner.bootId !== boot) return "gone";
  const isOtherNamespace =
    (owner.pidNamespace ?? null) !== null && owner.pidNamespace !== pidNamespaceOf("self");
  if (isOtherNamespace) return "unknown";
  const fact = readProcess(owner.pid);
  if (fact !== null && isDead(fact)) return "gone";
  if (fact !== null && owner.startTicks !== null) {
    if (fact.startTicks !== owner.startTicks) return "gone";
    return owner.bootId === null || boot === null ? "unknown" : "alive";
  }
  try {
    process.kill(owner.pid, 0);
    return "unknown";
  } catch (error) {
    return errorCode(error) === "ESRCH" ? "gone" : "unknown";
  }
}

/** Whether the owner of a hold is known to be gone. */
export function ownerIsDead(owner: ProcessName): boolean {
  return processState(owner) === "gone";
}
