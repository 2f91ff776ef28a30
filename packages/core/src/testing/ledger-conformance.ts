/**
 * What every {@link Ledger} must do, as cases that any test runner can run: `for (const { name, run } of
 * ledgerConformanceCases(harness)) it(name, run)`. Each case opens a ledger of its own. A durable implementation gives
 * `reopen`, which opens the same state again, beside the first, as another process would.
 */
import assert from "node:assert/strict";
import {
  type BudgetWindow,
  type CappedCounter,
  type CounterLevel,
  type HoldEntry,
  type Ledger,
  type LedgerOwner,
  type Spent,
  windowStartOf,
} from "../ledger/ledger.ts";
import { type ConformanceCase, conformanceCases } from "./conformance.ts";

export interface LedgerHarness {
  /** A fresh, empty ledger. `keepMs`: how long it keeps what was settled and what ended; only durable ones are told. */
  open(this: void, keepMs?: number): Promise<OpenLedger>;
}

export interface OpenLedger {
  readonly ledger: Ledger;
  /** The same state through another handle, as another process sees it; absent if the ledger is not shared. */
  readonly reopen?: () => Promise<OpenLedger>;
  close(): Promise<void>;
}

const at = Date.UTC(2026, 10, 24, 11, 30);
const owner: LedgerOwner = { pid: 4711, startTicks: 99, bootId: "boot" };

/** A counter of one scope; caps in micro-dollars and tokens. */
export function counterOf(
  scope: string,
  window: BudgetWindow,
  caps: { cost?: number; tokens?: number } = {},
): CappedCounter {
  return {
    scope,
    window,
    windowStart: windowStartOf(window, at),
    costCapMicroUsd: caps.cost ?? null,
    tokensCap: caps.tokens ?? null,
  };
}

/** A hold in these counters; of nothing, unless amounts are given. */
export function holdOf(
  holdId: string,
  counters: readonly CappedCounter[],
  amounts: Partial<Pick<HoldEntry, "costMicroUsd" | "tokens" | "heldAt" | "owner">> = {},
): HoldEntry {
  return {
    holdId,
    jobId: `job of ${holdId}`,
    attempt: 1,
    worker: "shell",
    owner,
    heldAt: at,
    costMicroUsd: 0,
    tokens: 0,
    counters,
    ...amounts,
  };
}

function spentOf(costMicroUsd: number, tokens: number, basis: Spent["basis"] = "reported"): Spent {
  return { costMicroUsd, tokens, basis, settledAt: at + 1000 };
}

/** The four amounts of a level, in the order cost spent, cost held, tokens spent, tokens held. */
function amountsOf(level: CounterLevel | undefined): readonly number[] {
  assert.ok(level !== undefined);
  return [level.costSpentMicroUsd, level.costHeldMicroUsd, level.tokensSpent, level.tokensHeld];
}

async function amountsAt(ledger: Ledger, counter: CappedCounter): Promise<readonly number[]> {
  const [level] = await ledger.levels([counter]);
  return amountsOf(level);
}

type Check = (ledger: Ledger, opened: OpenLedger) => Promise<void>;

const checks: Readonly<Record<string, Check>> = {
  "a counter that was never used reads as zeros, and reading creates nothing": async (ledger) => {
    const levels = await ledger.levels([counterOf("global", "day"), counterOf("tenant:a", "total")]);
    assert.deepEqual(levels.map(amountsOf), [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
    assert.equal(levels[1]?.scope, "tenant:a");
    assert.deepEqual(await ledger.openHolds(), []);
  },

  "a hold counts in every one of its counters": async (ledger) => {
    const day = counterOf("global", "day", { cost: 1000 });
    const total = counterOf("tenant:a", "total");
    const outcome = await ledger.hold(holdOf("h1", [day, total], { costMicroUsd: 600, tokens: 7 }));
    assert.deepEqual(outcome, { ok: true });
    assert.deepEqual(await amountsAt(ledger, day), [0, 600, 0, 7]);
    assert.deepEqual(await amountsAt(ledger, total), [0, 600, 0, 7]);
  },

  "a hold may fill its cap exactly, and not by one micro-dollar more": async (ledger) => {
    const day = counterOf("global", "day", { cost: 1000 });
    assert.equal((await ledger.hold(holdOf("h1", [day], { costMicroUsd: 400 }))).ok, true);
    assert.equal((await ledger.hold(holdOf("h2", [day], { costMicroUsd: 601 }))).ok, false);
    assert.equal((await ledger.hold(holdOf("h3", [day], { costMicroUsd: 600 }))).ok, true);
  },

  "a refused hold names the counter that refused, and leaves no trace in the others": async (ledger) => {
    const roomy = counterOf("global", "day", { cost: 10_000 });
    const tight = counterOf("worker:shell", "hour", { tokens: 10 });
    const outcome = await ledger.hold(holdOf("h1", [roomy, tight], { costMicroUsd: 5, tokens: 11 }));
    assert.ok(!outcome.ok);
    assert.equal(outcome.kind, "tokens");
    assert.equal(outcome.cap, 10);
    assert.equal(outcome.level.scope, "worker:shell");
    assert.equal(outcome.level.window, "hour");
    assert.deepEqual(await amountsAt(ledger, roomy), [0, 0, 0, 0]);
    assert.deepEqual(await ledger.openHolds(), []);
  },

  "a refused hold's id may be held later": async (ledger) => {
    const day = counterOf("global", "day", { cost: 10 });
    assert.equal((await ledger.hold(holdOf("h1", [day], { costMicroUsd: 11 }))).ok, false);
    assert.equal((await ledger.hold(holdOf("h1", [day], { costMicroUsd: 10 }))).ok, true);
  },

  "a counter without a cap counts and refuses nothing": async (ledger) => {
    const free = counterOf("global", "total");
    assert.equal((await ledger.hold(holdOf("h1", [free], { costMicroUsd: 9e12, tokens: 9e12 }))).ok, true);
    assert.deepEqual(await amountsAt(ledger, free), [0, 9e12, 0, 9e12]);
  },

  "windows of one scope are counted apart": async (ledger) => {
    const today = counterOf("global", "day", { cost: 100 });
    const tomorrow: CappedCounter = { ...today, windowStart: today.windowStart + 86_400_000 };
    assert.equal((await ledger.hold(holdOf("h1", [today], { costMicroUsd: 100 }))).ok, true);
    assert.equal((await ledger.hold(holdOf("h2", [tomorrow], { costMicroUsd: 100 }))).ok, true);
    assert.equal((await ledger.hold(holdOf("h3", [today], { costMicroUsd: 1 }))).ok, false);
  },

  "settling moves what was really spent from held to spent, in the window of the hold": async (ledger) => {
    const hour = counterOf("global", "hour", { cost: 1000 });
    await ledger.hold(holdOf("h1", [hour], { costMicroUsd: 800, tokens: 80 }));
    const outcome = await ledger.settle("h1", { ...spentOf(300, 30), settledAt: at + 7_200_000 });
    assert.equal(outcome, "settled");
    assert.deepEqual(await amountsAt(ledger, hour), [300, 0, 30, 0]);
    assert.equal((await ledger.hold(holdOf("h2", [hour], { costMicroUsd: 700 }))).ok, true);
  },

  "a settlement above the hold is booked as it is, and then nothing more fits": async (ledger) => {
    const day = counterOf("global", "day", { cost: 1000 });
    await ledger.hold(holdOf("h1", [day], { costMicroUsd: 1000 }));
    assert.equal(await ledger.settle("h1", spentOf(1200, 0)), "settled");
    assert.deepEqual(await amountsAt(ledger, day), [1200, 0, 0, 0]);
    assert.equal((await ledger.hold(holdOf("h2", [day], { costMicroUsd: 1 }))).ok, false);
  },

  "a second settlement changes nothing": async (ledger) => {
    const day = counterOf("global", "day");
    await ledger.hold(holdOf("h1", [day], { costMicroUsd: 10 }));
    assert.equal(await ledger.settle("h1", spentOf(7, 0)), "settled");
    assert.equal(await ledger.settle("h1", spentOf(9, 0)), "already_settled");
    assert.equal(await ledger.settle("h1", spentOf(9, 0, "estimated")), "already_settled");
    assert.deepEqual(await amountsAt(ledger, day), [7, 0, 0, 0]);
  },

  "a known amount replaces an estimate, once": async (ledger) => {
    const day = counterOf("global", "day");
    await ledger.hold(holdOf("h1", [day], { costMicroUsd: 100, tokens: 50 }));
    assert.equal(await ledger.settle("h1", spentOf(100, 50, "estimated")), "settled");
    assert.equal(await ledger.settle("h1", spentOf(100, 50, "estimated")), "already_settled");
    assert.equal(await ledger.settle("h1", spentOf(40, 20, "reported")), "corrected");
    assert.equal(await ledger.settle("h1", spentOf(1, 1, "metered")), "already_settled");
    assert.deepEqual(await amountsAt(ledger, day), [40, 0, 20, 0]);
  },

  "settling what was never held says so": async (ledger) => {
    assert.equal(await ledger.settle("nobody", spentOf(1, 1)), "unknown");
  },

  "a hold is ended by a settlement that was asked for before it answered": async (ledger) => {
    const day = counterOf("global", "day", { cost: 10 });
    const held = ledger.hold(holdOf("h1", [day], { costMicroUsd: 10 }));
    const settled = ledger.settle("h1", spentOf(0, 0, "none"));
    const next = ledger.hold(holdOf("h2", [day], { costMicroUsd: 10 }));
    assert.deepEqual([await held, await settled, await next], [{ ok: true }, "settled", { ok: true }]);
    await ledger.settle("h2", spentOf(0, 0, "none"));
    assert.deepEqual(await ledger.openHolds(), []);
    assert.deepEqual(await amountsAt(ledger, day), [0, 0, 0, 0]);
  },

  "the levels of all scopes that begin so are listed, in the windows asked for": async (ledger) => {
    const total = { window: "total", windowStart: 0 } as const;
    const scopes = ["tenant:b", "tenant:a", "tenant_x", "worker:tenant:", "tenant:"];
    for (const [index, scope] of scopes.entries()) {
      const counters = [counterOf(scope, "total"), counterOf(scope, "day")];
      await ledger.charge(holdOf(`h${index}`, counters), spentOf(10 + index, 0));
    }
    const found = await ledger.levelsBelow("tenant:", [total]);
    assert.deepEqual(
      found.map((level) => [level.scope, level.window, level.costSpentMicroUsd]),
      [
        ["tenant:", "total", 14],
        ["tenant:a", "total", 11],
        ["tenant:b", "total", 10],
      ],
    );
    const both = await ledger.levelsBelow("tenant:a", [total, counterOf("", "day")]);
    assert.deepEqual(both.map(({ window }) => window).toSorted(), ["day", "total"]);
    assert.deepEqual(await ledger.levelsBelow("tenant:", []), []);
  },

  "a hold id is never used twice": async (ledger) => {
    const day = counterOf("global", "day");
    await ledger.hold(holdOf("h1", [day], { costMicroUsd: 10 }));
    await assert.rejects(ledger.hold(holdOf("h1", [day], { costMicroUsd: 10 })), { code: "AC_INTERNAL" });
    await ledger.settle("h1", spentOf(1, 0));
    await assert.rejects(ledger.hold(holdOf("h1", [day], { costMicroUsd: 10 })), { code: "AC_INTERNAL" });
    assert.deepEqual(await amountsAt(ledger, day), [1, 0, 0, 0]);
  },

  "a charge without a hold is booked, and its id is used up": async (ledger) => {
    const day = counterOf("global", "day", { cost: 10 });
    await ledger.charge(holdOf("c1", [day]), spentOf(25, 5));
    assert.deepEqual(await amountsAt(ledger, day), [25, 0, 5, 0]);
    assert.equal((await ledger.hold(holdOf("h1", [day], { costMicroUsd: 1 }))).ok, false);
    await assert.rejects(ledger.charge(holdOf("c1", [day]), spentOf(1, 1)), { code: "AC_INTERNAL" });
    assert.deepEqual(await amountsAt(ledger, day), [25, 0, 5, 0]);
  },

  "open holds are listed whole, oldest first, until they are settled": async (ledger) => {
    const day = counterOf("global", "day", { cost: 1000, tokens: 5 });
    const late = holdOf("h-late", [day], { costMicroUsd: 1, heldAt: at + 5 });
    const early = holdOf("h-early", [day, counterOf("job:j", "total")], {
      tokens: 2,
      owner: { pid: 1, startTicks: null, bootId: null },
    });
    await ledger.hold(late);
    await ledger.hold(early);
    assert.deepEqual(await ledger.openHolds(), [early, late]);
    await ledger.settle("h-early", spentOf(0, 0, "none"));
    assert.deepEqual(await ledger.openHolds(), [late]);
  },

  "of many holds at once, exactly as many are granted as fit": async (ledger) => {
    const day = counterOf("global", "day", { cost: 1000 });
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, (_, i) => ledger.hold(holdOf(`h${i}`, [day], { costMicroUsd: 90 }))),
    );
    assert.equal(outcomes.filter((outcome) => outcome.ok).length, 11);
    assert.deepEqual(await amountsAt(ledger, day), [0, 990, 0, 0]);
  },

  "calls made in one tick take effect in their order": async (ledger) => {
    const day = counterOf("global", "day", { cost: 100 });
    const outcomes = await Promise.all([
      ledger.hold(holdOf("h1", [day], { costMicroUsd: 100 })),
      ledger.settle("h1", spentOf(30, 0)),
      ledger.hold(holdOf("h2", [day], { costMicroUsd: 70 })),
      ledger.hold(holdOf("h3", [day], { costMicroUsd: 1 })),
    ]);
    assert.equal(outcomes[1], "settled");
    assert.deepEqual(outcomes[2], { ok: true });
    assert.equal((outcomes[3] as { ok: boolean }).ok, false);
    assert.deepEqual(await amountsAt(ledger, day), [30, 70, 0, 0]);
  },
};

/** Only for a ledger that can be opened again. */
const sharedChecks: Readonly<Record<string, Check>> = {
  "what was acknowledged is there when the ledger is opened again": async (ledger, opened) => {
    const day = counterOf("global", "day", { cost: 1000 });
    await ledger.hold(holdOf("h1", [day], { costMicroUsd: 300 }));
    await ledger.hold(holdOf("h2", [day], { costMicroUsd: 200 }));
    await ledger.settle("h1", spentOf(100, 9));
    const again = await reopen(opened);
    try {
      assert.deepEqual(await amountsAt(again.ledger, day), [100, 200, 9, 0]);
      assert.deepEqual(await again.ledger.openHolds(), [holdOf("h2", [day], { costMicroUsd: 200 })]);
      assert.equal(await again.ledger.settle("h2", spentOf(200, 0, "estimated")), "settled");
      assert.equal(await ledger.settle("h2", spentOf(50, 0)), "corrected");
      assert.deepEqual(await amountsAt(again.ledger, day), [150, 0, 9, 0]);
    } finally {
      await again.close();
    }
  },

  "holds at once over the same counters, named in different orders, all end, and the sums are right": async (
    ledger,
    opened,
  ) => {
    const counters = ["job:j", "worker:shell", "tenant:a", "global"].map((scope) => counterOf(scope, "day"));
    const again = await reopen(opened);
    try {
      for (let round = 0; round < 5; round += 1) {
        const ids = Array.from({ length: 24 }, (_, index) => `h${round}-${index}`);
        const of = (index: number): Ledger => (index % 2 === 0 ? ledger : again.ledger);
        // Each begins with another counter, and every second goes the other way round.
        const held = ids.map((id, index) => {
          const turned = [...counters.slice(index % 4), ...counters.slice(0, index % 4)];
          const order = index % 2 === 0 ? turned : turned.toReversed();
          return of(index).hold(holdOf(id, order, { costMicroUsd: 10, tokens: 1 }));
        });
        assert.deepEqual(
          await Promise.all(held),
          ids.map(() => ({ ok: true })),
        );
        await Promise.all(ids.map((id, index) => of(index + 1).settle(id, spentOf(3, 1))));
      }
      for (const counter of counters) assert.deepEqual(await amountsAt(ledger, counter), [360, 0, 120, 0]);
    } finally {
      await again.close();
    }
  },

  "two handles on one state cannot both have the last of a budget": async (ledger, opened) => {
    const day = counterOf("global", "day", { cost: 1000 });
    const again = await reopen(opened);
    try {
      const outcomes = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          (i % 2 === 0 ? ledger : again.ledger).hold(holdOf(`h${i}`, [day], { costMicroUsd: 90 })),
        ),
      );
      assert.equal(outcomes.filter((outcome) => outcome.ok).length, 11);
      assert.deepEqual(await amountsAt(ledger, day), [0, 990, 0, 0]);
    } finally {
      await again.close();
    }
  },
};

const dayMs = 86_400_000;

/** Only for a durable ledger, opened to keep what ended for a day. */
const retentionChecks: Readonly<Record<string, Check>> = {
  "settled holds and ended counters are forgotten after the time to keep them, open holds and lasting totals never":
    async (ledger) => {
      const counters = [
        counterOf("global", "day"),
        counterOf("global", "total"),
        counterOf("job:j1", "total"),
      ] as const;
      const amounts = { costMicroUsd: 5, heldAt: 1000 };
      const spent: Spent = { ...spentOf(3, 1), settledAt: 1000 };
      await ledger.hold(holdOf("settled", counters, amounts));
      await ledger.settle("settled", spent);
      await ledger.hold(holdOf("open", [counters[1]], amounts));
      await ledger.charge(holdOf("later", [], { heldAt: 1000 + 3 * dayMs }), spent);

      assert.equal(await ledger.settle("settled", spent), "unknown");
      const levels = await ledger.levels(counters);
      assert.deepEqual(
        levels.map((level) => level.costSpentMicroUsd),
        [0, 3, 0],
      );
      assert.deepEqual(
        (await ledger.openHolds()).map((hold) => hold.holdId),
        ["open"],
      );
    },
};

async function reopen(opened: OpenLedger): Promise<OpenLedger> {
  assert.ok(opened.reopen !== undefined);
  return opened.reopen();
}

/** The cases. Those about reopening and about retention are included only if `harness` has shared ledgers. */
export function ledgerConformanceCases(
  harness: LedgerHarness,
  options: { readonly shared: boolean },
): readonly ConformanceCase[] {
  const run = (check: Check, opened: OpenLedger) => check(opened.ledger, opened);
  const open = () => harness.open();
  if (!options.shared) return conformanceCases(open, checks, run);
  return [
    ...conformanceCases(open, { ...checks, ...sharedChecks }, run),
    ...conformanceCases(() => harness.open(dayMs), retentionChecks, run),
  ];
}
