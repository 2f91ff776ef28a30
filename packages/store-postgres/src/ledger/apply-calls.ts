/**
 * Calls of the ledger in one transaction, with as few statements for many as for one: lock the rows of the holds, lock those of
 * the counters, decide in memory, write.
 */
import { AgentCoreError } from "@agentcore/contract";
import {
  type HoldEntry,
  type HoldOutcome,
  type SettleOutcome,
  type Spent,
  amountsHeld,
  amountsSpent,
  decideSettlement,
  firstRefusal,
  knownHold,
  readHoldEntry,
} from "@agentcore/core";
import { fromColumn, toColumn } from "../store/plain-text.ts";
import type { Sql, SqlRow } from "../store/sql.ts";
import {
  type Counter,
  type CounterRows,
  countersOf,
  keyArrays,
  lockCounters,
  makeMissing,
} from "./counter-rows.ts";

export type LedgerCall =
  | { readonly kind: "hold"; readonly entry: HoldEntry }
  | { readonly kind: "charge"; readonly entry: HoldEntry; readonly spent: Spent }
  | { readonly kind: "settle"; readonly holdId: string; readonly spent: Spent };

/** An error concerns this call alone. */
export type LedgerAnswer = HoldOutcome | SettleOutcome | AgentCoreError | undefined;

interface Hold {
  /** Undefined: it cannot be read. */
  readonly entry: HoldEntry | undefined;
  /** Null: open. */
  settled: Pick<Spent, "costMicroUsd" | "tokens" | "basis"> | null;
  settledAt: number | null;
  readonly isNew: boolean;
  isChanged: boolean;
}

/** The answers in the order of the calls, of which each sees what those before it did. */
export async function applyCalls(sql: Sql, calls: readonly LedgerCall[]): Promise<readonly LedgerAnswer[]> {
  const entries = calls.flatMap((call) => (call.kind === "settle" ? [] : [call.entry]));
  const holds = await lockHolds(sql, calls.map(holdIdOf), entries);
  const counters = await lockCounters(sql, [
    ...entries,
    ...[...holds.values()].flatMap(({ entry }) => entry ?? []),
  ]);
  const answers = calls.map((call) => answerTo(call, holds, counters));
  const changed = [...holds].filter(([, { isNew, isChanged }]) => isNew || isChanged);
  if (changed.length > 0) await sql.run(write, ...valuesOf(changed, counters.booked()));
  return answers;
}

const holdIdOf = (call: LedgerCall): string => (call.kind === "settle" ? call.holdId : call.entry.holdId);

function answerTo(call: LedgerCall, holds: Map<string, Hold>, counters: CounterRows): LedgerAnswer {
  const holdId = holdIdOf(call);
  const known = holds.get(holdId);
  if (call.kind === "settle")
    return known === undefined ? "unknown" : settle(holdId, known, call.spent, counters);
  const { entry } = call;
  if (known !== undefined) return knownHold(holdId);
  if (call.kind === "charge") {
    counters.book(entry, amountsSpent(call.spent));
    holds.set(holdId, newHold(entry, call.spent));
    return undefined;
  }
  const refusal = firstRefusal(entry, counters.amountsOf);
  if (refusal !== null) return refusal;
  counters.book(entry, amountsHeld(entry));
  holds.set(holdId, newHold(entry, null));
  return { ok: true };
}

function settle(holdId: string, hold: Hold, spent: Spent, counters: CounterRows): LedgerAnswer {
  const { entry, settled } = hold;
  if (entry === undefined) return new AgentCoreError("AC_INTERNAL", `hold ${holdId} cannot be read`);
  const { outcome, add } = decideSettlement(entry, settled, spent);
  if (add === null) return outcome;
  counters.book(entry, add);
  Object.assign(hold, { settled: spent, settledAt: spent.settledAt, isChanged: true });
  return outcome;
}

function newHold(entry: HoldEntry, spent: Spent | null): Hold {
  return { entry, settled: spent, settledAt: spent?.settledAt ?? null, isNew: true, isChanged: false };
}

/** PostgreSQL locks the rows before it makes the counters: in this order for all hosts, so that no two wait for each other. */
const lockHoldsAndMakeCounters = `
  WITH made AS (${makeMissing})
  SELECT * FROM ledger_holds WHERE hold_id = ANY ($4) ORDER BY hold_id FOR UPDATE`;

async function lockHolds(
  sql: Sql,
  ids: readonly string[],
  entries: readonly HoldEntry[],
): Promise<Map<string, Hold>> {
  const rows = await sql.all(
    lockHoldsAndMakeCounters,
    ...countersOf(entries),
    ids.map((id) => toColumn(id)),
  );
  return new Map(rows.map((row) => [fromColumn(String(row["hold_id"])), holdOf(row)]));
}

function holdOf(row: SqlRow): Hold {
  const basis = row["spent_basis"] as Spent["basis"] | null;
  const amounts = { costMicroUsd: Number(row["spent_cost"]), tokens: Number(row["spent_tokens"]) };
  return {
    entry: readHoldEntry(row["entry_json"]),
    settled: basis === null ? null : { ...amounts, basis },
    settledAt: row["settled_at"] as number | null,
    isNew: false,
    isChanged: false,
  };
}

/** The table's checks refuse a negative held amount. */
const write = `
  WITH added AS (
    INSERT INTO ledger_holds (hold_id, job_id, entry_json, held_at, spent_cost, spent_tokens, spent_basis, settled_at)
    SELECT hold_id, job_id, entry_json, held_at, spent_cost, spent_tokens, spent_basis, settled_at
    FROM unnest($1::text[], $2::text[], $3::text[], $4::float8[], $5::int8[], $6::int8[], $7::text[], $8::float8[], $9::bool[])
      AS h (hold_id, job_id, entry_json, held_at, spent_cost, spent_tokens, spent_basis, settled_at, is_new)
    WHERE is_new),
  settled AS (
    UPDATE ledger_holds SET spent_cost = h.spent_cost, spent_tokens = h.spent_tokens, spent_basis = h.spent_basis,
      settled_at = h.settled_at
    FROM unnest($1::text[], $5::int8[], $6::int8[], $7::text[], $8::float8[], $9::bool[])
      AS h (hold_id, spent_cost, spent_tokens, spent_basis, settled_at, is_new)
    WHERE ledger_holds.hold_id = h.hold_id AND NOT h.is_new)
  UPDATE ledger_counters c SET cost_spent = k.cost_spent, cost_held = k.cost_held, tokens_spent = k.tokens_spent,
    tokens_held = k.tokens_held, created_at = coalesce(c.created_at, k.booked_at)
  FROM unnest($10::text[], $11::text[], $12::float8[], $13::int8[], $14::int8[], $15::int8[], $16::int8[], $17::float8[])
    AS k (scope, "window", window_start, cost_spent, cost_held, tokens_spent, tokens_held, booked_at)
  WHERE c.scope = k.scope AND c."window" = k."window" AND c.window_start = k.window_start`;

function valuesOf(holds: readonly (readonly [string, Hold])[], counters: readonly Counter[]) {
  const rows = holds.map(([, hold]) => hold);
  const amounts = counters.map((counter) => counter.amounts);
  return [
    holds.map(([id]) => toColumn(id)),
    rows.map(({ entry }) => toColumn(entry!.jobId)),
    rows.map(({ entry }) => JSON.stringify(entry)),
    rows.map(({ entry }) => entry!.heldAt),
    rows.map(({ settled }) => settled?.costMicroUsd ?? null),
    rows.map(({ settled }) => settled?.tokens ?? null),
    rows.map(({ settled }) => settled?.basis ?? null),
    rows.map(({ settledAt }) => settledAt),
    rows.map(({ isNew }) => isNew),
    ...keyArrays(counters.map(({ key }) => key)),
    amounts.map(({ costSpentMicroUsd }) => costSpentMicroUsd),
    amounts.map(({ costHeldMicroUsd }) => costHeldMicroUsd),
    amounts.map(({ tokensSpent }) => tokensSpent),
    amounts.map(({ tokensHeld }) => tokensHeld),
    counters.map(({ bookedAt }) => bookedAt),
  ] as const;
}
