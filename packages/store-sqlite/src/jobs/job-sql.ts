/**
 * What the writes of one transaction have in common. Every change of a job changes counts and the turns of tenants, so these
 * are gathered in memory while the transaction works and written once, before its commit. A write adds to them only when it
 * is through, and they are forgotten when a transaction begins, so that one that is rolled back or run again leaves nothing.
 */
import type { TransactionPart } from "../commit-batch.ts";
import type { Sql } from "../sql.ts";
import { type ClaimedJobs, createClaimedJobs } from "./claimed-jobs.ts";
import { type CountedKind, addToCount, addToReadySince } from "./counts.ts";

export interface JobSql extends Sql {
  readonly claimed: ClaimedJobs;
  count(kind: CountedKind, difference: number): void;
  /** Counts a job that becomes ready (1) or is no longer (-1); `runAt` is when it became due. */
  countReady(runAt: number, difference: 1 | -1): void;
  /** When the tenant last had a job claimed; 0: never. */
  servedAt(tenant: string): number;
  markServed(tenant: string, at: number): void;
}

export interface JobTransactions extends TransactionPart {
  /** Does `work` as a part of the transaction in progress. */
  run<T>(sql: Sql, work: (sql: JobSql) => T): T;
  /** Writes what was gathered so far; for a query in the middle of a transaction. */
  save(sql: Sql): void;
}

interface Gathered {
  readonly counts: Map<CountedKind, number>;
  readonly ready: Map<number, number>;
  readonly served: Map<string, number>;
}

export function createJobTransactions(): JobTransactions {
  const all = nothingGathered();
  const claimed = createClaimedJobs();
  const forget = (): void => {
    for (const map of Object.values(all)) map.clear();
  };
  const save = (sql: Sql): void => {
    for (const [kind, difference] of all.counts) addToCount(sql, kind, difference);
    for (const [runAt, difference] of all.ready) addToReadySince(sql, runAt, difference);
    for (const [tenant, at] of all.served)
      sql.run("INSERT OR REPLACE INTO tenants VALUES (?, ?)", tenant, at);
    forget();
  };
  return {
    begin: forget,
    beforeCommit: save,
    save,
    run(sql, work) {
      const { counts, ready, served } = nothingGathered();
      const answer = work({
        ...sql,
        claimed,
        count: (kind, difference) => add(counts, kind, difference),
        countReady: (runAt, difference) => {
          add(counts, "ready", difference);
          add(ready, runAt, difference);
        },
        servedAt: (tenant) => served.get(tenant) ?? all.served.get(tenant) ?? storedServedAt(sql, tenant),
        markServed: (tenant, at) => served.set(tenant, at),
      });
      for (const [kind, difference] of counts) add(all.counts, kind, difference);
      for (const [runAt, difference] of ready) add(all.ready, runAt, difference);
      for (const [tenant, at] of served) all.served.set(tenant, at);
      return answer;
    },
  };
}

function nothingGathered(): Gathered {
  return { counts: new Map(), ready: new Map(), served: new Map() };
}

function add<K>(counts: Map<K, number>, key: K, difference: number): void {
  counts.set(key, (counts.get(key) ?? 0) + difference);
}

function storedServedAt(sql: Sql, tenant: string): number {
  return Number(sql.get("SELECT served_at FROM tenants WHERE tenant = ?", tenant)?.served_at ?? 0);
}
