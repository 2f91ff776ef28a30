/** Identifies this process as an owner of holds, and tells whether another owner is alive. Reads `/proc` where it exists. */
import { readFileSync, readlinkSync } from "node:fs";
import { ignore } from "@agentcore/contract";
import type { LedgerOwner } from "./ledger/ledger.ts";

/** A process as others on its machine recognize it. What a system does not tell is null. */
export interface ProcessName extends LedgerOwner {
  /** The namespace that its pid counts in, as `pid:[4026531836]`; undefined in records of earlier versions. */
  readonly pidNamespace?: string | null | undefined;
}

/**
 * `alive`: the very process is there, by its pid, its start time and the boot; a stopped one (SIGSTOP) is alive too. `gone`:
 * it has ended. `unknown`: this system, or a pid namespace in between, does not let one tell.
 */
export type ProcessState = "alive" | "gone" | "unknown";

/** This process as the owner of its holds and of its jobs. On a system without `/proc`, its pid alone. */
export function processOwner(): LedgerOwner & { readonly pidNamespace: string | null } {
  return {
    pid: process.pid,
    startTicks: ticksOf(statOf(process.pid)),
    bootId: bootId(),
    pidNamespace: pidNamespace(),
  };
}

/**
 * What is known of a process of this machine. It is gone after another boot, where there is no such process, one that is
 * dead and waits to be reaped (by an init that may take its time), or one that got the pid later. Where the system does not
 * tell start times, a process with that pid may be it.
 */
export function processState(owner: ProcessName): ProcessState {
  const boot = bootId();
  if (owner.bootId !== null && boot !== null && owner.bootId !== boot) return "gone";
  const isOtherNamespace = (owner.pidNamespace ?? null) !== null && owner.pidNamespace !== pidNamespace();
  if (isOtherNamespace) return "unknown";
  const fields = statOf(owner.pid);
  if (fields?.[0] === "Z" || fields?.[0] === "X") return "gone";
  const startTicks = ticksOf(fields);
  if (startTicks !== null && owner.startTicks !== null) {
    if (startTicks !== owner.startTicks) return "gone";
    return owner.bootId === null || boot === null ? "unknown" : "alive";
  }
  try {
    process.kill(owner.pid, 0);
    return "unknown";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH" ? "gone" : "unknown";
  }
}

/** Whether the owner of a hold is known to be gone. */
export function ownerIsDead(owner: ProcessName): boolean {
  return processState(owner) === "gone";
}

function bootId(): string | null {
  return readProc("/proc/sys/kernel/random/boot_id")?.trim() ?? null;
}

/** The fields of `/proc/<pid>/stat` after the command's name, which may hold anything: the first is the state. */
function statOf(pid: number): string[] | null {
  const stat = readProc(`/proc/${pid}/stat`);
  return stat === null ? null : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Start time in clock ticks since boot: field 22 of all. */
function ticksOf(fields: readonly string[] | null): number | null {
  const ticks = Number(fields?.[19]);
  return Number.isNaN(ticks) ? null : ticks;
}

function pidNamespace(): string | null {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch (error) {
    ignore(error, "a system without pid namespaces: pids count everywhere");
    return null;
  }
}

function readProc(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    ignore(error, "no such process, or a system without /proc: not known");
    return null;
  }
}
