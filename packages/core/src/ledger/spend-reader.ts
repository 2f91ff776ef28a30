/** What was spent, as the store can tell it afterwards; the counters of {@link Ledger} decide what may start. */
import type { CallSpend } from "@agentcore/contract";

export interface SpendReader {
  /**
   * Spend over time, from the counters of the ledger, the oldest first. Windows in which nothing was booked are left out.
   * Counters are kept for 90 days.
   */
  readSpend(query: SpendQuery): Promise<readonly SpendRow[]>;
  /** By the calls that the spend gate metered: at most `callSpendMax` entries of each kind, the dearest. */
  readCallSpend(query: CallSpendQuery): Promise<CallSpend>;
}

export interface SpendQuery {
  readonly window: "hour" | "day";
  /** Windows that begin from `since` (included) to `until` (excluded), in ms since the epoch. */
  readonly since: number;
  readonly until: number;
}

export interface SpendRow {
  /** Beginning of the window. */
  readonly at: number;
  /** `global` or `worker:NAME`. */
  readonly scope: string;
  readonly costUsd: number;
  readonly tokens: number;
}

export interface CallSpendQuery {
  /** Calls that began from `since` (included) to `until` (excluded), in ms since the epoch. */
  readonly since: number;
  readonly until: number;
}
