/** Claim groups: jobs of one tenant, worker, model and priority class, which a claim takes or excludes together. */
import { assert, type Job, type Priority } from "@agentcore/contract";
import type { ClaimFilter } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";

export interface ClaimGroup {
  readonly number: number;
  /** `''`: none. */
  readonly tenant: string;
  readonly worker: string;
  /** `''`: none. */
  readonly model: string;
  readonly class: Priority["class"];
}

/** Number of the job's group; adds the group if it is new. */
export function groupOf(sql: Sql, { task, context, priority }: Job): number {
  const names = [context.tenant ?? "", task.worker, task.model ?? "", priority.class];
  const known = sql.values(
    "SELECT number FROM claim_groups WHERE tenant = ? AND worker = ? AND model = ? AND class = ?",
    ...names,
  );
  if (known !== undefined) return Number(known[0]);
  const number = sql.insert(
    `INSERT INTO claim_groups (tenant, worker, model, class, due, served_at)
     VALUES (?, ?, ?, ?, 0, coalesce((SELECT max(served_at) FROM claim_groups WHERE tenant = ?), 0))`,
    ...names,
    names[0]!,
  );
  assert(number !== undefined, "a claim group was not added");
  return number;
}

export function isExcluded(group: ClaimGroup, { workers, models, tenants, classes }: ClaimFilter): boolean {
  return (
    workers.includes(group.worker) ||
    tenants.includes(group.tenant) ||
    classes.includes(group.class) ||
    models.some(({ worker, model }) => worker === group.worker && (model ?? "") === group.model)
  );
}
