/** The process that works on a run, as the journal's header names it. */
import { AgentCoreError } from "@agentcore/contract";
import { ownerIsDead, processOwner } from "@agentcore/core";
import type { JournalHeader, JournalValue } from "@agentcore/scheduler";
import type { StoredRun } from "@agentcore/workflow";
import { hostname } from "node:os";
import { isRegisteredElsewhere } from "../state/registered-owners.ts";

type Owner = { readonly host: string } & ReturnType<typeof processOwner>;

/**
 * Runs that engines of this process work on, by id. Only this process knows that it no longer works on a run that names it: a run
 * that ends because the store takes no write cannot note that.
 */
const heldHere = new Set<string>();

/** The run is worked on here until the function that is returned is called. Throws `AC_WORKFLOW_TAKEN` if it is already. */
export function holdRun(id: string): () => void {
  if (heldHere.has(id)) throw takenBy(id, { pid: process.pid, host: hostname() });
  heldHere.add(id);
  return () => void heldHere.delete(id);
}

/** Null if nobody works on the run, or on the run that it is a part of. */
export function workerOf(id: string, { header, created }: StoredRun): Owner | null {
  const known = liveOwner(header["owner"] ?? null);
  return known === null || heldHere.has(created.root ?? id) || !isThisProcess(known) ? known : null;
}

export function takenBy(id: string, { pid, host }: Pick<Owner, "pid" | "host">): AgentCoreError {
  const where = host === hostname() ? "" : ` of ${host}`;
  return new AgentCoreError("AC_WORKFLOW_TAKEN", `process ${pid}${where} works on run ${id}`, {
    evidence: { run: id, pid, host },
  });
}

function isThisProcess({ pid, startTicks, bootId }: Owner): boolean {
  const own = processOwner();
  return own.pid === pid && own.startTicks === startTicks && own.bootId === bootId;
}

/**
 * Null if there is none, it is known to be gone, or it is on another machine and has no scheduler in a shared store that is open
 * here.
 */
export function liveOwner(owner: JournalValue): Owner | null {
  const known = owner as unknown as Owner | null;
  if (known === null) return null;
  const isAlive = known.host === hostname() ? !ownerIsDead(known) : isRegisteredElsewhere(known);
  return isAlive ? known : null;
}

/** `RUNNING` while a process works on it, `INTERRUPTED` if it can be resumed, otherwise how it ended. */
export function runStateOf({ outcome = null, owner = null }: JournalHeader): string {
  if (typeof outcome === "string") return outcome;
  return liveOwner(owner) === null ? "INTERRUPTED" : "RUNNING";
}
