/** Reads all that a claim decides on in one statement. It costs a few index seeks per group with ready jobs and per running job. */
import { type AttemptRef, type ClaimRequest, clockSetBackMsMin } from "@agentcore/scheduler";
import { isDueInWorkspace, isWaiting } from "../schema/schema-queue.ts";
import { toColumn } from "../store/plain-text.ts";
import type { Reading, Rows } from "../store/reading.ts";
import { notExcluded } from "./claim-groups.ts";

export const claimReads = ["facts", "named", "ready", "busy", "tenants"] as const;
export type ClaimRead = (typeof claimReads)[number];

/** All but the texts. */
const jobColumns = `j.number, j.id, j.state, j.claim_group, j.workspace, j.key, j.piece_of, j.submitted_at, j.ready_from, j.rank,
  j.run_at, j.delay_ms, j.attempt, j.epoch, j.cost_usd, j.tokens, j.end_number`;

/**
 * `ending`: running attempts whose ends are part of the same call, so that their jobs no longer run.
 *
 * | query     | rows                                                                                       |
 * | --------- | ------------------------------------------------------------------------------------------ |
 * | `facts`   | one: whether the owner is known, its process, whether jobs became due, when the next does  |
 * | `named`   | the jobs of `only` or `pieces` that may run                                                |
 * | `ready`   | the first jobs of each group that may run, and those behind them that may run beside them  |
 * | `busy`    | how many jobs run of each workspace                                                        |
 * | `tenants` | when each tenant with ready jobs was last served, and how many of its jobs run             |
 */
export function addClaim(
  reading: Reading<ClaimRead>,
  request: ClaimRequest,
  ending: readonly AttemptRef[] = [],
): void {
  const now = reading.value(request.now, "double precision");
  addRunning(reading, ending);
  addTaken(reading, request);
  reading.add(
    "facts",
    facts(now, reading.value(request.owner, "text"), reading.value(clockSetBackMsMin, "double precision")),
  );
  reading.add(
    "busy",
    "SELECT workspace, count(*) AS running FROM running WHERE workspace IS NOT NULL GROUP BY workspace",
  );
  addNamed(reading, request, now);
  if (request.only === undefined) addReady(reading, request);
}

function addRunning(reading: Reading<ClaimRead>, ending: readonly AttemptRef[]): void {
  const isNotEnding =
    ending.length === 0
      ? "TRUE"
      : `(id, attempt, epoch) NOT IN (SELECT * FROM unnest(
          ${reading.value(
            ending.map(({ jobId }) => toColumn(jobId)),
            "text[]",
          )},
          ${reading.value(
            ending.map(({ attempt }) => attempt),
            "bigint[]",
          )},
          ${reading.value(
            ending.map(({ epoch }) => epoch),
            "bigint[]",
          )}))`;
  reading.common(
    `running AS MATERIALIZED (
       SELECT number, id, workspace, key, claim_group FROM jobs WHERE state = 'running' AND ${isNotEnding})`,
  );
}

/** Workspaces of which no job may be taken. */
function addTaken(reading: Reading<ClaimRead>, { exclude, perKey }: ClaimRequest): void {
  const excluded = reading.value(
    exclude.concurrencyKeys.map((key) => toColumn(key)),
    "text[]",
  );
  reading.common(
    `taken (workspace) AS MATERIALIZED (
       SELECT workspace FROM running WHERE workspace IS NOT NULL
       GROUP BY workspace HAVING count(*) >= ${reading.value(perKey, "bigint")}
       UNION SELECT * FROM unnest(${excluded}))`,
  );
}

/** A job that became due is still where those are that wait for their moment. */
const becameDue = (now: string, setBack: string): string => `
  EXISTS (SELECT 1 FROM jobs WHERE ${isWaiting} AND state = 'moment' AND run_at <= ${now})
  OR EXISTS (SELECT 1 FROM jobs WHERE state = 'moment' AND delay_ms IS NOT NULL AND run_at - delay_ms > ${now} + ${setBack})`;

const facts = (now: string, owner: string, setBack: string): string => `
  SELECT EXISTS (SELECT 1 FROM owners WHERE owner = ${owner}) AS is_known,
    (SELECT process_json FROM owners WHERE owner = ${owner}) AS process_json,
    (${becameDue(now, setBack)}) AS became_due,
    (SELECT min(run_at) FROM (${["moment", "piece"]
      .map(
        (state) => `(SELECT run_at FROM jobs WHERE ${isWaiting} AND state = '${state}' AND run_at > ${now}
          AND (delay_ms IS NULL OR run_at - delay_ms <= ${now} + ${setBack}) ORDER BY run_at LIMIT 1)`,
      )
      .join(" UNION ALL ")}) m) AS next_run_at`;

/** Jobs by id, under the same rules as any other job; a piece is due by its moment. */
function addNamed(reading: Reading<ClaimRead>, request: ClaimRequest, now: string): void {
  const ids = request.only ?? request.pieces ?? [];
  if (ids.length === 0) return;
  const setBack = reading.value(clockSetBackMsMin, "double precision");
  const asked = reading.value(
    ids.map((id) => toColumn(id)),
    "text[]",
  );
  reading.add(
    "named",
    `SELECT ${jobColumns}, g.tenant
     FROM unnest(${asked}) WITH ORDINALITY AS asked (id, place) JOIN jobs j ON j.id = asked.id
     JOIN claim_groups g ON g.number = j.claim_group
     WHERE (j.state IN ('ready', 'behind') OR (j.state = 'piece' AND
         (j.run_at <= ${now} OR (j.delay_ms IS NOT NULL AND j.run_at - j.delay_ms > ${now} + ${setBack}))))
       AND NOT EXISTS (SELECT 1 FROM running r WHERE r.key = j.key AND r.number <> j.number)
       AND ${notExcluded(reading, request.exclude)} AND ${mayRun("j")}
     ORDER BY asked.place`,
  );
}

/** A condition on a job: its workspace is neither excluded nor taken. */
const mayRun = (job: string): string =>
  `(${job}.workspace IS NULL OR ${job}.workspace NOT IN (SELECT workspace FROM taken))`;

/** No more than `limit` of each group can be claimed, whichever of the others are. */
function addReady(reading: Reading<ClaimRead>, request: ClaimRequest): void {
  const limit = reading.value(request.limit, "bigint");
  // Groups that have ready jobs, found by skipping in the index from one to the next.
  reading.common(
    `present (number) AS (
       SELECT (SELECT claim_group FROM jobs WHERE state = 'ready' ORDER BY claim_group LIMIT 1)
       UNION ALL
       SELECT (SELECT claim_group FROM jobs WHERE state = 'ready' AND claim_group > p.number ORDER BY claim_group LIMIT 1)
       FROM present p WHERE p.number IS NOT NULL)`,
  );
  reading.common(
    `open AS MATERIALIZED (
       SELECT g.* FROM present p JOIN claim_groups g ON g.number = p.number WHERE ${notExcluded(reading, request.exclude)})`,
  );
  const first = `SELECT ${jobColumns}, g.tenant FROM open g CROSS JOIN LATERAL (
      SELECT * FROM jobs f WHERE state = 'ready' AND claim_group = g.number AND ${mayRun("f")}
      ORDER BY rank, number LIMIT ${limit}) j`;
  reading.add(
    "ready",
    request.perKey === 1 ? first : `${first} UNION ALL ${behind(reading, request, first)}`,
  );
  reading.add(
    "tenants",
    `SELECT o.tenant, coalesce(t.served_at, 0) AS served_at, coalesce(n.running, 0) AS running
     FROM (SELECT DISTINCT tenant FROM open) o LEFT JOIN tenants t ON t.tenant = o.tenant
     LEFT JOIN (
       SELECT g.tenant, count(*) AS running FROM running r JOIN claim_groups g ON g.number = r.claim_group
       GROUP BY g.tenant) n ON n.tenant = o.tenant`,
  );
}

/** The jobs behind the first of a workspace that may run beside it. */
const behind = (reading: Reading<ClaimRead>, { perKey }: ClaimRequest, first: string): string => `
  SELECT ${jobColumns}, h.tenant FROM (${first}) h CROSS JOIN LATERAL (
    SELECT * FROM jobs WHERE ${isDueInWorkspace} AND workspace = h.workspace AND claim_group = h.claim_group
    ORDER BY rank, number OFFSET 1 LIMIT ${reading.value(perKey, "bigint")}) j
  WHERE h.workspace IS NOT NULL`;

export type ClaimRows = Readonly<Record<ClaimRead, Rows>>;
