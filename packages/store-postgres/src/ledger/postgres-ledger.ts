/**
 * The {@link Ledger} of `@agentcore/core` on PostgreSQL, shared by all hosts. It does not take the lock of the store: money of
 * different counters moves at the same time. Calls of one host that arrive together are one transaction.
 *
 * Settled holds, and counters of windows that ended and of jobs, are deleted once they are older than `keepMs`; counters that
 * never end (`total` of anything but a job) and open holds are never deleted.
 */
import { isAgentCoreError } from "@agentcore/contract";
import {
  type HoldOutcome,
  type Ledger,
  type SettleOutcome,
  levelOf,
  levelsBelowMax,
  noAmounts,
  readHoldEntry,
} from "@agentcore/core";
import type { PostgresStore } from "../store/postgres-store.ts";
import type { Sql } from "../store/sql.ts";
import { type LedgerAnswer, type LedgerCall, applyCalls } from "./apply-calls.ts";
import { countersOfKeys, keyArrays, levelOfRow } from "./counter-rows.ts";

export interface PostgresLedgerOptions {
  /** How long settled holds and ended counters are kept after the hold was taken. Default 90 days. */
  readonly keepMs?: number;
}

const dayMs = 86_400_000;
/** Minimum time between two searches for old rows, and how many are deleted in one step. */
const cleanUpEveryMs = 3_600_000;
const cleanUpRowsMax = 1000;

interface Waiting {
  readonly call: LedgerCall;
  readonly resolve: (answer: LedgerAnswer) => void;
  readonly reject: (error: unknown) => void;
}

export function createPostgresLedger(
  store: PostgresStore,
  { keepMs = 90 * dayMs }: PostgresLedgerOptions = {},
): Ledger {
  const lane = store.lane("ledger");
  let waiting: Waiting[] = [];
  let cleanedUpAt = -Infinity;

  const commit = (take: () => readonly Waiting[]): Promise<readonly LedgerAnswer[]> =>
    lane.write(async (sql) => {
      const calls = take().map(({ call }) => call);
      const answers = await applyCalls(sql, calls);
      const now = Math.max(...calls.map(momentOf));
      if (Math.abs(now - cleanedUpAt) >= cleanUpEveryMs) {
        await deleteOld(sql, now - keepMs);
        sql.afterCommit(() => (cleanedUpAt = now));
      }
      return answers;
    });

  const settle = async (take: () => readonly Waiting[]): Promise<void> => {
    try {
      const answers = await commit(take);
      for (const [index, { resolve, reject }] of take().entries()) {
        const answer = answers[index];
        if (isAgentCoreError(answer)) reject(answer);
        else resolve(answer);
      }
    } catch (error) {
      const batch = take();
      // A statement that the database refuses concerns one of the calls.
      if (batch.length > 1 && isAgentCoreError(error) && error.code === "AC_INTERNAL") {
        for (const one of batch) await settle(() => [one]);
        return;
      }
      for (const { reject } of batch) reject(error);
    }
  };

  /** All calls that came until the transaction began are in it, and in it again if it has to begin again. */
  const answer = (call: LedgerCall): Promise<LedgerAnswer> =>
    new Promise((resolve, reject) => {
      waiting.push({ call, resolve, reject });
      if (waiting.length > 1) return;
      let batch: readonly Waiting[] | undefined;
      void settle(() => (batch ??= waiting.splice(0)));
    });

  return {
    hold: async (entry) => (await answer({ kind: "hold", entry })) as HoldOutcome,
    settle: async (holdId, spent) => (await answer({ kind: "settle", holdId, spent })) as SettleOutcome,
    charge: async (entry, spent) => void (await answer({ kind: "charge", entry, spent })),
    levels: (keys) =>
      lane.read(async (sql) => {
        const rows = await sql.all(`SELECT c.*, k.place FROM ${countersOfKeys}`, ...keyArrays(keys));
        const found = new Map(rows.map((row) => [Number(row["place"]), levelOfRow(row)]));
        return keys.map((key, index) => found.get(index + 1) ?? levelOf(key, noAmounts));
      }),
    levelsBelow: (prefix, windows) =>
      lane.read(async (sql) => {
        const names = windows.map(({ window }) => window);
        const starts = windows.map(({ windowStart }) => windowStart);
        return (await sql.all(below, prefix, names, starts, levelsBelowMax)).map(levelOfRow);
      }),
    openHolds: () =>
      lane.read(async (sql) => {
        const rows = await sql.all(
          "SELECT entry_json FROM ledger_holds WHERE settled_at IS NULL ORDER BY held_at, number",
        );
        return rows.flatMap((row) => readHoldEntry(row["entry_json"]) ?? []);
      }),
  };
}

const momentOf = (call: LedgerCall): number =>
  call.kind === "settle" ? call.spent.settledAt : call.entry.heldAt;

const below = `
  SELECT c.* FROM ledger_counters c
  JOIN unnest($2::text[], $3::float8[]) AS k ("window", window_start) USING ("window", window_start)
  WHERE c.scope >= $1 AND starts_with(c.scope, $1) AND c.created_at IS NOT NULL
  ORDER BY c.scope LIMIT $4`;

/** Rows that another transaction uses stay until the next time. */
async function deleteOld(sql: Sql, before: number): Promise<void> {
  await sql.run(
    `DELETE FROM ledger_holds WHERE hold_id IN (
       SELECT hold_id FROM ledger_holds WHERE settled_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`,
    before,
    cleanUpRowsMax,
  );
  await sql.run(
    `DELETE FROM ledger_counters WHERE (scope, "window", window_start) IN (
       SELECT scope, "window", window_start FROM ledger_counters
       WHERE (created_at < $1 OR created_at IS NULL) AND cost_held = 0 AND tokens_held = 0
         AND ("window" <> 'total' OR scope LIKE 'job:%') LIMIT $2 FOR UPDATE SKIP LOCKED)`,
    before,
    cleanUpRowsMax,
  );
}
