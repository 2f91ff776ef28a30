/**
 * What the spend gate sees of a run's requests, with the times that the limits need. A pure fold over its reports, which come
 * whenever one of their numbers changes.
 */
import type { WireActivity, WorkerEvent } from "@agentcore/contract";

type CallsEvent = Extract<WorkerEvent, { type: "calls" }>;

export interface WireWatch extends Required<WireActivity> {
  /** When a number changed last. */
  readonly changedMs: number;
  /** When the last byte came; before the first one, when the first call was opened. */
  readonly lastByteMs: number;
  /** The current or last stretch with at least one open call. `closedMs` is null while it lasts. */
  readonly openedMs: number;
  readonly closedMs: number | null;
  /**
   * Since when the provider owes a first byte; null: it owes none. A call that ends without a byte does not change it: a
   * client that gives up after ten minutes and tries again still waits.
   */
  readonly owedSinceMs: number | null;
}

export function afterWire(before: WireWatch | null, activity: WireActivity, nowMs: number): WireWatch {
  const { waiting, streaming, bytes, identicalCalls = before?.identicalCalls ?? 0 } = activity;
  const hasNewBytes = bytes > (before?.bytes ?? 0);
  const owedBefore = hasNewBytes ? null : (before?.owedSinceMs ?? null);
  const wasOpen = before !== null && before.closedMs === null;
  const isOpen = waiting + streaming > 0;
  return {
    waiting,
    streaming,
    bytes: Math.max(bytes, before?.bytes ?? 0),
    identicalCalls,
    changedMs: nowMs,
    lastByteMs: hasNewBytes || before === null ? nowMs : before.lastByteMs,
    openedMs: before === null || (isOpen && !wasOpen) ? nowMs : before.openedMs,
    closedMs: isOpen ? null : wasOpen || before === null ? nowMs : before.closedMs,
    owedSinceMs: owedBefore ?? (waiting > 0 ? nowMs : null),
  };
}

/** The worker did something that it can only do with an answer: an earlier request without one no longer matters. */
export function answeredOtherwise(wire: WireWatch, nowMs: number): WireWatch {
  return { ...wire, owedSinceMs: wire.waiting > 0 ? nowMs : null };
}

/** All times are later by the time in which the runtime was suspended. */
export function wireAfterSleep(wire: WireWatch, sleptMs: number): WireWatch {
  const later = (atMs: number | null): number | null => (atMs === null ? null : atMs + sleptMs);
  return {
    ...wire,
    changedMs: wire.changedMs + sleptMs,
    lastByteMs: wire.lastByteMs + sleptMs,
    openedMs: wire.openedMs + sleptMs,
    closedMs: later(wire.closedMs),
    owedSinceMs: later(wire.owedSinceMs),
  };
}

/** Null if the event said the same. */
export function callsEvent(wire: WireWatch | null, said: CallsEvent | null): CallsEvent | null {
  if (wire === null) return null;
  const { waiting, streaming, identicalCalls: identical } = wire;
  const isSame =
    said !== null && said.waiting === waiting && said.streaming === streaming && said.identical === identical;
  return isSame ? null : { type: "calls", waiting, streaming, identical };
}
