/**
 * The due jobs of the memory store, arranged so that what cannot run costs nothing: tenant → worker → lanes (one for each
 * concurrency key) → jobs. A worker that is excluded is passed over whole; a lane whose key is taken is parked until one
 * of its runs ends. Finding the first eligible job is O(log n) in jobs and lanes, linear in tenants and workers.
 */
import type { JobRecord } from "../job-record.ts";
import type { ClaimFilter } from "../job-store.ts";
import { IndexedHeap } from "./indexed-heap.ts";

/** What decides whether a lane may run now. */
export interface Eligibility {
  readonly exclude: ClaimFilter;
  readonly perKey: number;
  runningWithKey(concurrencyKey: string): number;
}

interface Lane {
  readonly tenant: string;
  readonly worker: string;
  readonly concurrencyKey: string | null;
  readonly jobs: IndexedHeap<JobRecord>;
}

/** Jobs without a tenant share one. */
export function tenantOf(record: JobRecord): string {
  return record.job.context.tenant ?? "";
}

const byRank = (a: JobRecord, b: JobRecord): number =>
  a.rank - b.rank || (a.job.id < b.job.id ? -1 : a.job.id > b.job.id ? 1 : 0);

export class ReadyQueue {
  readonly #tenants = new Map<string, Map<string, IndexedHeap<Lane>>>();
  readonly #lanes = new Map<string, Lane>();
  /** Lanes taken out because their concurrency key is at its limit. */
  readonly #parked = new Map<string, Set<Lane>>();
  #parkedAtPerKey = 0;

  tenants(): Iterable<string> {
    return this.#tenants.keys();
  }

  add(record: JobRecord): void {
    const lane = this.#laneOf(record);
    this.#unlink(lane);
    lane.jobs.push(record);
    this.#link(lane);
  }

  remove(record: JobRecord): void {
    const lane = this.#lanes.get(laneId(record));
    if (lane === undefined || !lane.jobs.has(record)) return;
    this.#unlink(lane);
    lane.jobs.remove(record);
    this.#link(lane);
  }

  /** A run with this key ended: its lanes may be looked at again. */
  release(concurrencyKey: string): void {
    const lanes = this.#parked.get(concurrencyKey);
    this.#parked.delete(concurrencyKey);
    for (const lane of lanes ?? []) this.#link(lane);
  }

  /** The tenant's first job that may run now. */
  head(tenant: string, eligibility: Eligibility): JobRecord | undefined {
    if (eligibility.perKey !== this.#parkedAtPerKey) {
      for (const key of this.#parked.keys()) this.release(key);
      this.#parkedAtPerKey = eligibility.perKey;
    }
    let best: JobRecord | undefined;
    for (const [worker, lanes] of this.#tenants.get(tenant) ?? []) {
      if (eligibility.exclude.workers.includes(worker)) continue;
      const first = this.#firstEligible(lanes, eligibility);
      if (first !== undefined && (best === undefined || byRank(first, best) < 0)) best = first;
    }
    return best;
  }

  /** Ids of the tenant in line before the record, in order; for people, linear in the tenant's jobs. */
  ahead(record: JobRecord, limit: number): string[] {
    const tenant = tenantOf(record);
    return [...this.#lanes.values()]
      .filter((lane) => lane.tenant === tenant)
      .flatMap((lane) => lane.jobs.values().filter((other) => byRank(other, record) < 0))
      .sort(byRank)
      .slice(0, limit)
      .map((other) => other.job.id);
  }

  #firstEligible(lanes: IndexedHeap<Lane>, eligibility: Eligibility): JobRecord | undefined {
    const passedOver: Lane[] = [];
    let found: JobRecord | undefined;
    for (;;) {
      const lane = lanes.peek();
      if (lane === undefined) break;
      const key = lane.concurrencyKey;
      if (key !== null && eligibility.runningWithKey(key) >= eligibility.perKey) {
        lanes.remove(lane);
        this.#park(lane, key);
      } else if (key !== null && eligibility.exclude.concurrencyKeys.includes(key)) {
        lanes.remove(lane);
        passedOver.push(lane);
      } else {
        found = lane.jobs.peek();
        break;
      }
    }
    for (const lane of passedOver) lanes.push(lane);
    return found;
  }

  #park(lane: Lane, concurrencyKey: string): void {
    const parked = this.#parked.get(concurrencyKey) ?? new Set();
    this.#parked.set(concurrencyKey, parked.add(lane));
  }

  #laneOf(record: JobRecord): Lane {
    const id = laneId(record);
    const existing = this.#lanes.get(id);
    if (existing !== undefined) return existing;
    const lane: Lane = {
      tenant: tenantOf(record),
      worker: record.job.task.worker,
      concurrencyKey: record.concurrencyKey,
      jobs: new IndexedHeap(byRank),
    };
    this.#lanes.set(id, lane);
    return lane;
  }

  /** Puts a lane back after its first job may have changed; one that is empty or parked stays out. */
  #link(lane: Lane): void {
    const { concurrencyKey: key } = lane;
    if (lane.jobs.size === 0) {
      this.#lanes.delete(laneId(lane));
      if (key !== null) this.#parked.get(key)?.delete(lane);
      return;
    }
    if (key !== null && this.#parked.get(key)?.has(lane) === true) return;
    const workers = this.#tenants.get(lane.tenant) ?? new Map<string, IndexedHeap<Lane>>();
    this.#tenants.set(lane.tenant, workers);
    const lanes =
      workers.get(lane.worker) ?? new IndexedHeap<Lane>((a, b) => byRank(a.jobs.peek()!, b.jobs.peek()!));
    workers.set(lane.worker, lanes);
    lanes.push(lane);
  }

  #unlink(lane: Lane): void {
    const workers = this.#tenants.get(lane.tenant);
    const lanes = workers?.get(lane.worker);
    if (workers === undefined || lanes === undefined) return;
    lanes.remove(lane);
    if (lanes.size === 0) workers.delete(lane.worker);
    if (workers.size === 0) this.#tenants.delete(lane.tenant);
  }
}

function laneId(of: JobRecord | Lane): string {
  const [tenant, worker] = "job" in of ? [tenantOf(of), of.job.task.worker] : [of.tenant, of.worker];
  return JSON.stringify([tenant, worker, of.concurrencyKey]);
}
