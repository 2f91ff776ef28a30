/**
 * Finds the scope of a denied permit: which other requests would be denied too. The gate says so in the evidence
 * (`appliesTo`). If it does not, the denial applies to the one job only: an extra request is cheap, but a missing one could
 * delay a job that may run.
 */
import type { Denial, ErrorCode } from "@agentcore/contract";
import type { JobRecord } from "./job-record.ts";
import { claimGroupOf, type ClaimGroup } from "./queue-waits.ts";

export type DenialScope =
  | { readonly kind: "global" }
  | { readonly kind: "worker"; readonly worker: string }
  | { readonly kind: "model"; readonly worker: string; readonly model: string | null }
  | { readonly kind: "tenant"; readonly tenant: string }
  | { readonly kind: "class"; readonly class: "interactive" | "batch" }
  | { readonly kind: "concurrency_key"; readonly concurrencyKey: string }
  | { readonly kind: "job" };

/** Denials that are about the runtime or its state directory. */
const runtimeCodes: ReadonlySet<ErrorCode> = new Set([
  "AC_BACKPRESSURE",
  "AC_DRAINING",
  "AC_GLOBAL_STOP",
  "AC_RESTART_INTENSITY",
  "AC_RUNTIME_LOST",
  "AC_LEASE_LOST",
  "AC_STORE_UNAVAILABLE",
]);

export function scopeOfDenial({ code, evidence }: Denial, { job, concurrencyKey }: JobRecord): DenialScope {
  if (runtimeCodes.has(code)) return { kind: "global" };
  const { appliesTo } = evidence;
  if (typeof appliesTo !== "string") return { kind: "job" };
  const { worker, model = null } = job.task;
  const { tenant } = job.context;
  switch (appliesTo.split(":", 1)[0]) {
    case "global":
      return { kind: "global" };
    case "worker":
      return { kind: "worker", worker };
    case "provider":
      return appliesTo.includes("/") ? { kind: "model", worker, model } : { kind: "worker", worker };
    case "tenant":
      return tenant === undefined ? { kind: "job" } : { kind: "tenant", tenant };
    case "class":
      return { kind: "class", class: job.priority.class };
    case "workspace":
      return concurrencyKey === null ? { kind: "job" } : { kind: "concurrency_key", concurrencyKey };
    default:
      return { kind: "job" };
  }
}

export function scopeId(scope: DenialScope): string {
  return JSON.stringify(scope);
}

export const covers = (scope: DenialScope, record: JobRecord): boolean =>
  coversGroup(scope, claimGroupOf(record), record.concurrencyKey);

export function coversGroup(scope: DenialScope, group: ClaimGroup, concurrencyKey: string | null): boolean {
  switch (scope.kind) {
    case "global":
      return true;
    case "worker":
      return group.worker === scope.worker;
    case "model":
      return group.worker === scope.worker && group.model === scope.model;
    case "tenant":
      return group.tenant === scope.tenant;
    case "class":
      return group.class === scope.class;
    case "concurrency_key":
      return concurrencyKey === scope.concurrencyKey;
    case "job":
      return false;
  }
}
