/** Owners, their beats, and takeovers. */
import {
  type JobRecord,
  type OwnerRecord,
  type OwnerRegistration,
  type TakeOverRequest,
  ownerIdTaken,
  ownerOf,
  recordOf,
  withDraining,
} from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { isolate, readableRows, runningNumbersOf, unlessDamaged } from "./damage.ts";
import { type JobRow, recordsOf } from "./job-row.ts";
import { applyEvent } from "./job-writes.ts";

const selectOwners = "SELECT owner, process_json, lease_ms, at, beat + 0.0 AS beat FROM owners";

export function registerOwner(sql: Sql, { owner, process, leaseMs, at }: OwnerRegistration): void {
  const inserted = sql.run(
    "INSERT INTO owners (owner, process_json, lease_ms, at, beat) VALUES (?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
    owner,
    JSON.stringify(process),
    leaseMs,
    at,
  );
  if (inserted === 1) return;
  throw ownerIdTaken(owner);
}

export function heartbeat(sql: Sql, owner: string): "ok" | "fenced" {
  return sql.run("UPDATE owners SET beat = beat + 1 WHERE owner = ?", owner) === 1 ? "ok" : "fenced";
}

export function allOwners(sql: Sql): readonly OwnerRecord[] {
  return sql.all(`${selectOwners} ORDER BY at, owner`).map(ownerOf);
}

export function findOwner(sql: Sql, owner: string): OwnerRecord | undefined {
  const row = sql.get(`${selectOwners} WHERE owner = ?`, owner);
  return row && ownerOf(row);
}

export function setDraining(sql: Sql, owner: string, isDraining: boolean): boolean {
  const process = withDraining(findOwner(sql, owner), isDraining);
  if (process === null) return false;
  sql.run("UPDATE owners SET process_json = ? WHERE owner = ?", JSON.stringify(process), owner);
  return true;
}

export function takeOver(sql: Sql, { from, to, beat, at }: TakeOverRequest): readonly JobRecord[] {
  if (from === to || sql.get("SELECT 1 AS known FROM owners WHERE owner = ?", to) === undefined) return [];
  if (sql.run("DELETE FROM owners WHERE owner = ? AND beat = ?", from, beat) === 0) return [];
  const moved = ownedRows(sql, from).flatMap((row) => {
    const stored = { row, record: recordOf(row) };
    return unlessDamaged(() => applyEvent(sql, stored, { type: "take_over", owner: to })) ?? [];
  });
  // The remaining jobs have no owner, and would keep their workspaces locked.
  for (const number of runningNumbersOf(sql, from)) isolate(sql, number, at);
  return moved;
}

export function runningOf(sql: Sql, owner: string): readonly JobRecord[] {
  return recordsOf(ownedRows(sql, owner));
}

export function cancelRequests(sql: Sql, owner: string): readonly JobRecord[] {
  return recordsOf(ownedRows(sql, owner).filter((row) => row.reason_json !== null));
}

/** Oldest claim first. Reads all running jobs. */
function ownedRows(sql: Sql, owner: string): readonly JobRow[] {
  const select = "SELECT * FROM job_rows WHERE state = 'running' AND owner = ?";
  return readableRows(
    () => sql.all(`${select} ORDER BY claimed_at, id`, owner) as readonly unknown[] as readonly JobRow[],
    () => runningNumbersOf(sql, owner),
    (number) => sql.all(`${select} AND number = ?`, owner, number) as readonly unknown[] as readonly JobRow[],
  );
}

export function removeOwner(sql: Sql, owner: string): boolean {
  if (sql.values("SELECT 1 FROM jobs WHERE state = 'running' AND owner = ? LIMIT 1", owner) !== undefined) {
    // Others need not wait for its lease.
    sql.run("UPDATE owners SET process_json = 'null' WHERE owner = ?", owner);
    return false;
  }
  sql.run("DELETE FROM owners WHERE owner = ?", owner);
  return true;
}
