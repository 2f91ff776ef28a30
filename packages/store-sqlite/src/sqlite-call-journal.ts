/**
 * The `CallJournal` of `@agentcore/core` on `state.db`. Each start and each end is one write of the database's group commit, so
 * calls of many attempts share a sync. The calls of a job are deleted with it.
 */
import type { ProviderCall } from "@agentcore/contract";
import {
  type CallJournal,
  attemptCallsOf,
  callColumns,
  callOf,
  callsOfJobMax,
  knownCall,
  valuesOfCall,
} from "@agentcore/core";
import type { Sql } from "./sql.ts";
import type { StateDatabase } from "./state-database.ts";

export function createSqliteCallJournal(database: StateDatabase): CallJournal {
  return {
    begin: async (call) => {
      const values = valuesOfCall(call);
      await database.write(
        (sql) => {
          if (sql.run(insert, ...values) === 0) throw knownCall(call);
          return true;
        },
        (sql) => storedOutcome(sql, call) !== undefined || undefined,
      );
    },
    end: async (call) => {
      const values = valuesOfCall(call);
      await database.write(
        (sql) => sql.run(replace, ...values) > 0,
        (sql) => storedOutcome(sql, call) === call.outcome || undefined,
      );
    },
    calls: (permitId) =>
      database.read((sql) =>
        sql.all("SELECT * FROM provider_calls WHERE permit_id = ? ORDER BY number", permitId).map(callOf),
      ),
    callsOfJob: (jobId, limit = callsOfJobMax) =>
      database.read((sql) => sql.all(latestOfJob, jobId, limit).toReversed().map(callOf)),
    attemptsOfJob: (jobId) => database.read((sql) => sql.all(attemptsOfJob, jobId).map(attemptCallsOf)),
  };
}

const insert = `INSERT INTO provider_calls (${callColumns.join(", ")})
  VALUES (${callColumns.map(() => "?").join(", ")}) ON CONFLICT (permit_id, id) DO NOTHING`;
const replace = insert.replace(
  "DO NOTHING",
  `DO UPDATE SET ${callColumns.map((column) => `${column} = excluded.${column}`).join(", ")}`,
);
const latestOfJob = "SELECT * FROM provider_calls WHERE job_id = ? ORDER BY number DESC LIMIT (? + 0)";

const attemptsOfJob = `
  SELECT attempt, count(*) AS calls, sum(outcome = 'open') AS open_calls,
    sum(CASE outcome WHEN 'open' THEN 0 ELSE cost END) AS cost,
    sum(CASE outcome WHEN 'open' THEN 0 ELSE tokens END) AS tokens,
    sum(CASE outcome WHEN 'open' THEN cost ELSE 0 END) AS held,
    max(outcome <> 'open' AND estimated) AS estimated
  FROM provider_calls WHERE job_id = ? GROUP BY attempt ORDER BY attempt`;

function storedOutcome(sql: Sql, { permitId, id }: ProviderCall): unknown {
  return sql.get("SELECT outcome FROM provider_calls WHERE permit_id = ? AND id = ?", permitId, id)?.outcome;
}
