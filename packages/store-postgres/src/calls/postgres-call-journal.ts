/**
 * The `CallJournal` of `@agentcore/core` on PostgreSQL. Each start and each end is one write of a lane of its own: a call waits for
 * no lock of the store, and calls of many attempts share a commit.
 */
import {
  type CallJournal,
  attemptCallsOf,
  callColumns,
  callOf,
  callsOfJobMax,
  knownCall,
  valuesOfCall,
} from "@agentcore/core";
import { fromColumns, toColumns } from "../store/plain-rows.ts";
import { toColumn } from "../store/plain-text.ts";
import type { PostgresStore } from "../store/postgres-store.ts";

export function createPostgresCallJournal(store: PostgresStore): CallJournal {
  const lane = store.lane("calls");
  return {
    begin: async (call) => {
      const values = toColumns(valuesOfCall(call));
      await lane.write(async (sql) => {
        if ((await sql.run(insert, ...values)) === 0) throw knownCall(call);
      });
    },
    end: async (call) => {
      const values = toColumns(valuesOfCall(call));
      await lane.write((sql) => sql.run(replace, ...values));
    },
    calls: (permitId) =>
      lane.read(async (sql) => {
        const ofPermit = "SELECT * FROM provider_calls WHERE permit_id = $1 ORDER BY number";
        return (await sql.all(ofPermit, toColumn(permitId))).map(fromColumns).map(callOf);
      }),
    callsOfJob: (jobId, limit = callsOfJobMax) =>
      lane.read(async (sql) => {
        const latest = "SELECT * FROM provider_calls WHERE job_id = $1 ORDER BY number DESC LIMIT $2";
        return (await sql.all(latest, toColumn(jobId), limit)).toReversed().map(fromColumns).map(callOf);
      }),
    attemptsOfJob: (jobId) =>
      lane.read(async (sql) => (await sql.all(attemptsOfJob, toColumn(jobId))).map(attemptCallsOf)),
  };
}

const insert = `INSERT INTO provider_calls (${callColumns.join(", ")})
  VALUES (${callColumns.map((_, index) => `$${index + 1}`).join(", ")}) ON CONFLICT (permit_id, id) DO NOTHING`;
const replace = insert.replace(
  "DO NOTHING",
  `DO UPDATE SET ${callColumns.map((column) => `${column} = excluded.${column}`).join(", ")}`,
);

const attemptsOfJob = `
  SELECT attempt, count(*) AS calls, count(*) FILTER (WHERE outcome = 'open') AS open_calls,
    coalesce(sum(cost) FILTER (WHERE outcome <> 'open'), 0) AS cost,
    coalesce(sum(tokens) FILTER (WHERE outcome <> 'open'), 0) AS tokens,
    coalesce(sum(cost) FILTER (WHERE outcome = 'open'), 0) AS held,
    max(CASE outcome WHEN 'open' THEN 0 ELSE estimated END) AS estimated
  FROM provider_calls WHERE job_id = $1 GROUP BY attempt ORDER BY attempt`;
