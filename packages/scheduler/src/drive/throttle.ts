/**
 * Avoids claims that would be denied, based on denied permits. Each denied scope has a cap on its attempts in flight: the
 * number that ran at the denial. An end frees a slot. After the runtime's retry time, one more attempt is let through to
 * test; a grant at the cap doubles it, a denial resets it, so that a scope opens gradually.
 *
 * Each test claims a job and puts it back, which costs writes. So tests become rarer the longer a scope is closed: after an
 * eighth of that time each, from the runtime's retry time up to 15 s.
 */
import type { JobRecord, Reason } from "../job-record.ts";
import { excludeNothing, type ClaimFilter } from "../job-store.ts";
import { covers, scopeId, type DenialScope } from "../denial-scope.ts";

interface Entry {
  readonly scope: DenialScope;
  cap: number;
  recheckAtMs: number;
  stepMs: number;
  /** Time of the first denial since the last grant; null after a grant. */
  sinceMs: number | null;
  /** Its retry time has passed once since the last denial. */
  reopened: boolean;
  reason: Reason;
}

/** One claim to make: at most `limit` jobs, none of them excluded. */
export interface ClaimStep {
  readonly limit: number;
  readonly exclude: ClaimFilter;
}

/** Scopes remembered. Above it, the one with the earliest next request is forgotten, which costs one denied permit. */
const entriesMax = 1000;
const stepMsMin = 50;
const heldShare = 1 / 8;
const heldStepMsMax = 15_000;

export class Throttle {
  readonly #entries = new Map<string, Entry>();

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** `nowMs` is monotonic. `granted`: attempts that the runtime has granted and that have not ended. */
  deny(
    scope: DenialScope,
    denial: { readonly retryAfterMs: number; readonly reason: Reason },
    granted: readonly JobRecord[],
    nowMs: number,
  ): void {
    if (scope.kind === "job") return;
    const id = scopeId(scope);
    const sinceMs = this.#entries.get(id)?.sinceMs ?? nowMs;
    const heldMs = scope.kind === "global" ? nowMs - sinceMs : 0;
    const stepMs = Math.max(
      stepMsMin,
      denial.retryAfterMs,
      Math.min(heldStepMsMax, Math.round(heldMs * heldShare)),
    );
    if (this.#entries.size >= entriesMax && !this.#entries.has(id)) this.#forgetSoonest();
    this.#entries.set(id, {
      scope,
      cap: countIn(scope, granted),
      recheckAtMs: nowMs + stepMs,
      stepMs,
      sinceMs,
      reopened: false,
      reason: denial.reason,
    });
  }

  /** A permit was granted to `record`, which is among `granted`. */
  grant(record: JobRecord, granted: readonly JobRecord[], concurrency: number): void {
    for (const [id, entry] of this.#entries) {
      if (covers(entry.scope, record)) entry.sinceMs = null;
      // Reaching the cap again after an end says nothing about the limit; a grant beyond it, when reopened, does.
      if (!entry.reopened || !covers(entry.scope, record)) continue;
      if (countIn(entry.scope, granted) < entry.cap) continue;
      entry.cap = Math.max(1, entry.cap) * 2;
      if (entry.cap >= concurrency) this.#entries.delete(id);
    }
  }

  /**
   * In this method and in `plan`, `active` are all attempts in flight, including those that wait for their permit.
   *
   * Lets one more through in each scope whose retry time has passed; forgets a scope without a denial since then.
   */
  advance(active: readonly JobRecord[], nowMs: number): void {
    for (const [id, entry] of this.#entries) {
      if (nowMs < entry.recheckAtMs) continue;
      if (entry.reopened) this.#entries.delete(id);
      entry.reopened = true;
      entry.cap = Math.max(entry.cap, countIn(entry.scope, active)) + 1;
      entry.recheckAtMs = nowMs + entry.stepMs;
    }
  }

  /**
   * What to claim with `free` slots. Scopes without room are excluded. Scopes with little room are included in the first step
   * only, which is limited to the least of that room; the second step fills the rest without them.
   */
  plan(free: number, active: readonly JobRecord[]): readonly ClaimStep[] {
    let room = free;
    let least = Infinity;
    const shut: DenialScope[] = [];
    const narrow: DenialScope[] = [];
    for (const entry of this.#entries.values()) {
      const left = entry.cap - countIn(entry.scope, active);
      if (entry.scope.kind === "global") room = Math.min(room, left);
      else if (left <= 0) shut.push(entry.scope);
      else {
        narrow.push(entry.scope);
        least = Math.min(least, left);
      }
    }
    if (room <= 0) return [];
    const first = { limit: Math.min(room, least), exclude: filterOf(shut) };
    if (least >= room) return [first];
    return [first, { limit: room - least, exclude: filterOf([...shut, ...narrow]) }];
  }

  /** When to run again without an event, on the monotonic clock; null: nothing is held back. */
  nextRecheckMs(): number | null {
    let next: number | null = null;
    for (const { recheckAtMs } of this.#entries.values()) next = Math.min(next ?? Infinity, recheckAtMs);
    return next;
  }

  /** What is held back and why, for `why`. */
  reasons(): readonly { readonly scope: DenialScope; readonly reason: Reason }[] {
    return [...this.#entries.values()].map(({ scope, reason }) => ({ scope, reason }));
  }

  #forgetSoonest(): void {
    let soonest: [string, Entry] | undefined;
    for (const candidate of this.#entries) {
      if (soonest === undefined || candidate[1].recheckAtMs < soonest[1].recheckAtMs) soonest = candidate;
    }
    if (soonest !== undefined) this.#entries.delete(soonest[0]);
  }
}

function countIn(scope: DenialScope, active: readonly JobRecord[]): number {
  return active.reduce((count, record) => count + (covers(scope, record) ? 1 : 0), 0);
}

function filterOf(scopes: readonly DenialScope[]): ClaimFilter {
  if (scopes.length === 0) return excludeNothing;
  return {
    workers: scopes.flatMap((scope) => (scope.kind === "worker" ? scope.worker : [])),
    models: scopes.flatMap((scope) =>
      scope.kind === "model" ? { worker: scope.worker, model: scope.model } : [],
    ),
    tenants: scopes.flatMap((scope) => (scope.kind === "tenant" ? scope.tenant : [])),
    classes: scopes.flatMap((scope) => (scope.kind === "class" ? scope.class : [])),
    concurrencyKeys: scopes.flatMap((scope) =>
      scope.kind === "concurrency_key" ? scope.concurrencyKey : [],
    ),
  };
}
