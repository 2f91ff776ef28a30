/** Counts the requests that are refused for their key, by kind, and reports each kind at most once a minute. */
import { noRefusedKeys, type Clock, type RefusedKeyKind, type RefusedKeys } from "@agentcore/contract";
import type { KeyOwner, RefusedKeyReport } from "@agentcore/core";

/** A process with a dead key may try it many times a second. */
const reportEveryMs = 60_000;

interface Reported {
  readonly atMs: number;
  /** The total at that time. */
  readonly requests: number;
}

export class RefusedKeyCounts {
  readonly #clock: Clock;
  readonly #counts: Record<RefusedKeyKind, number> = { ...noRefusedKeys };
  readonly #reported = new Map<RefusedKeyKind, Reported>();
  onReport: (report: RefusedKeyReport) => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  counts(): RefusedKeys {
    return { ...this.#counts };
  }

  note(kind: RefusedKeyKind, of: KeyOwner | null): void {
    const total = (this.#counts[kind] += 1);
    // A worker that is being stopped may well send requests.
    if (kind === "stopping") return;
    const atMs = this.#clock.monotonicMs();
    const last = this.#reported.get(kind);
    if (last !== undefined && atMs - last.atMs < reportEveryMs) return;
    this.#reported.set(kind, { atMs, requests: total });
    this.onReport({ kind, requests: total - (last?.requests ?? 0), of });
  }
}
