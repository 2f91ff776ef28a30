/**
 * Settles the holds of dead owners. Runs at start, before the first permit, and is safe in several processes at once: a
 * hold is settled once, by the first process to reach it. If the spend gate metered calls of the attempt, its ended calls are
 * charged, and the most that its open calls can cost. If the attempt's own record has its spending (a spooled result, the
 * worker's transcript), that is charged; otherwise the ceiling that was held, flagged `estimated`, which a later record
 * may replace. A hold of a living owner is not touched.
 *
 * Where machines share the ledger, a hold of another place (machine and state directory) is settled once no scheduler of that
 * place is registered: it signed off, or another took over after its lease ran out, and by then it had stopped its runs. Its
 * files are not here, so its metered calls are charged, or the whole hold.
 */
import { isAgentCoreError } from "@agentcore/contract";
import type { CallJournal } from "../spend/spend-gate.ts";
import { spentByCalls } from "../spend/spent-by-calls.ts";
import type { HoldEntry, Ledger, LedgerOwner, Spent } from "./ledger.ts";

export interface ReconcileOptions {
  /** Called only for owners of this place. */
  readonly ownerIsDead: (owner: LedgerOwner) => boolean;
  /** Where machines share the ledger. Default: they do not. */
  readonly places?: Places;
  /** The metered calls of attempts. Default: none was metered. */
  readonly calls?: Pick<CallJournal, "calls">;
  /** What the attempt's own record says it spent; null if there is no record. */
  readonly recordedSpending?: (hold: HoldEntry) => Promise<Omit<Spent, "settledAt"> | null>;
  /** Called with a record that could not be read. The hold is then charged its bound. */
  readonly onUnreadable?: (hold: HoldEntry, error: unknown) => void;
  /** Wall clock, in ms since the epoch. */
  readonly now: number;
}

export interface Places {
  /** Of this process. */
  readonly own: string;
  /** Of the registered schedulers. */
  readonly registered: ReadonlySet<string>;
}

export interface ReconciledHold {
  readonly hold: HoldEntry;
  readonly spent: Spent;
}

/** An entry that names no place is from a store that machines do not share. */
function isElsewhere({ place }: LedgerOwner, places: Places | undefined): boolean {
  return place !== undefined && places !== undefined && place !== places.own;
}

function isOrphan({ owner }: HoldEntry, { ownerIsDead, places }: ReconcileOptions): boolean {
  if (!isElsewhere(owner, places)) return ownerIsDead(owner);
  return places?.registered.has(owner.place ?? "") === false;
}

/** A record that cannot be read, or that has no amounts, must not prevent the start of the runtime: the bound is charged. */
async function recordedOf(
  hold: HoldEntry,
  { calls, recordedSpending, onUnreadable, places }: ReconcileOptions,
): Promise<Omit<Spent, "settledAt"> | null> {
  try {
    const metered = spentByCalls((await calls?.calls(hold.holdId)) ?? []);
    const isLocal = !isElsewhere(hold.owner, places);
    const recorded = metered ?? (isLocal ? await recordedSpending?.(hold) : null) ?? null;
    return recorded !== null && isAmount(recorded.costMicroUsd) && isAmount(recorded.tokens)
      ? recorded
      : null;
  } catch (error) {
    if (isAgentCoreError(error) && error.code === "AC_STORE_UNAVAILABLE") throw error;
    onUnreadable?.(hold, error);
    return null;
  }
}

function isAmount(amount: number): boolean {
  return Number.isSafeInteger(amount) && amount >= 0;
}

/** Returns what this call settled, without holds that another process settled meanwhile. */
export async function reconcileHolds(ledger: Ledger, options: ReconcileOptions): Promise<ReconciledHold[]> {
  const orphans = (await ledger.openHolds()).filter((hold) => isOrphan(hold, options));
  const reconciled = await Promise.all(
    orphans.map(async (hold): Promise<ReconciledHold | null> => {
      const recorded = await recordedOf(hold, options);
      const bound = { costMicroUsd: hold.costMicroUsd, tokens: hold.tokens, basis: "estimated" } as const;
      const { costMicroUsd, tokens, basis } = recorded ?? bound;
      const spent: Spent = { costMicroUsd, tokens, basis, settledAt: options.now };
      return (await ledger.settle(hold.holdId, spent)) === "settled" ? { hold, spent } : null;
    }),
  );
  return reconciled.filter((one) => one !== null);
}
