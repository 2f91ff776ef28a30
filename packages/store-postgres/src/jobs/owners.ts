/** Owners, their beats, and takeovers. */
import {
  type JobRecord,
  type OwnerRecord,
  type OwnerRegistration,
  type TakeOverRequest,
  ownerIdTaken,
  ownerOf,
  withDraining,
} from "@agentcore/scheduler";
import type { Rows } from "../store/reading.ts";
import type { Sql } from "../store/sql.ts";
import { Draft } from "./draft.ts";
import { recordsOf, storedJobOf } from "./job-row.ts";
import { writeDraft } from "./write-draft.ts";

export async function registerOwner(
  sql: Sql,
  { owner, process, leaseMs, at }: OwnerRegistration,
): Promise<void> {
  const inserted = await sql.run(
    "INSERT INTO owners (owner, process_json, lease_ms, at, beat) VALUES ($1, $2, $3, $4, 0) ON CONFLICT DO NOTHING",
    owner,
    JSON.stringify(process),
    leaseMs,
    at,
  );
  if (inserted === 1) return;
  throw ownerIdTaken(owner);
}

export async function heartbeat(sql: Sql, owner: string): Promise<"ok" | "fenced"> {
  const raised = await sql.run("UPDATE owners SET beat = beat + 1 WHERE owner = $1", owner);
  return raised === 1 ? "ok" : "fenced";
}

export async function allOwners(sql: Sql): Promise<readonly OwnerRecord[]> {
  return (await sql.all('SELECT * FROM owners ORDER BY at, owner COLLATE "C"')).map(ownerOf);
}

export async function setDraining(sql: Sql, owner: string, isDraining: boolean): Promise<boolean> {
  const [row] = await sql.all("SELECT * FROM owners WHERE owner = $1", owner);
  const process = withDraining(row && ownerOf(row), isDraining);
  if (process === null) return false;
  const text = JSON.stringify(process);
  return (await sql.run("UPDATE owners SET process_json = $2 WHERE owner = $1", owner, text)) === 1;
}

export async function takeOver(sql: Sql, { from, to, beat }: TakeOverRequest): Promise<readonly JobRecord[]> {
  if (from === to) return [];
  // The beat does not rise meanwhile: a heartbeat either comes before the DELETE or finds no owner.
  const removed = await sql.run(
    "DELETE FROM owners WHERE owner = $1 AND beat = $2 AND EXISTS (SELECT 1 FROM owners WHERE owner = $3)",
    from,
    beat,
    to,
  );
  if (removed === 0) return [];
  const draft = new Draft();
  const moved = (await ownedRows(sql, from)).flatMap((row) => {
    const stored = storedJobOf(row);
    draft.load(stored);
    return draft.apply(stored.row.number, { type: "take_over", owner: to }) ?? [];
  });
  await writeDraft(sql, draft);
  return moved;
}

export async function runningOf(sql: Sql, owner: string): Promise<readonly JobRecord[]> {
  return recordsOf(await ownedRows(sql, owner));
}

export async function cancelRequests(sql: Sql, owner: string): Promise<readonly JobRecord[]> {
  return recordsOf(await ownedRows(sql, owner, "AND reason_json IS NOT NULL"));
}

/** Oldest claim first. */
function ownedRows(sql: Sql, owner: string, condition = ""): Promise<Rows> {
  return sql.all(
    `SELECT * FROM job_rows WHERE state = 'running' AND owner = $1 ${condition} ORDER BY claimed_at, id`,
    owner,
  );
}

export async function removeOwner(sql: Sql, owner: string): Promise<boolean> {
  const running = await sql.get("SELECT 1 FROM jobs WHERE state = 'running' AND owner = $1 LIMIT 1", owner);
  if (running !== undefined) {
    // Others need not wait for its lease.
    await sql.run("UPDATE owners SET process_json = 'null' WHERE owner = $1", owner);
    return false;
  }
  await sql.run("DELETE FROM owners WHERE owner = $1", owner);
  return true;
}
