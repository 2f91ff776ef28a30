/** Who holds: this process, and whether another that held is gone. Read from `/proc` where there is one. */
import { readFileSync } from "node:fs";
import { ignore } from "@agentcore/contract";
import type { LedgerOwner } from "./ledger.ts";

/** This process as the owner of its holds. On a system without `/proc`, its pid alone. */
export function processOwner(): LedgerOwner {
  return { pid: process.pid, startTicks: ticksOf(statOf(process.pid)), bootId: bootId() };
}

/**
 * Whether the owner of a hold is gone: another boot, no such process, one that is dead and waits to be reaped (by an init
 * that may take its time), or a process that got its pid later. Where the system does not tell start times, a process with
 * that pid counts as the owner.
 */
export function ownerIsDead(owner: LedgerOwner): boolean {
  const boot = bootId();
  if (owner.bootId !== null && boot !== null && owner.bootId !== boot) return true;
  const fields = statOf(owner.pid);
  if (fields?.[0] === "Z" || fields?.[0] === "X") return true;
  const startTicks = ticksOf(fields);
  if (startTicks !== null && owner.startTicks !== null) return startTicks !== owner.startTicks;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
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

function readProc(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    ignore(error, "no such process, or a system without /proc: not known");
    return null;
  }
}
