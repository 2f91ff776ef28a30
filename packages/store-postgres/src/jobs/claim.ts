/**
 * Claims the next jobs: one statement reads the candidates, `turns.ts` chooses among them in the scheduler's order, and one
 * statement writes and reads the texts of the claimed jobs.
 */
import { assert } from "@agentcore/contract";
import {
  type ClaimRequest,
  type JobRecord,
  isDraining,
  isStandIn,
  jobOf,
  processOf,
  recordWith,
} from "@agentcore/scheduler";
import { fromColumn } from "../store/plain-text.ts";
import { Reading } from "../store/reading.ts";
import type { Sql } from "../store/sql.ts";
import { type ClaimRead, type ClaimRows, addClaim } from "./claim-read.ts";
import { endUnreadable } from "./damage.ts";
import { Draft } from "./draft.ts";
import { rowOf } from "./job-row.ts";
import { promoteDue } from "./promote.ts";
import { type ReadyJob, Turns } from "./turns.ts";
import { writeDraft } from "./write-draft.ts";

export interface Claimed {
  readonly claimed: readonly JobRecord[];
  /** When the next job becomes due that is not; null: there is none. */
  readonly nextRunAt: number | null;
}

export async function claim(sql: Sql, request: ClaimRequest): Promise<Claimed> {
  const claimed: JobRecord[] = [];
  for (;;) {
    const rest = { ...request, limit: request.limit - claimed.length };
    const rows = await readClaim(sql, rest);
    if (isStale(rows, rest)) {
      await promoteDue(sql, request.now);
      continue;
    }
    const draft = new Draft();
    const chosen = choose(rows, rest, draft);
    const texts = await writeDraft(sql, draft, { textsOf: numbersOf(chosen) });
    const { readable, unreadable } = recordsOf(chosen, draft, texts);
    claimed.push(...readable);
    if (unreadable.length === 0) return { claimed, nextRunAt: nextRunAtOf(rows) };
    await endUnreadable(sql, unreadable, request.now);
  }
}

async function readClaim(sql: Sql, request: ClaimRequest): Promise<ClaimRows> {
  const reading = new Reading<ClaimRead>();
  addClaim(reading, request);
  return reading.read(sql);
}

/** Whether jobs became due that were not when they were read: they take their places first. */
export function isStale({ facts }: ClaimRows, { limit }: ClaimRequest): boolean {
  return limit > 0 && facts[0]?.["is_known"] === true && facts[0]["became_due"] === true;
}

export function nextRunAtOf({ facts }: ClaimRows): number | null {
  return (facts[0]?.["next_run_at"] ?? null) as number | null;
}

/** Drafts the claims and returns what was chosen, in order. */
export function choose(
  { facts, named, ready, busy, tenants }: ClaimRows,
  request: ClaimRequest,
  draft: Draft,
): readonly ReadyJob[] {
  const { now, perKey, limit, owner } = request;
  if (facts[0]?.["is_known"] !== true) return [];
  const readyJobOf = (row: ClaimRows["ready"][number]): ReadyJob => ({
    row: {
      ...rowOf(row),
      started_json: null,
      reason_json: null,
      owner: "",
      claimed_at: 0,
      ended_at: 0,
      replayed_as: null,
    },
    tenant: String(row["tenant"]),
  });
  const turns = new Turns(
    {
      now,
      perKey,
      busy: new Map(busy.map(({ workspace, running }) => [fromColumn(String(workspace)), Number(running)])),
      tenants: new Map(
        tenants.map(({ tenant, served_at, running }) => [
          String(tenant),
          { servedAt: Number(served_at), running: Number(running) },
        ]),
      ),
    },
    ready.map(readyJobOf),
  );
  const chosen: ReadyJob[] = [];
  for (const job of named.map(readyJobOf))
    if (chosen.length < limit && turns.takeNamed(job)) chosen.push(job);
  const most = isDraining(processOf(facts[0]["process_json"])) ? chosen.length : limit;
  while (chosen.length < most) {
    const next = turns.takeNext();
    if (next === undefined) break;
    chosen.push(next);
  }
  for (const { row, tenant } of chosen) {
    draft.load({ row, record: recordWith(unread, { ...row, result_json: null }) });
    const record = draft.apply(row.number, { type: "claim", owner, at: now });
    assert(record !== undefined, `job ${row.id} is queued and cannot be claimed`);
    draft.served.set(tenant, now);
  }
  return chosen;
}

/** Stands for the job until its text was read. */
const unread = jobOf(null, { id: "unread", workspace: null });

export const numbersOf = (chosen: readonly ReadyJob[]): readonly number[] =>
  chosen.map(({ row }) => row.number);

/** The claimed jobs with their texts, and the numbers of those that cannot be read. */
export function recordsOf(
  chosen: readonly ReadyJob[],
  draft: Draft,
  texts: ReadonlyMap<number, string>,
): { readonly readable: readonly JobRecord[]; readonly unreadable: readonly number[] } {
  const readable: JobRecord[] = [];
  const unreadable: number[] = [];
  for (const { row } of chosen) {
    const job = jobOf(texts.get(row.number) ?? null, row);
    if (isStandIn(job)) unreadable.push(row.number);
    else readable.push({ ...draft.current(row.number)!.record, job });
  }
  return { readable, unreadable };
}
