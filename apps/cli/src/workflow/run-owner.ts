/** The process that works on a run, as the journal's header names it. */
import { ownerIsDead, type processOwner } from "@agentcore/core";
import type { JournalHeader, JournalValue } from "@agentcore/scheduler";
import { hostname } from "node:os";

type Owner = { readonly host: string } & ReturnType<typeof processOwner>;

/** Null if there is none, it is known to be gone, or it is on another machine and cannot be checked. */
export function liveOwner(owner: JournalValue): Owner | null {
  const known = owner as unknown as Owner | null;
  return known === null || known.host !== hostname() || ownerIsDead(known) ? null : known;
}

/** `RUNNING` while a process works on it, `INTERRUPTED` if it can be resumed, otherwise how it ended. */
export function runStateOf({ outcome = null, owner = null }: JournalHeader): string {
  if (typeof outcome === "string") return outcome;
  return liveOwner(owner) === null ? "INTERRUPTED" : "RUNNING";
}
