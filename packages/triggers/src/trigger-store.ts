/**
 * The port for everything durable of a daemon. One daemon writes; other processes read, and may add events. Every method
 * rejects with `AC_STORE_UNAVAILABLE` if the store cannot be used; it is then unknown whether a write was done.
 */
import type { Firing } from "./firing.ts";
import type { Json, TriggerEvent } from "./trigger-event.ts";
import type { TriggerState } from "./trigger-state.ts";

/**
 * The key of an event is remembered for this long after the event was deleted, by wall clock: senders deliver again what they
 * believe was lost, even after days. 7 days.
 */
export const forgetKeysAfterMs = 7 * 24 * 3_600_000;

const pageSizeMax = 1000;
/** How many rows a query gives that asks for `limit`. */
export const pageSize = (limit: number): number => Math.min(Math.max(1, limit), pageSizeMax);

export interface TriggerStore {
  /**
   * Makes events durable, in order, and with them the new states of sources, all in one commit. Resolves after the commit; a
   * `duplicate` has the id, or the source and the key, of an earlier event and is not kept. Keys are remembered longer than their
   * events, see {@link forgetKeysAfterMs}.
   */
  accept(request: AcceptRequest): Promise<readonly ("accepted" | "duplicate")[]>;
  /**
   * Accepted events that no `commit` has routed, those that were skipped included, in the order of their acceptance: at
   * most 1000, or fewer if they are large, but none only if there is none. An event that cannot be read is given as one that was
   * skipped as `unreadable`.
   */
  unrouted(limit: number): Promise<readonly TriggerEvent[]>;
  /**
   * All in one commit. Of a firing that is known only the state and the key change. Rejects if the event of a firing is not
   * stored; then nothing is done.
   */
  commit(change: TriggerChange): Promise<void>;
  /**
   * What the daemon begins with: every trigger state, every open firing (in order) with its event, every source state. A firing
   * that cannot be read, or whose event cannot be, is ended by this call; a trigger whose state cannot be read is paused.
   */
  load(): Promise<LoadedTriggers>;
  event(id: string): Promise<StoredEvent | null>;
  /** Newest first. */
  events(query: EventQuery): Promise<readonly StoredEvent[]>;
  firing(id: string): Promise<StoredFiring | null>;
  /** Newest first. */
  firings(query: FiringQuery): Promise<readonly StoredFiring[]>;
  /** By state and, for skipped ones, by reason. */
  countFirings(): Promise<readonly FiringCount[]>;
  /**
   * Deletes firings that ended, and routed events that came, before a moment. An event stays while one of its firings does.
   * Deletes at most `limit` of them, the oldest first; returns how many.
   */
  deleteEnded(request: {
    readonly before: number;
    readonly now: number;
    readonly limit: number;
  }): Promise<number>;
}

export interface AcceptRequest {
  readonly events: readonly TriggerEvent[];
  /** By id of the source: where a schedule stands, what a command printed last. */
  readonly sources?: Readonly<Record<string, Json>>;
}

export interface TriggerChange {
  /** Ids of events whose decisions are made. */
  readonly routed?: readonly string[];
  /** New ones and changed ones. */
  readonly firings?: readonly Firing[];
  readonly triggers?: readonly TriggerState[];
}

export interface LoadedTriggers {
  readonly triggers: readonly TriggerState[];
  readonly open: readonly { readonly firing: Firing; readonly event: TriggerEvent }[];
  readonly sources: Readonly<Record<string, Json>>;
}

export interface StoredEvent {
  /** Grows with each accepted event. */
  readonly sequence: number;
  readonly event: TriggerEvent;
  readonly isRouted: boolean;
}

export interface StoredFiring {
  /** Grows with each firing. */
  readonly sequence: number;
  readonly firing: Firing;
}

export interface EventQuery {
  readonly source?: string;
  /** Only below this sequence, for the next page. */
  readonly before?: number;
  /** At most 1000. */
  readonly limit: number;
}

export interface FiringQuery {
  readonly trigger?: string;
  readonly event?: string;
  /** Id of a run, also one of an earlier attempt. */
  readonly run?: string;
  readonly kinds?: readonly Firing["state"]["kind"][];
  readonly before?: number;
  /** At most 1000. */
  readonly limit: number;
}

export interface FiringCount {
  readonly trigger: string;
  readonly kind: Firing["state"]["kind"];
  /** Code of the reason, for skipped ones; otherwise null. */
  readonly reason: string | null;
  readonly count: number;
}

/** A bearer token of the API. Its text is never kept. */
export interface StoredToken {
  readonly id: string;
  readonly name: string;
  readonly scope: TokenScope;
  /** SHA-256 of the token's text, in hex. */
  readonly hash: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

/** `operate` includes `read`. */
export type TokenScope = "read" | "operate";

export interface TokenStore {
  /** Rejects if there is a token with its id or hash. */
  add(token: StoredToken): Promise<void>;
  /** In the order in which they were added. */
  list(): Promise<readonly StoredToken[]>;
  /** Returns whether there was such a token. */
  remove(id: string): Promise<boolean>;
}
