/** Counts refused requests by code, and logs each code at most once a minute: a flood of them must not fill the log. */
import type { Clock, ErrorCode, Log } from "@agentcore/contract";

const logEachMs = 60_000;

interface Count {
  total: number;
  /** Since the last line in the log. */
  unlogged: number;
  /** Monotonic; null: never. */
  loggedAt: number | null;
}

export class Refusals {
  readonly #ports: { readonly clock: Clock; readonly log: Log };
  readonly #counts = new Map<ErrorCode, Count>();

  constructor(ports: { readonly clock: Clock; readonly log: Log }) {
    this.#ports = ports;
  }

  note(code: ErrorCode, path: string): void {
    const count = this.#counts.get(code) ?? { total: 0, unlogged: 0, loggedAt: null };
    this.#counts.set(code, count);
    count.total += 1;
    count.unlogged += 1;
    const now = this.#ports.clock.monotonicMs();
    if (count.loggedAt !== null && now - count.loggedAt < logEachMs) return;
    this.#ports.log.warn({ code, path, times: count.unlogged }, "a request to the API was refused");
    count.loggedAt = now;
    count.unlogged = 0;
  }

  /** Refused requests so far. */
  get byCode(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].map(([code, { total }]) => [code, total]));
  }
}
