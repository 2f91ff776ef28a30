/** Which of the jobs that were read a claim takes, in the scheduler's order. */
import { type Candidate, compareCandidates } from "@agentcore/scheduler";
import type { JobRow } from "./job-row.ts";

/** A job that may run, with its tenant. */
export interface ReadyJob {
  readonly row: JobRow;
  readonly tenant: string;
}

export interface TenantFacts {
  readonly servedAt: number;
  readonly running: number;
}

export interface TurnsOptions {
  readonly now: number;
  readonly perKey: number;
  /** How many jobs run of each workspace. */
  readonly busy: ReadonlyMap<string, number>;
  readonly tenants: ReadonlyMap<string, TenantFacts>;
}

export class Turns {
  readonly #now: number;
  readonly #perKey: number;
  readonly #busy: Map<string, number>;
  readonly #tenants: Map<string, TenantFacts>;
  /** The jobs of each tenant, the last in line first. */
  readonly #lines = new Map<string, ReadyJob[]>();
  readonly #taken = new Set<number>();

  constructor({ now, perKey, busy, tenants }: TurnsOptions, ready: readonly ReadyJob[]) {
    this.#now = now;
    this.#perKey = perKey;
    this.#busy = new Map(busy);
    this.#tenants = new Map(tenants);
    for (const job of ready) {
      const line = this.#lines.get(job.tenant);
      if (line === undefined) this.#lines.set(job.tenant, [job]);
      else line.push(job);
    }
    for (const line of this.#lines.values())
      line.sort((a, b) => b.row.rank - a.row.rank || b.row.number - a.row.number);
  }

  /** Takes a job that was named, unless its workspace is taken by now. */
  takeNamed(job: ReadyJob): boolean {
    if (this.#taken.has(job.row.number) || this.#isTaken(job)) return false;
    this.#take(job);
    return true;
  }

  /** Takes the next job; undefined if none may run. */
  takeNext(): ReadyJob | undefined {
    let best: { readonly job: ReadyJob; readonly candidate: Candidate } | undefined;
    for (const [tenant, line] of this.#lines) {
      const job = this.#firstOf(line);
      if (job === undefined) continue;
      const { servedAt = 0, running = 0 } = this.#tenants.get(tenant) ?? {};
      const { id, rank, ready_from: readyFrom } = job.row;
      const candidate = { id, rank, readyFrom, tenantServedAt: servedAt, tenantRunning: running };
      if (best === undefined || compareCandidates(candidate, best.candidate, this.#now) < 0)
        best = { job, candidate };
    }
    if (best !== undefined) this.#take(best.job);
    return best?.job;
  }

  /** A workspace that is taken stays so for the whole claim. */
  #firstOf(line: ReadyJob[]): ReadyJob | undefined {
    for (;;) {
      const job = line.at(-1);
      if (job === undefined || !(this.#taken.has(job.row.number) || this.#isTaken(job))) return job;
      line.pop();
    }
  }

  #isTaken({ row: { workspace } }: ReadyJob): boolean {
    return workspace !== null && (this.#busy.get(workspace) ?? 0) >= this.#perKey;
  }

  #take({ row: { number, workspace }, tenant }: ReadyJob): void {
    this.#taken.add(number);
    if (workspace !== null) this.#busy.set(workspace, (this.#busy.get(workspace) ?? 0) + 1);
    this.#tenants.set(tenant, {
      servedAt: this.#now,
      running: (this.#tenants.get(tenant)?.running ?? 0) + 1,
    });
  }
}
