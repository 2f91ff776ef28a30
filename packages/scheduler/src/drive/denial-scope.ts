/**
 * Finds the scope of a denied permit. The runtime decides one request at a time; from the denial's code and evidence, the
 * scheduler learns which other requests would be denied too. If they do not say, the denial applies to the one job only: an
 * extra request is cheap, but a missing one could delay a job that may run.
 */
import type { Denial } from "@agentcore/contract";
import type { JobRecord } from "../job-record.ts";

export type DenialScope =
  | { readonly kind: "global" }
  | { readonly kind: "worker"; readonly worker: string }
  | { readonly kind: "model"; readonly worker: string; readonly model: string | null }
  | { readonly kind: "tenant"; readonly tenant: string }
  | { readonly kind: "class"; readonly class: "interactive" | "batch" }
  | { readonly kind: "concurrency_key"; readonly concurrencyKey: string }
  | { readonly kind: "job" };

/** If a budget is exhausted for longer than this, jobs that ask too much are parked one by one; others may fit. */
const budgetHeldMs = 10_000;

export function scopeOfDenial(
  denial: Denial & { readonly retryAfterMs: number },
  record: JobRecord,
): DenialScope {
  const { code, evidence, retryAfterMs } = denial;
  switch (code) {
    case "AC_GLOBAL_VALVE":
    case "AC_GLOBAL_STOP":
    case "AC_DRAINING":
    case "AC_RUNTIME_LOST":
    case "AC_RESTART_INTENSITY":
    // The state directory, or the ledger in it: no attempt can begin without it.
    case "AC_STORE_UNAVAILABLE":
      return { kind: "global" };
    case "AC_BACKPRESSURE":
      return { kind: "global" };
    case "AC_FAILURE_CONCENTRATION":
      return evidence["stage"] === "shed" ? { kind: "class", class: "batch" } : { kind: "job" };
    case "AC_WORKER_ISOLATED":
      return { kind: "worker", worker: record.job.task.worker };
    case "AC_WORKSPACE_LOCKED":
    case "AC_WORKSPACE_ISOLATED":
      return record.concurrencyKey === null
        ? { kind: "job" }
        : { kind: "concurrency_key", concurrencyKey: record.concurrencyKey };
    case "AC_BREAKER_OPEN":
    case "AC_BREAKER_PROBING":
    case "AC_PROVIDER_PAUSED":
      return scopeOfTarget(evidence["target"], record);
    case "AC_CONCURRENCY":
    case "AC_START_RATE":
      return scopeOfTarget(evidence["scope"], record);
    case "AC_BUDGET_COST":
    case "AC_BUDGET_TOKENS":
      return retryAfterMs > budgetHeldMs ? { kind: "job" } : scopeOfTarget(evidence["scope"], record);
    default:
      return { kind: "job" };
  }
}

/** `target`: `global`, `tenant:NAME`, `worker:NAME`, `provider:NAME` or `provider:NAME/MODEL`, as the runtime names scopes. */
function scopeOfTarget(target: unknown, { job }: JobRecord): DenialScope {
  if (typeof target !== "string") return { kind: "job" };
  const { worker, model = null } = job.task;
  const kind = target.split(":", 1)[0];
  switch (kind) {
    case "global":
      return { kind: "global" };
    case "worker":
      return { kind: "worker", worker };
    case "provider":
      return target.includes("/") ? { kind: "model", worker, model } : { kind: "worker", worker };
    case "tenant":
      return job.context.tenant === undefined
        ? { kind: "job" }
        : { kind: "tenant", tenant: job.context.tenant };
    default:
      return { kind: "job" };
  }
}

export function scopeId(scope: DenialScope): string {
  return JSON.stringify(scope);
}

export function covers(scope: DenialScope, { job, concurrencyKey }: JobRecord): boolean {
  switch (scope.kind) {
    case "global":
      return true;
    case "worker":
      return job.task.worker === scope.worker;
    case "model":
      return job.task.worker === scope.worker && (job.task.model ?? null) === scope.model;
    case "tenant":
      return job.context.tenant === scope.tenant;
    case "class":
      return job.priority.class === scope.class;
    case "concurrency_key":
      return concurrencyKey === scope.concurrencyKey;
    case "job":
      return false;
  }
}
