/**
 * What the writes of one transaction have in common: the counts and the tenants served. Every job changes them, so they are
 * gathered in memory while the transaction works and written once, before its commit. A write adds to them only when it is
 * through, and they are forgotten when a transaction begins, so that one that is rolled back or run again leaves nothing.
 */
import type { TransactionPart } from "../commit-batch.ts";
import type { Sql } from "../sql.ts";
import { type CountedKind, addToCount } from "./counts.ts";

export interface JobSql extends Sql {
  count(kind: CountedKind, difference: number): void;
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

export function createJobTransactions(): JobTransactions {
  const counts = new Map<CountedKind, number>();
  const served = new Map<string, number>();
  const forget = (): void => {
    counts.clear();
    served.clear();
  };
  const save = (sql: Sql): void => {
    for (const [kind, difference] of counts) {
      if (difference !== 0) addToCount(sql, kind, difference);
    }
    for (const [tenant, at] of served) sql.run("INSERT OR REPLACE INTO tenants VALUES (?, ?)", tenant, at);
    forget();
  };
  return {
    begin: forget,
    beforeCommit: save,
    save,
    run(sql, work) {
      const newCounts = new Map<CountedKind, number>();
      const newServed = new Map<string, number>();
      const answer = work({
        ...sql,
        count: (kind, difference) => add(newCounts, kind, difference),
        servedAt: (tenant) => newServed.get(tenant) ?? served.get(tenant) ?? storedServedAt(sql, tenant),
        markServed: (tenant, at) => newServed.set(tenant, at),
      });
      for (const [kind, difference] of newCounts) add(counts, kind, difference);
      for (const [tenant, at] of newServed) served.set(tenant, at);
      return answer;
    },
  };
}

function add(counts: Map<CountedKind, number>, kind: CountedKind, difference: number): void {
  counts.set(kind, (counts.get(kind) ?? 0) + difference);
}

function storedServedAt(sql: Sql, tenant: string): number {
  return Number(sql.get("SELECT served_at FROM tenants WHERE tenant = ?", tenant)?.served_at ?? 0);
}
