/** Owners, their beats, and takeovers. */
import { AgentCoreError } from "@agentcore/contract";
import type {
  JobRecord,
  OwnerProcess,
  OwnerRecord,
  OwnerRegistration,
  TakeOverRequest,
} from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { type JobRow, recordOf, recordsOf, selectRunning } from "./job-row.ts";
import type { JobSql } from "./job-sql.ts";
import { applyEvent } from "./job-writes.ts";

const selectOwned = `${selectRunning} WHERE r.owner = ? ORDER BY r.claimed_at, j.id`;

export function registerOwner(sql: Sql, { owner, process, leaseMs, at }: OwnerRegistration): void {
  const inserted = sql.run(
    "INSERT INTO owners (owner, process_json, lease_ms, at, beat) VALUES (?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
    owner,
    JSON.stringify(process),
    leaseMs,
    at,
  );
  if (inserted === 1) return;
  throw new AgentCoreError("AC_INTERNAL", `owner ${owner} is registered already; an owner id is used once`);
}

export function heartbeat(sql: Sql, owner: string): "ok" | "fenced" {
  return sql.run("UPDATE owners SET beat = beat + 1 WHERE owner = ?", owner) === 1 ? "ok" : "fenced";
}

export function allOwners(sql: Sql): readonly OwnerRecord[] {
  return sql.all("SELECT * FROM owners ORDER BY at, owner").map((row) => ({
    owner: String(row.owner),
    process: JSON.parse(String(row.process_json)) as OwnerProcess | null,
    leaseMs: Number(row.lease_ms),
    at: Number(row.at),
    beat: Number(row.beat),
  }));
}

export function takeOver(sql: JobSql, { from, to, beat }: TakeOverRequest): readonly JobRecord[] {
  if (from === to || sql.get("SELECT 1 AS known FROM owners WHERE owner = ?", to) === undefined) return [];
  if (sql.run("DELETE FROM owners WHERE owner = ? AND beat = ?", from, beat) === 0) return [];
  return sql.all(selectOwned, from).flatMap((found) => {
    const row = found as unknown as JobRow;
    return applyEvent(sql, { row, record: recordOf(row) }, { type: "take_over", owner: to }) ?? [];
  });
}

export function runningOf(sql: Sql, owner: string): readonly JobRecord[] {
  return recordsOf(sql.all(selectOwned, owner));
}

export function removeOwner(sql: Sql, owner: string): boolean {
  if (sql.get("SELECT 1 AS running FROM running WHERE owner = ? LIMIT 1", owner) !== undefined) {
    sql.run("UPDATE owners SET process_json = 'null' WHERE owner = ?", owner);
    return false;
  }
  sql.run("DELETE FROM owners WHERE owner = ?", owner);
  return true;
}
