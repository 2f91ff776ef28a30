/**
 * Settles what dead owners left held. Run at start, before the first permit, and safely by several processes at once: a
 * hold is settled once, whoever comes first. Where the attempt's own record says what it spent (a spooled result, the
 * worker's transcript), that is booked; else the bound that was held, flagged `estimated`, which a later record may still
 * replace. A hold whose owner lives is left alone.
 */
import type { HoldEntry, Ledger, LedgerOwner, Spent } from "./ledger.ts";

export interface ReconcileOptions {
  readonly ownerIsDead: (owner: LedgerOwner) => boolean;
  /** What the attempt's own record says it spent; null where there is no record. */
  readonly recordedSpending?: (hold: HoldEntry) => Promise<Omit<Spent, "settledAt"> | null>;
  /** Wall clock, in ms since the epoch. */
  readonly now: number;
}

export interface ReconciledHold {
  readonly hold: HoldEntry;
  readonly spent: Spent;
}

/** What this call settled; holds that another process settled meanwhile are not in it. */
export async function reconcileHolds(ledger: Ledger, options: ReconcileOptions): Promise<ReconciledHold[]> {
  const orphans = (await ledger.openHolds()).filter((hold) => options.ownerIsDead(hold.owner));
  const reconciled = await Promise.all(
    orphans.map(async (hold): Promise<ReconciledHold | null> => {
      const recorded = (await options.recordedSpending?.(hold)) ?? null;
      const bound = { costMicroUsd: hold.costMicroUsd, tokens: hold.tokens, basis: "estimated" } as const;
      const spent: Spent = { ...(recorded ?? bound), settledAt: options.now };
      return (await ledger.settle(hold.holdId, spent)) === "settled" ? { hold, spent } : null;
    }),
  );
  return reconciled.filter((one) => one !== null);
}
