/** Hosts that take nothing more from the queue: the same in every store. */
import type { OwnerProcess, OwnerRecord } from "./job-store.ts";

/** The process with that request; null if it is no host. */
export function withDraining(record: OwnerRecord | undefined, isDraining: boolean): OwnerProcess | null {
  const process = record?.process ?? null;
  if (process?.hosting === undefined) return null;
  return { ...process, hosting: { ...process.hosting, isDraining } };
}

export function isDraining(process: OwnerProcess | null): boolean {
  return process?.hosting?.isDraining === true;
}
