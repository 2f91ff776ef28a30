import { expect, it } from "vitest";
import { reconcileHolds } from "./ledger-reconcile.ts";
import type { CounterKey, HoldEntry, LedgerOwner } from "./ledger.ts";
import { createMemoryLedger } from "./memory-ledger.ts";
import { createMemoryCallJournal } from "../spend/memory-journal.ts";
import { endedCall, openCall } from "../testing/call-journal-conformance.ts";

const total: CounterKey = { scope: "global", window: "total", windowStart: 0 };
const dead: LedgerOwner = { pid: 1, startTicks: 1, bootId: "before" };
const alive: LedgerOwner = { pid: 2, startTicks: 2, bootId: "now" };
const ownerIsDead = (owner: LedgerOwner) => owner.bootId === "before";

const hold = (holdId: string, owner: LedgerOwner): HoldEntry => ({
  holdId,
  jobId: holdId,
  attempt: 1,
  worker: "codex",
  owner,
  heldAt: 0,
  costMicroUsd: 100,
  tokens: 10,
  counters: [{ ...total, costCapMicroUsd: 1000, tokensCap: null }],
});

it("a hold of a dead owner is charged its bound, flagged as an estimate; one of a live owner stays", async () => {
  const ledger = createMemoryLedger();
  await ledger.hold(hold("lost", dead));
  await ledger.hold(hold("running", alive));
  const reconciled = await reconcileHolds(ledger, { ownerIsDead, now: 7 });
  expect(reconciled).toMatchObject([
    { hold: { holdId: "lost" }, spent: { costMicroUsd: 100, tokens: 10, basis: "estimated", settledAt: 7 } },
  ]);
  expect((await ledger.openHolds()).map(({ holdId }) => holdId)).toEqual(["running"]);
  expect(await ledger.levels([total])).toMatchObject([{ costSpentMicroUsd: 100, costHeldMicroUsd: 100 }]);
});

it("what the attempt's own record says is charged instead, also when it is found later", async () => {
  const ledger = createMemoryLedger();
  await ledger.hold(hold("recorded", dead));
  await ledger.hold(hold("unrecorded", dead));
  const record = { costMicroUsd: 30, tokens: 3, basis: "reported" } as const;
  const recordedSpending = async ({ holdId }: HoldEntry) => (holdId === "recorded" ? record : null);
  await reconcileHolds(ledger, { ownerIsDead, recordedSpending, now: 7 });
  expect(await ledger.levels([total])).toMatchObject([{ costSpentMicroUsd: 130, costHeldMicroUsd: 0 }]);
  expect(await ledger.settle("unrecorded", { ...record, settledAt: 8 })).toBe("corrected");
  expect(await ledger.levels([total])).toMatchObject([{ costSpentMicroUsd: 60 }]);
});

it("metered calls are charged before any other record: the ended ones, and the bounds of those that were open", async () => {
  const ledger = createMemoryLedger();
  const calls = createMemoryCallJournal();
  for (const holdId of ["ended", "open", "guessed", "unmetered"]) await ledger.hold(hold(holdId, dead));
  const ofPermit = (permitId: string, id: string) => openCall({ permitId, id, costMicroUsd: 70, tokens: 6 });
  for (const permitId of ["ended", "open", "guessed"]) {
    await calls.begin(ofPermit(permitId, "first"));
    await calls.end(endedCall(ofPermit(permitId, "first"), { costMicroUsd: 41, tokens: 4 }));
  }
  await calls.begin(ofPermit("open", "second"));
  await calls.begin(ofPermit("guessed", "second"));
  await calls.end(endedCall(ofPermit("guessed", "second"), { costMicroUsd: 9, tokens: 1, estimated: true }));
  const recordedSpending = async () => ({ costMicroUsd: 3, tokens: 3, basis: "reported" }) as const;
  const settled = await reconcileHolds(ledger, { ownerIsDead, calls, recordedSpending, now: 7 });
  expect(settled.map(({ hold: { holdId }, spent }) => [holdId, spent])).toEqual([
    ["ended", { costMicroUsd: 41, tokens: 4, basis: "metered", settledAt: 7 }],
    ["open", { costMicroUsd: 111, tokens: 10, basis: "estimated", settledAt: 7 }],
    ["guessed", { costMicroUsd: 50, tokens: 5, basis: "estimated", settledAt: 7 }],
    ["unmetered", { costMicroUsd: 3, tokens: 3, basis: "reported", settledAt: 7 }],
  ]);
});

it("of two processes that reconcile at once, one settles", async () => {
  const ledger = createMemoryLedger();
  await ledger.hold(hold("lost", dead));
  const both = await Promise.all([1, 2].map((now) => reconcileHolds(ledger, { ownerIsDead, now })));
  expect(both.flat()).toHaveLength(1);
  expect(await ledger.levels([total])).toMatchObject([{ costSpentMicroUsd: 100 }]);
});

it.each([
  [
    "amounts that are none",
    async () => ({ costMicroUsd: 1e19, tokens: Number.NaN, basis: "reported" as const }),
  ],
  ["records that cannot be read", async () => Promise.reject(new Error("not JSON"))],
])("%s are charged the bound, and keep no process from its start", async (_name, recordedSpending) => {
  const ledger = createMemoryLedger();
  await ledger.hold(hold("lost", dead));
  await ledger.hold(hold("other", dead));
  const settled = await reconcileHolds(ledger, { ownerIsDead, recordedSpending, now: 7 });
  expect(settled.map(({ spent }) => [spent.costMicroUsd, spent.basis])).toEqual([
    [100, "estimated"],
    [100, "estimated"],
  ]);
  expect(await ledger.openHolds()).toEqual([]);
});

it("a hold of another place is never judged by its process: it is settled once no scheduler of that place is registered", async () => {
  const ledger = createMemoryLedger();
  const calls = createMemoryCallJournal();
  const at = (place: string): LedgerOwner => ({ ...dead, place });
  await ledger.hold(hold("here", at("a:/state")));
  await ledger.hold(hold("registered", at("b:/state")));
  await ledger.hold(hold("metered", at("c:/state")));
  await ledger.hold(hold("unmetered", at("c:/state")));
  await ledger.hold(hold("from before", dead));
  await ledger.hold(hold("alive here", { ...alive, place: "a:/state" }));
  const call = openCall({ permitId: "metered", id: "first", costMicroUsd: 70, tokens: 6 });
  await calls.begin(call);
  await calls.end(endedCall(call, { costMicroUsd: 41, tokens: 4 }));
  const asked: string[] = [];
  const options = {
    ownerIsDead,
    calls,
    places: { own: "a:/state", registered: new Set(["a:/state", "b:/state"]) },
    recordedSpending: async ({ holdId }: HoldEntry) => {
      asked.push(holdId);
      return { costMicroUsd: 0, tokens: 0, basis: "reported" } as const;
    },
    now: 7,
  };
  const settled = await reconcileHolds(ledger, options);
  expect(settled.map(({ hold: { holdId }, spent }) => [holdId, spent.costMicroUsd, spent.basis])).toEqual([
    ["here", 0, "reported"],
    ["metered", 41, "metered"],
    ["unmetered", 100, "estimated"],
    ["from before", 0, "reported"],
  ]);
  expect(asked).toEqual(["here", "from before"]);
  expect((await ledger.openHolds()).map(({ holdId }) => holdId)).toEqual(["registered", "alive here"]);
});
