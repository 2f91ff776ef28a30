/**
 * Decides the order of jobs. Priority is expressed in time: a job's rank is the time since which it waits, moved ahead by
 * its priority. All jobs age at the same rate, so ranks do not change while jobs wait, an index can keep them in order, and
 * no job starves: a later job is at most a fixed time ahead.
 */
import type { Job } from "@agentcore/contract";

export interface RankOptions {
  /** How far one point of priority value moves a job ahead. Default 1 s. */
  readonly valueMs?: number;
  /**
   * How far the class `interactive` moves a job ahead. Default 1 hour. All values together (2,000 points) move a job less, so an
   * interactive job goes before every batch job that has not waited at least 26 minutes longer.
   */
  readonly interactiveMs?: number;
}

/** Place of a job in line, in ms since the epoch; lower goes first. */
export type RankPolicy = (job: Job, readyFrom: number) => number;

export function createRankPolicy(options: RankOptions = {}): RankPolicy {
  const { valueMs = 1000, interactiveMs = 3_600_000 } = options;
  return (job, readyFrom) =>
    readyFrom - job.priority.value * valueMs - (job.priority.class === "interactive" ? interactiveMs : 0);
}

/** The first job in line of one tenant, to compare with those of the others. */
export interface Candidate {
  readonly id: string;
  readonly rank: number;
  readonly readyFrom: number;
  /** When a job of the tenant was last claimed; 0: never. */
  readonly tenantServedAt: number;
  readonly tenantRunning: number;
}

/**
 * Rank of a tenant's first job, with its wait counted from no earlier than the tenant's last claim: a tenant that was just served
 * moves back, by the time that its priority is worth. A `servedAt` in the future comes from a clock that was set back, and must
 * not exclude the tenant.
 */
export function turnOf(candidate: Candidate, now: number): number {
  const served = Math.min(candidate.tenantServedAt, now);
  return candidate.rank + Math.max(0, served - candidate.readyFrom);
}

/** Negative if `a` goes first. Total: no two jobs are equal. */
export function compareCandidates(a: Candidate, b: Candidate, now: number): number {
  return (
    turnOf(a, now) - turnOf(b, now) ||
    a.tenantRunning - b.tenantRunning ||
    a.rank - b.rank ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}
