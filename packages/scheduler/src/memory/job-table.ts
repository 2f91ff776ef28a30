/**
 * The jobs of the memory store and all their indexes. Only `put` and `drop` change a record, and they keep all indexes in
 * step; the store decides what to write. A record object is never modified, only replaced.
 */
import type { JobRecord, JobState } from "../job-record.ts";
import { isDue, isTerminal, reasonOfState } from "../job-record.ts";
import type { ClaimRequest, QueueStats } from "../job-store.ts";
import {
  claimGroupOf,
  waitsMax,
  type QueueWaits,
  type WaitingLine,
  type WaitsRequest,
} from "../queue-waits.ts";
import { compareCandidates, type Candidate } from "../claim-order.ts";
import { runOfPiece } from "../piece.ts";
import { IndexedHeap } from "./indexed-heap.ts";
import { excludes, ReadyQueue, tenantOf, type Eligibility } from "./ready-queue.ts";

const byRunAt = (a: JobRecord, b: JobRecord): number => runAtOf(a.state) - runAtOf(b.state);

export class JobTable {
  readonly #jobs = new Map<string, JobRecord>();
  /** Jobs are numbered in the order of their submits. */
  readonly #numbers = new Map<string, number>();
  #nextNumber = 0;
  readonly #ready = new ReadyQueue(({ job }) => this.#numbers.get(job.id)!);
  /** Those in `#ready` and those held by their key. */
  readonly #due = new Set<JobRecord>();
  readonly #delayed = new IndexedHeap<JobRecord>(byRunAt);
  /** Pieces of workflow runs that are due, and those that are not: among the delayed as well. */
  readonly #readyPieces = new Set<JobRecord>();
  readonly #delayedPieces = new Set<JobRecord>();
  /** Delayed jobs with a relative wait, not until an absolute moment; the latest decision first. */
  readonly #waiting = new IndexedHeap<JobRecord>((a, b) => waitsFrom(b.state) - waitsFrom(a.state));
  /** Queued jobs whose idempotency key is still used by the running job that they replaced. */
  readonly #heldByKey = new Map<string, JobRecord>();
  readonly #runningByOwner = new Map<string, Map<string, JobRecord>>();
  readonly #runningByConcurrencyKey = new Map<string, number>();
  readonly #runningByKey = new Map<string, number>();
  readonly #runningByTenant = new Map<string, number>();
  readonly #servedAt = new Map<string, number>();
  readonly #counts = { queued: 0, running: 0, succeeded: 0, dead: 0, cancelled: 0 };
  #replayed = 0;
  /** Rises with every change of a job. */
  changes = 0;

  get(id: string): JobRecord | undefined {
    return this.#jobs.get(id);
  }

  all(): Iterable<JobRecord> {
    return this.#jobs.values();
  }

  runningOf(owner: string): JobRecord[] {
    return [...(this.#runningByOwner.get(owner)?.values() ?? [])];
  }

  put(record: JobRecord): void {
    this.#remove(record.job.id);
    this.changes += 1;
    this.#jobs.set(record.job.id, record);
    if (!this.#numbers.has(record.job.id)) this.#numbers.set(record.job.id, this.#nextNumber++);
    this.#index(record);
    this.#releaseHeld(record.job.key);
  }

  drop(id: string): void {
    const key = this.#jobs.get(id)?.job.key;
    this.#remove(id);
    this.#numbers.delete(id);
    this.#releaseHeld(key);
  }

  #remove(id: string): void {
    const record = this.#jobs.get(id);
    if (record === undefined) return;
    this.changes += 1;
    this.#jobs.delete(id);
    this.#unindex(record);
  }

  /** The next job in claim order, or undefined. Call `put` with its running record before the next call. */
  nextToClaim(request: ClaimRequest): JobRecord | undefined {
    this.#promote(request.now);
    if (request.only !== undefined) return this.#firstOfOnly(request.only, request);
    const piece = this.#firstOfOnly(request.pieces ?? [], request);
    if (piece !== undefined) return piece;
    const eligibility: Eligibility = {
      exclude: request.exclude,
      perKey: request.perKey,
      runningWithKey: (key) => this.#runningByConcurrencyKey.get(key) ?? 0,
    };
    let best: { readonly record: JobRecord; readonly candidate: Candidate } | undefined;
    for (const tenant of this.#ready.tenants(request)) {
      if (request.exclude.tenants.includes(tenant)) continue;
      const record = this.#ready.head(tenant, eligibility);
      if (record === undefined) continue;
      const candidate = this.#candidate(record);
      if (best === undefined || compareCandidates(candidate, best.candidate, request.now) < 0) {
        best = { record, candidate };
      }
    }
    return best?.record;
  }

  #firstOfOnly(only: readonly string[], { exclude, perKey }: ClaimRequest): JobRecord | undefined {
    return only
      .map((id) => this.#jobs.get(id))
      .find((record) => {
        if (record === undefined) return false;
        if (!this.#due.has(record) && !this.#readyPieces.has(record)) return false;
        const { concurrencyKey, job } = record;
        if (job.key !== undefined && (this.#runningByKey.get(job.key) ?? 0) > 0) return false;
        const running =
          concurrencyKey === null ? 0 : (this.#runningByConcurrencyKey.get(concurrencyKey) ?? 0);
        return running < perKey && !excludes(exclude, record);
      });
  }

  markServed(record: JobRecord, now: number): void {
    this.#servedAt.set(tenantOf(record), now);
  }

  nextRunAt(now: number): number | null {
    this.#promote(now);
    const next = this.#delayed.peek();
    return next === undefined ? null : runAtOf(next.state);
  }

  ahead(record: JobRecord, limit: number): string[] {
    return this.#ready.ahead(record, limit);
  }

  stats(now: number): QueueStats {
    this.#promote(now);
    const waiting = [...this.#ready.firsts(), ...this.#heldByKey.values()];
    const oldest = waiting.reduce((first, { state }) => Math.min(first, runAtOf(state)), now);
    return {
      ready: this.#counts.queued - this.#delayed.size - this.#readyPieces.size,
      delayed: this.#delayed.size - this.#delayedPieces.size,
      running: this.#counts.running,
      succeeded: this.#counts.succeeded,
      dead: this.#counts.dead - this.#replayed,
      cancelled: this.#counts.cancelled,
      oldestWaitMs: now - oldest,
    };
  }

  waits({ now, keys }: WaitsRequest): QueueWaits {
    this.#promote(now);
    const held = new Set(this.#heldByKey.values());
    const due = [...this.#due].filter((record) => !held.has(record));
    const others = [...this.#jobs.values()].filter(
      (record) => record.state.kind === "queued" && (held.has(record) || !this.#due.has(record)),
    );
    return {
      lines: linesOf(due),
      ofKeys: keys.flatMap((concurrencyKey) =>
        linesOf(due.filter((record) => record.concurrencyKey === concurrencyKey)).map((line) => ({
          ...line,
          concurrencyKey,
        })),
      ),
      others: others.slice(0, waitsMax).map((record) => ({
        ...claimGroupOf(record),
        jobId: record.job.id,
        kind: isPiece(record) ? "piece" : held.has(record) ? "key" : "delayed",
        concurrencyKey: record.concurrencyKey,
        runAt: runAtOf(record.state),
        readyFrom: record.readyFrom,
        waitingFor: reasonOfState(record.state),
      })),
      othersInAll: others.length,
    };
  }

  #candidate(record: JobRecord): Candidate {
    const tenant = tenantOf(record);
    return {
      id: record.job.id,
      rank: record.rank,
      readyFrom: record.readyFrom,
      tenantServedAt: this.#servedAt.get(tenant) ?? 0,
      tenantRunning: this.#runningByTenant.get(tenant) ?? 0,
    };
  }

  /** Moves delayed jobs that are due to the ready ones; see `isDue`. */
  #promote(now: number): void {
    for (;;) {
      const next = [this.#delayed.peek(), this.#waiting.peek()].find((record) => dueAt(record?.state, now));
      if (next === undefined) return;
      this.#removeDelayed(next);
      this.#addReady(next);
    }
  }

  #addDelayed(record: JobRecord): void {
    this.#delayed.push(record);
    if (isPiece(record)) this.#delayedPieces.add(record);
    if (waitsFrom(record.state) > -Infinity) this.#waiting.push(record);
  }

  #removeDelayed(record: JobRecord): void {
    this.#delayed.remove(record);
    this.#delayedPieces.delete(record);
    this.#waiting.remove(record);
  }

  #addReady(record: JobRecord): void {
    const { key } = record.job;
    if (isPiece(record)) {
      this.#readyPieces.add(record);
      return;
    }
    this.#due.add(record);
    if (key !== undefined && (this.#runningByKey.get(key) ?? 0) > 0) this.#heldByKey.set(key, record);
    else this.#ready.add(record);
  }

  #index(record: JobRecord): void {
    const { state, job } = record;
    this.#counts[state.kind] += 1;
    if (state.kind === "dead" && state.replayedAs !== null) this.#replayed += 1;
    if (state.kind === "queued") {
      // A job that may run at once is ready, even if the clock is set back later; see `isDue`.
      if (state.delayMs === 0) this.#addReady(record);
      else this.#addDelayed(record);
    }
    if (state.kind !== "running") return;
    const owned = this.#runningByOwner.get(state.owner) ?? new Map<string, JobRecord>();
    this.#runningByOwner.set(state.owner, owned.set(job.id, record));
    add(this.#runningByTenant, tenantOf(record), 1);
    if (record.concurrencyKey !== null) add(this.#runningByConcurrencyKey, record.concurrencyKey, 1);
    if (job.key !== undefined) add(this.#runningByKey, job.key, 1);
  }

  #unindex(record: JobRecord): void {
    const { state, job } = record;
    this.#counts[state.kind] -= 1;
    if (state.kind === "dead" && state.replayedAs !== null) this.#replayed -= 1;
    if (state.kind === "queued") {
      this.#removeDelayed(record);
      this.#due.delete(record);
      this.#readyPieces.delete(record);
      this.#ready.remove(record);
      if (job.key !== undefined && this.#heldByKey.get(job.key) === record) this.#heldByKey.delete(job.key);
    }
    if (state.kind !== "running") return;
    const owned = this.#runningByOwner.get(state.owner);
    owned?.delete(job.id);
    if (owned?.size === 0) this.#runningByOwner.delete(state.owner);
    add(this.#runningByTenant, tenantOf(record), -1);
    if (record.concurrencyKey !== null) {
      add(this.#runningByConcurrencyKey, record.concurrencyKey, -1);
      this.#ready.release(record.concurrencyKey);
    }
    if (job.key !== undefined) add(this.#runningByKey, job.key, -1);
  }

  /** Releases the successor of a key once nothing runs with the key. Call only when a change is complete. */
  #releaseHeld(key: string | undefined): void {
    if (key === undefined || (this.#runningByKey.get(key) ?? 0) > 0) return;
    const held = this.#heldByKey.get(key);
    this.#heldByKey.delete(key);
    if (held !== undefined) this.#ready.add(held);
  }
}

function linesOf(records: readonly JobRecord[]): readonly WaitingLine[] {
  const groups = Map.groupBy(records, (record) => JSON.stringify(claimGroupOf(record)));
  return [...groups.values()]
    .map((group) => {
      const [first] = group.toSorted((a, b) => a.rank - b.rank);
      return {
        ...claimGroupOf(first!),
        jobs: group.length,
        first: { jobId: first!.job.id, readyFrom: first!.readyFrom },
      };
    })
    .toSorted((a, b) => b.jobs - a.jobs)
    .slice(0, waitsMax);
}

function add(counts: Map<string, number>, key: string, difference: number): void {
  const count = (counts.get(key) ?? 0) + difference;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

const isPiece = ({ job }: JobRecord): boolean => runOfPiece(job) !== null;

function runAtOf(state: JobState): number {
  return state.kind === "queued" ? state.runAt : 0;
}

/** When its wait was decided; -Infinity for a job that waits until a moment. */
function waitsFrom(state: JobState): number {
  return state.kind === "queued" && state.delayMs !== null ? state.runAt - state.delayMs : -Infinity;
}

function dueAt(state: JobState | undefined, now: number): boolean {
  return state?.kind === "queued" && isDue(state, now);
}

/** Whether a job still holds its idempotency key, according to its own state. */
export function isUnfinished(record: JobRecord | undefined): record is JobRecord {
  return record !== undefined && !isTerminal(record.state);
}
