/**
 * The port for everything durable of a daemon. One daemon writes; other processes read, and may add events. Every method
 * rejects with `AC_STORE_UNAVAILABLE` if the store cannot be used; it is then unknown whether a write was done.
 */
import type { Firing } from "./firing.ts";
import type { Json, TriggerEvent } from "./trigger-event.ts";
import type { TriggerState } from "./trigger-state.ts";

export interface TriggerStore {
  /**
   * Makes events durable, in order, and with them the new states of sources, all in one commit. Resolves after the commit; a
   * `duplicate` has the source and the key of an earlier event and is not kept.
   */
  accept(request: AcceptRequest): Promise<readonly ("accepted" | "duplicate")[]>;
  /** Accepted events that no `commit` has routed, in the order of their acceptance. */
  unrouted(limit: number): Promise<readonly TriggerEvent[]>;
  /** All in one commit. */
  commit(change: TriggerChange): Promise<void>;
  /** What the daemon begins with: every trigger state, every open firing (in order) with its event, every source state. */
  load(): Promise<LoadedTriggers>;
  event(id: string): Promise<StoredEvent | null>;
  /** Newest first. */
  events(query: EventQuery): Promise<readonly StoredEvent[]>;
  firing(id: string): Promise<StoredFiring | null>;
  /** Newest first. */
  firings(query: FiringQuery): Promise<readonly StoredFiring[]>;
  /** By state and, for skipped ones, by reason. */
  countFirings(): Promise<readonly FiringCount[]>;
  /** Deletes ended firings, and routed events without open firings, older than the moment. Returns how many rows. */
  deleteEnded(request: { readonly before: number; readonly limit: number }): Promise<number>;
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
  readonly run?: string;
  readonly kinds?: readonly Firing["state"]["kind"][];
  readonly before?: number;
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
  add(token: StoredToken): Promise<void>;
  list(): Promise<readonly StoredToken[]>;
  /** Returns whether there was such a token. */
  remove(id: string): Promise<boolean>;
}
