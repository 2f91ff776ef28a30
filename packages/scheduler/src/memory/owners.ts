/** Owners and takeovers in the memory store. */
import { withDraining } from "../hosting.ts";
import type { JobRecord } from "../job-record.ts";
import type { OwnerRegistration, TakeOverRequest } from "../job-store.ts";
import type { MemoryState } from "./memory-state.ts";

export function registerOwner(state: MemoryState, owner: OwnerRegistration): void {
  state.owners.set(owner.owner, { ...owner, beat: 0 });
}

export function heartbeat(state: MemoryState, owner: string): "ok" | "fenced" {
  const record = state.owners.get(owner);
  if (record === undefined) return "fenced";
  state.owners.set(owner, { ...record, beat: record.beat + 1 });
  return "ok";
}

export function setDraining(state: MemoryState, owner: string, isDraining: boolean): boolean {
  const record = state.owners.get(owner);
  const process = withDraining(record, isDraining);
  if (record === undefined || process === null) return false;
  state.owners.set(owner, { ...record, process });
  return true;
}

export function takeOver(state: MemoryState, { from, to, beat }: TakeOverRequest): JobRecord[] {
  if (state.owners.get(from)?.beat !== beat || !state.owners.has(to)) return [];
  state.owners.delete(from);
  return state.jobs
    .runningOf(from)
    .flatMap((job) => state.apply(job.job.id, { type: "take_over", owner: to }) ?? []);
}

export function forgetOwner(state: MemoryState, owner: string): boolean {
  const record = state.owners.get(owner);
  if (record !== undefined && state.jobs.runningOf(owner).length > 0) {
    state.owners.set(owner, { ...record, process: null });
    return false;
  }
  state.owners.delete(owner);
  return true;
}
