/** The process that works on a run, as the journal's header names it. */
import { ownerIsDead, type processOwner } from "@agentcore/core";
import type { JournalHeader, JournalValue } from "@agentcore/scheduler";
import { hostname } from "node:os";

type Owner = { readonly host: string } & ReturnType<typeof processOwner>;

/** Null where there is none, it is known to be gone, or it is on another machine, which cannot be asked. */
export function liveOwner(owner: JournalValue): Owner | null {
  const known = owner as unknown as Owner | null;
  return known === null || known.host !== hostname() || ownerIsDead(known) ? null : known;
}

/** `RUNNING` while a process works on it, `INTERRUPTED` where it can be resumed, else how it ended. */
export function runStateOf({ outcome = null, owner = null }: JournalHeader): string {
  if (typeof outcome === "string") return outcome;
  return liveOwner(owner) === null ? "INTERRUPTED" : "RUNNING";
}
