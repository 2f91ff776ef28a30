/** The port for what brings events: a clock, a file watcher, an HTTP server, a command. */
import type { ChainLink, Json, SkipReason } from "./trigger-event.ts";

/** An event as a source gives it. */
export interface SourceEvent {
  /** Default: a new one. */
  readonly id?: string;
  /** Id of the source. */
  readonly source: string;
  readonly key: string | null;
  readonly payload: Json;
  readonly chain: readonly ChainLink[];
  /** Why no trigger fires: a slot that was missed. Default: null, the event is passed to the triggers. */
  readonly skipped?: SkipReason | null;
}

export type Acceptance = "accepted" | "duplicate";

export interface SourceHost {
  /** Resolves once the event is durable. Rejects if it could not be kept: then its sender has to know. */
  accept(event: SourceEvent): Promise<Acceptance>;
  /** As `accept`, for several events, of any sources, in one commit. */
  acceptAll(events: readonly SourceEvent[]): Promise<readonly Acceptance[]>;
  /**
   * Makes the new state of a source durable, with the events that led to it (there may be none), all in one commit. Resolves
   * after the commit, with one answer for each event. Rejects if it could not be kept; the state is then the one before.
   */
  acceptWithState(change: SourceChange): Promise<readonly Acceptance[]>;
  /** What `acceptWithState` made durable last, in this process or an earlier one; undefined: nothing yet. */
  stateOf(source: string): Json | undefined;
}

export interface SourceChange {
  /** Id of the source of the state and of all events. */
  readonly source: string;
  /** Where a schedule stands, what a command printed last. */
  readonly state: Json;
  readonly events: readonly SourceEvent[];
}

/** How many events of a source were taken, or refused for one reason, since the start of the process. */
export interface SourceCount {
  /** Id of the source; null: before the source was known. */
  readonly source: string | null;
  /** `accepted`, `duplicate`, or the kind of a refusal or failure. */
  readonly kind: string;
  readonly count: number;
}

export interface Source {
  /** Resolves once events are taken. Rejects with an `AgentCoreError` that names the place and the cure. */
  start(): Promise<void>;
  /** Takes no more events; resolves once those in hand are answered. Idempotent. */
  close(): Promise<void>;
  /** What it took and refused so far. Default: not counted. */
  counts?(): readonly SourceCount[];
}
