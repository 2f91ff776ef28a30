/**
 * The due jobs of the memory store, arranged so that jobs that cannot run cost nothing: tenant → kind (worker, model,
 * class) → lanes (one for each concurrency key) → jobs. An excluded kind is skipped as a whole; a lane whose key is taken
 * is parked until one of its runs ends. Finding the first eligible job is O(log n) in jobs and lanes, and linear in tenants
 * and kinds.
 */
import type { Priority } from "@agentcore/contract";
import type { JobRecord } from "../job-record.ts";
import type { ClaimFilter } from "../job-store.ts";
import { IndexedHeap } from "./indexed-heap.ts";

/** What decides whether a lane may run now. */
export interface Eligibility {
  readonly exclude: ClaimFilter;
  readonly perKey: number;
  runningWithKey(concurrencyKey: string): number;
}

/** The properties by which jobs may be excluded together. */
interface Kind {
  readonly worker: string;
  readonly model: string | null;
  readonly priorityClass: Priority["class"];
}

interface KindQueue {
  readonly kind: Kind;
  readonly lanes: IndexedHeap<Lane>;
}

interface Lane {
  readonly id: string;
  readonly tenant: string;
  readonly kindId: string;
  readonly kind: Kind;
  readonly concurrencyKey: string | null;
  readonly jobs: IndexedHeap<JobRecord>;
}

/** Jobs without a tenant share one. */
export function tenantOf(record: JobRecord): string {
  return record.job.context.tenant ?? "";
}

export class ReadyQueue {
  readonly #tenants = new Map<string, Map<string, KindQueue>>();
  readonly #lanes = new Map<string, Lane>();
  /** Lanes removed because their concurrency key is at its limit. */
  readonly #parked = new Map<string, Set<Lane>>();
  #parkedAtPerKey = 0;
  readonly #byRank: (a: JobRecord, b: JobRecord) => number;

  /** `numberOf` rises with each submit. */
  constructor(numberOf: (record: JobRecord) => number) {
    this.#byRank = (a, b) => a.rank - b.rank || numberOf(a) - numberOf(b);
  }

  /** Tenants that may have a head. Lanes that were parked at another limit than this are checked again. */
  tenants({ perKey }: Pick<Eligibility, "perKey">): Iterable<string> {
    if (perKey !== this.#parkedAtPerKey) {
      for (const key of this.#parked.keys()) this.release(key);
      this.#parkedAtPerKey = perKey;
    }
    return this.#tenants.keys();
  }

  add(record: JobRecord): void {
    const lane = this.#laneOf(record);
    this.#unlink(lane);
    lane.jobs.push(record);
    this.#link(lane);
  }

  remove(record: JobRecord): void {
    const lane = this.#lanes.get(laneIdOf(record));
    if (lane === undefined || !lane.jobs.has(record)) return;
    this.#unlink(lane);
    lane.jobs.remove(record);
    this.#link(lane);
  }

  /** A run with this key ended: its lanes may be checked again. */
  release(concurrencyKey: string): void {
    const lanes = this.#parked.get(concurrencyKey);
    this.#parked.delete(concurrencyKey);
    for (const lane of lanes ?? []) this.#link(lane);
  }

  /** The first job that may run now of one of the {@link tenants}. */
  head(tenant: string, eligibility: Eligibility): JobRecord | undefined {
    let best: JobRecord | undefined;
    for (const { kind, lanes } of this.#tenants.get(tenant)?.values() ?? []) {
      if (isExcluded(kind, eligibility.exclude)) continue;
      const first = this.#firstEligible(lanes, eligibility);
      if (first !== undefined && (best === undefined || this.#byRank(first, best) < 0)) best = first;
    }
    return best;
  }

  /** The first job of each lane; a job without a concurrency key has its own lane. */
  firsts(): readonly JobRecord[] {
    return [...this.#lanes.values()].flatMap(({ concurrencyKey, jobs }) =>
      concurrencyKey === null ? jobs.values() : (jobs.peek() ?? []),
    );
  }

  /** Ids of the tenant's jobs in line before the record, in order. For people: linear in the tenant's jobs. */
  ahead(record: JobRecord, limit: number): string[] {
    const tenant = tenantOf(record);
    return [...this.#lanes.values()]
      .filter((lane) => lane.tenant === tenant)
      .flatMap((lane) => lane.jobs.values().filter((other) => this.#byRank(other, record) < 0))
      .sort(this.#byRank)
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
    const id = laneIdOf(record);
    const existing = this.#lanes.get(id);
    if (existing !== undefined) return existing;
    const kind = kindOf(record);
    const lane: Lane = {
      id,
      tenant: tenantOf(record),
      kindId: JSON.stringify(kind),
      kind,
      concurrencyKey: record.concurrencyKey,
      jobs: new IndexedHeap(this.#byRank),
    };
    this.#lanes.set(id, lane);
    return lane;
  }

  /** Puts a lane back after its first job may have changed, unless it is empty or parked. */
  #link(lane: Lane): void {
    const { concurrencyKey: key } = lane;
    if (lane.jobs.size === 0) {
      this.#lanes.delete(lane.id);
      if (key !== null) this.#parked.get(key)?.delete(lane);
      return;
    }
    if (key !== null && this.#parked.get(key)?.has(lane) === true) return;
    const kinds = this.#tenants.get(lane.tenant) ?? new Map<string, KindQueue>();
    this.#tenants.set(lane.tenant, kinds);
    const queue = kinds.get(lane.kindId) ?? { kind: lane.kind, lanes: this.#newLanes() };
    kinds.set(lane.kindId, queue);
    queue.lanes.push(lane);
  }

  #newLanes(): IndexedHeap<Lane> {
    return new IndexedHeap((a, b) => this.#byRank(a.jobs.peek()!, b.jobs.peek()!));
  }

  #unlink(lane: Lane): void {
    const kinds = this.#tenants.get(lane.tenant);
    const queue = kinds?.get(lane.kindId);
    if (kinds === undefined || queue === undefined) return;
    queue.lanes.remove(lane);
    if (queue.lanes.size === 0) kinds.delete(lane.kindId);
    if (kinds.size === 0) this.#tenants.delete(lane.tenant);
  }
}

function kindOf({ job }: JobRecord): Kind {
  return { worker: job.task.worker, model: job.task.model ?? null, priorityClass: job.priority.class };
}

function laneIdOf(record: JobRecord): string {
  return JSON.stringify([tenantOf(record), kindOf(record), record.concurrencyKey]);
}

/** Whether a claim with the filter skips the job. */
export function excludes(exclude: ClaimFilter, record: JobRecord): boolean {
  const key = record.concurrencyKey;
  return (
    isExcluded(kindOf(record), exclude) ||
    exclude.tenants.includes(tenantOf(record)) ||
    (key !== null && exclude.concurrencyKeys.includes(key))
  );
}

function isExcluded(kind: Kind, exclude: ClaimFilter): boolean {
  return (
    exclude.workers.includes(kind.worker) ||
    exclude.classes.includes(kind.priorityClass) ||
    exclude.models.some(({ worker, model }) => worker === kind.worker && model === kind.model)
  );
}
