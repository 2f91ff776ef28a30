/**
 * What the writes of one transaction have in common. Every change of a job changes counts and the turns of tenants, so these
 * are gathered in memory while the transaction works and written once, before its commit. All is forgotten when a transaction
 * begins and when it is rolled back, so that one that failed or runs again leaves nothing.
 */
import type { TransactionPart, WriteSql } from "../commit-batch.ts";
import type { Sql } from "../sql.ts";
import { type ClaimedJobs, createClaimedJobs } from "./claimed-jobs.ts";
import { type CountedKind, addToCount, addToReadySince, readCount } from "./counts.ts";
import { type LaneFronts, createLaneFronts } from "./lane-fronts.ts";

export interface JobSql extends WriteSql {
  readonly claimed: ClaimedJobs;
  readonly fronts: LaneFronts;
  count(kind: CountedKind, difference: number): void;
  /** Counts a job that becomes ready (1) or is no longer (-1); `runAt` is when it became due. */
  countReady(runAt: number, difference: 1 | -1): void;
  /** How many jobs there are of a kind just now. */
  countOf(kind: CountedKind): number;
  /** Whether any id is an alias. */
  hasAliases(): boolean;
  addAlias(alias: string, job: number): void;
  /** Whether this claim looks at what is in its way; every few do, and the one after {@link lookAgain}. */
  looksAtCrowd(): boolean;
  lookAgain(): void;
  /** When the tenant last had a job claimed; 0: never. */
  servedAt(tenant: string): number;
  markServed(tenant: string, at: number): void;
}

export interface JobTransactions extends TransactionPart {
  /** What writes of the transaction in progress work with. */
  sqlFor(sql: WriteSql): JobSql;
}

/** Claims of which one looks at what is in the way. */
const claimsPerLook = 16;

export function createJobTransactions(): JobTransactions {
  const counts = new Map<CountedKind, number>();
  const ready = new Map<number, number>();
  const served = new Map<string, number>();
  /** What is stored, as far as it was asked for in this transaction. */
  const storedCounts = new Map<CountedKind, number>();
  let hasAliases: boolean | undefined;
  /** Claims since one looked at what was in its way. Only a matter of pace: it is not taken back with a transaction. */
  let claimsSinceLook = claimsPerLook;
  const forget = (): void => {
    for (const map of [counts, ready, served, storedCounts]) map.clear();
    hasAliases = undefined;
  };
  const save = (sql: Sql): void => {
    for (const [kind, difference] of counts) addToCount(sql, kind, difference);
    for (const [runAt, difference] of ready) addToReadySince(sql, runAt, difference);
    for (const [tenant, at] of served) sql.run("INSERT OR REPLACE INTO tenants VALUES (?, ?)", tenant, at);
    forget();
  };
  const storedCount = (sql: Sql, kind: CountedKind): number => {
    const known = storedCounts.get(kind) ?? readCount(sql, kind);
    storedCounts.set(kind, known);
    return known;
  };
  const claimed = createClaimedJobs();
  const fronts = createLaneFronts();
  /** There is one for each connection. */
  const jobSqls = new WeakMap<WriteSql, JobSql>();
  const createJobSql = (sql: WriteSql): JobSql => ({
    ...sql,
    claimed: claimedAfterCommit(claimed, sql),
    // A hint, looked up before it is believed: of use also to the transaction that gives it.
    fronts,
    count: (kind, difference) => add(counts, kind, difference),
    countReady: (runAt, difference) => {
      add(counts, "ready", difference);
      add(ready, runAt, difference);
    },
    countOf: (kind) => storedCount(sql, kind) + (counts.get(kind) ?? 0),
    hasAliases: () =>
      (hasAliases ??= sql.values("SELECT 1 FROM aliases WHERE alias >= '' LIMIT 1") !== undefined),
    addAlias: (alias, job) => {
      sql.run("INSERT INTO aliases (alias, job) VALUES (?, ?)", alias, job);
      hasAliases = true;
    },
    looksAtCrowd: () => {
      const isDue = claimsSinceLook >= claimsPerLook;
      claimsSinceLook = isDue ? 1 : claimsSinceLook + 1;
      return isDue;
    },
    lookAgain: () => {
      claimsSinceLook = claimsPerLook;
    },
    servedAt: (tenant) => served.get(tenant) ?? storedServedAt(sql, tenant),
    markServed: (tenant, at) => served.set(tenant, at),
  });
  return {
    forget,
    beforeCommit: save,
    sqlFor(sql) {
      const known = jobSqls.get(sql) ?? createJobSql(sql);
      jobSqls.set(sql, known);
      return known;
    },
  };
}

/** What a transaction that is rolled back would have remembered was never so; forgetting too much is safe at any time. */
function claimedAfterCommit(claimed: ClaimedJobs, sql: WriteSql): ClaimedJobs {
  return {
    find: (id) => claimed.find(id),
    remember: (stored) => {
      claimed.forget(stored.row.id);
      sql.afterCommit(() => claimed.remember(stored));
    },
    forget: (id) => {
      claimed.forget(id);
      sql.afterCommit(() => claimed.forget(id));
    },
  };
}

function add<K>(counts: Map<K, number>, key: K, difference: number): void {
  counts.set(key, (counts.get(key) ?? 0) + difference);
}

function storedServedAt(sql: Sql, tenant: string): number {
  return Number(sql.get("SELECT served_at FROM tenants WHERE tenant = ?", tenant)?.served_at ?? 0);
}
