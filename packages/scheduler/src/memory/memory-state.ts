/** The whole state of the memory store. Jobs change only through the transition function. */
import { AgentCoreError } from "@agentcore/contract";
import type { JobRecord } from "../job-record.ts";
import type { NewDecision } from "../decision.ts";
import type { OwnerRecord } from "../job-store.ts";
import { transition, type JobEvent } from "../job-transition.ts";
import { isUnfinished, JobTable } from "./job-table.ts";
import { Journal } from "./journal.ts";

export class MemoryState {
  readonly jobs = new JobTable();
  readonly journal = new Journal();
  readonly owners = new Map<string, OwnerRecord>();
  /** Key → id of the job that holds it. The job may have ended since; then the key is free. */
  readonly keys = new Map<string, string>();
  readonly aliases = new Map<string, string>();
  readonly #aliasesOf = new Map<string, string[]>();
  readonly #listeners = new Set<(by: string | null) => void>();
  #notified = 0;
  closed = false;
  /** Rises with every end of a job. */
  endMark = 0;
  readonly #endMarks = new Map<string, number>();

  assertOpen(): void {
    if (this.closed) {
      throw new AgentCoreError("AC_STORE_UNAVAILABLE", "the memory store is closed; create another one");
    }
  }

  find(jobId: string): JobRecord | undefined {
    return this.jobs.get(jobId) ?? this.jobs.get(this.aliases.get(jobId) ?? "");
  }

  /** The record after the event, or undefined if the event was stale. */
  apply(jobId: string, event: JobEvent): JobRecord | undefined {
    const before = this.jobs.get(jobId);
    const next = before === undefined ? undefined : transition(before, event);
    if (next === undefined || !next.applied) return undefined;
    this.jobs.put(next.record);
    this.journal.apply(jobId, next.effects);
    if (!isUnfinished(next.record)) this.freeKey(next.record);
    if (isUnfinished(before) && !isUnfinished(next.record)) {
      this.endMark += 1;
      this.#endMarks.set(jobId, this.endMark);
    }
    return next.record;
  }

  endMarkOf({ job }: JobRecord): number {
    return this.#endMarks.get(job.id) ?? 0;
  }

  freeKey(record: JobRecord): void {
    const { key, id } = record.job;
    if (key !== undefined && this.keys.get(key) === id) this.keys.delete(key);
  }

  holderOf(key: string | undefined): JobRecord | undefined {
    return key === undefined ? undefined : this.jobs.get(this.keys.get(key) ?? "");
  }

  addAlias(alias: string, jobId: string): void {
    if (alias === jobId) return;
    this.aliases.set(alias, jobId);
    this.#aliasesOf.set(jobId, [...(this.#aliasesOf.get(jobId) ?? []), alias]);
  }

  addDecisions(decisions: readonly NewDecision[] = []): void {
    for (const decision of decisions) {
      if (this.jobs.get(decision.jobId) !== undefined) this.journal.addDecision(decision);
    }
  }

  /** Deletes matching jobs, at most `limit`, with all that belongs to them. Returns their ids. */
  dropAll(matches: (record: JobRecord) => boolean, limit: number): string[] {
    const dropped: string[] = [];
    for (const record of this.jobs.all()) {
      if (dropped.length >= limit) break;
      if (!matches(record)) continue;
      this.drop(record.job.id);
      dropped.push(record.job.id);
    }
    return dropped;
  }

  drop(jobId: string): void {
    this.jobs.drop(jobId);
    this.journal.drop(jobId);
    this.#endMarks.delete(jobId);
    for (const alias of this.#aliasesOf.get(jobId) ?? []) this.aliases.delete(alias);
    this.#aliasesOf.delete(jobId);
  }

  subscribe(listener: (by: string | null) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls the listeners if a job changed since the last call. `by`: see `JobStore.onChange`; undefined: calls none. */
  notify(by: string | null | undefined): void {
    if (this.jobs.changes === this.#notified) return;
    this.#notified = this.jobs.changes;
    if (by === undefined) return;
    for (const listener of this.#listeners) listener(by);
  }
}
