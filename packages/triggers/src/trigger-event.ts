/** An event: one occurrence at a source. It is durable before its sender gets the answer that it was accepted. */

/** Anything that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** A run that led to an event, the oldest first. */
export interface ChainLink {
  /** Name of the daemon. */
  readonly daemon: string;
  readonly trigger: string;
  readonly run: string;
}

export interface TriggerEvent {
  readonly id: string;
  /** Id of the source. */
  readonly source: string;
  /** Wall clock, in ms since the epoch. */
  readonly at: number;
  /**
   * No second event of the source is accepted with the same key: the moment of a scheduled slot, the id of a delivery. Null: every
   * event is accepted.
   */
  readonly key: string | null;
  readonly payload: Json;
  readonly chain: readonly ChainLink[];
  /** Only this trigger fires, as after `trigger fire` and `trigger replay`; null: all triggers of the source. */
  readonly onlyTrigger: string | null;
  /** The event that this one repeats. */
  readonly replayOf: string | null;
  /** Why no trigger fires: a slot that was missed. Null: it is passed to the triggers. */
  readonly skipped: SkipReason | null;
}

/** Why an event started no run, or not this one. `text` is for people. */
export interface SkipReason {
  readonly code:
    | "filter"
    | "disabled"
    | "paused"
    | "overlap"
    | "debounced"
    | "queue_full"
    | "key_taken"
    | "replaced"
    | "out_of_bounds"
    | "max_runs"
    | "chain_depth"
    | "evaluate"
    | "missed"
    | "catchup_window"
    | "removed"
    | "cancelled"
    /** What the store holds of it cannot be read. */
    | "unreadable";
  readonly text: string;
}
