/** Claim groups: jobs of one tenant, worker, model and priority class, which a claim takes or excludes together. */
import type { Job } from "@agentcore/contract";
import type { ClaimFilter } from "@agentcore/scheduler";
import { toColumn } from "../store/plain-text.ts";
import type { Reading, Rows } from "../store/reading.ts";
import type { Sql } from "../store/sql.ts";

/** `''`: none. */
type Names = readonly [tenant: string, worker: string, model: string, priorityClass: string];

const nameColumns = "tenant, worker, model, class";
const namesType = "tenant text, worker text, model text, class text";

function namesOf({ task, context, priority }: Job): Names {
  return [toColumn(context.tenant ?? ""), toColumn(task.worker), toColumn(task.model ?? ""), priority.class];
}

const idOf = (names: Names): string => JSON.stringify(names);

/** Adds the query `name` for the groups of jobs. */
export function addGroups<Name extends string>(
  reading: Reading<Name>,
  name: Name,
  jobs: readonly Job[],
): void {
  const names = [...new Map(jobs.map(namesOf).map((one) => [idOf(one), one])).values()];
  const wanted = reading.value(JSON.stringify(names.map(rowOfNames)), "json");
  reading.add(
    name,
    `SELECT number, ${nameColumns} FROM claim_groups NATURAL JOIN json_to_recordset(${wanted}) AS c(${namesType})`,
  );
}

const rowOfNames = ([tenant, worker, model, priorityClass]: Names) => ({
  tenant,
  worker,
  model,
  class: priorityClass,
});

/** Number of each job's group. `known`: those that `addGroups` found; the others are added. */
export async function groupsOf(sql: Sql, jobs: readonly Job[], known: Rows): Promise<(job: Job) => number> {
  const numbers = new Map<string, number>();
  const note = (rows: Rows): void => {
    for (const row of rows) {
      const { number, tenant, worker, model, class: priorityClass } = row as Record<string, string>;
      numbers.set(idOf([tenant!, worker!, model!, priorityClass!]), Number(number));
    }
  };
  note(known);
  const missing = new Map(
    jobs
      .map(namesOf)
      .filter((names) => !numbers.has(idOf(names)))
      .map((names) => [idOf(names), names]),
  );
  if (missing.size > 0) {
    note(
      await sql.all(
        `INSERT INTO claim_groups (${nameColumns}) SELECT ${nameColumns} FROM json_to_recordset($1::json) AS c(${namesType})
         RETURNING number, ${nameColumns}`,
        JSON.stringify([...missing.values()].map(rowOfNames)),
      ),
    );
  }
  return (job) => numbers.get(idOf(namesOf(job)))!;
}

/** A condition on `g`, a row of `claim_groups`: the filter does not exclude it. */
export function notExcluded(
  reading: Reading<string>,
  { workers, models, tenants, classes }: ClaimFilter,
): string {
  const columns = (texts: readonly string[]): string[] => texts.map((text) => toColumn(text));
  const conditions = [
    workers.length > 0 && `g.worker <> ALL (${reading.value(columns(workers), "text[]")})`,
    tenants.length > 0 && `g.tenant <> ALL (${reading.value(columns(tenants), "text[]")})`,
    classes.length > 0 && `g.class <> ALL (${reading.value(classes, "text[]")})`,
    models.length > 0 &&
      `(g.worker, g.model) NOT IN (SELECT * FROM unnest(${reading.value(columns(models.map(({ worker }) => worker)), "text[]")},
        ${reading.value(columns(models.map(({ model }) => model ?? "")), "text[]")}))`,
  ];
  return conditions.filter((condition) => condition !== false).join(" AND ") || "TRUE";
}
