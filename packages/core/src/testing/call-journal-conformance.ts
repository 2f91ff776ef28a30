/**
 * What every {@link CallJournal} must do, as cases that any test runner can run. Each case opens a journal of its own. A
 * durable implementation gives `reopen`, which opens the same state again, beside the first, as another process would.
 */
import assert from "node:assert/strict";
import { noCallUsage, type ProviderCall } from "@agentcore/contract";
import type { CallJournal } from "../spend/spend-gate.ts";
import { type ConformanceCase, conformanceCases } from "./conformance.ts";

export interface OpenCallJournal {
  readonly journal: CallJournal;
  /** The same state through another handle, as another process sees it; absent if the journal is not durable. */
  readonly reopen?: () => Promise<OpenCallJournal>;
  close(): Promise<void>;
}

/** An open call with changes. */
export function openCall(change: Partial<ProviderCall> = {}): ProviderCall {
  return {
    id: "c1",
    permitId: "p1",
    jobId: "j1",
    attempt: 1,
    provider: "anthropic",
    protocol: "anthropic-messages",
    model: "claude-opus-5",
    startedAt: Date.UTC(2026, 10, 30, 12),
    endedAt: null,
    outcome: "open",
    status: null,
    usage: null,
    costMicroUsd: 90_000,
    tokens: 40_000,
    estimated: true,
    priceSource: "genai-prices 0.1.8, 2026-11-02",
    ...change,
  };
}

/** The end of a call, with changes. */
export function endedCall(call: ProviderCall, change: Partial<ProviderCall> = {}): ProviderCall {
  return {
    ...call,
    endedAt: call.startedAt + 1234.5,
    outcome: "completed",
    status: 200,
    usage: {
      ...noCallUsage,
      inputTokens: 1200,
      cacheReadTokens: 30,
      outputTokens: 7,
      serviceTier: "standard",
    },
    costMicroUsd: 4321,
    tokens: 1237,
    estimated: false,
    ...change,
  };
}

const idsOf = (calls: readonly ProviderCall[]): readonly string[] => calls.map(({ id }) => id);

type Check = (opened: OpenCallJournal) => Promise<void>;

const checks: Readonly<Record<string, Check>> = {
  "what was begun is listed as it was written, and what was ended as it ended": async ({ journal }) => {
    const first = openCall();
    const bare = openCall({ id: "c2", model: null, priceSource: null, costMicroUsd: 0, tokens: 0 });
    await journal.begin(first);
    await journal.begin(bare);
    assert.deepEqual(await journal.calls("p1"), [first, bare]);
    const failed = endedCall(bare, { outcome: "failed", status: null, usage: null, estimated: true });
    await journal.end(failed);
    await journal.end(endedCall(first));
    assert.deepEqual(await journal.calls("p1"), [endedCall(first), failed]);
  },

  "a permit and a job without calls have none": async ({ journal }) => {
    assert.deepEqual(await journal.calls("p1"), []);
    assert.deepEqual(await journal.callsOfJob("j1"), []);
    assert.deepEqual(await journal.attemptsOfJob("j1"), []);
  },

  "calls are listed in the order of their start, whatever the clock said and however they ended": async ({
    journal,
  }) => {
    const calls = ["c1", "c3", "c2"].map((id, index) => openCall({ id, startedAt: 1000 - index }));
    await Promise.all(calls.map((call) => journal.begin(call)));
    await journal.end(endedCall(calls[2]!));
    await journal.end(endedCall(calls[0]!));
    assert.deepEqual(idsOf(await journal.calls("p1")), ["c1", "c3", "c2"]);
  },

  "the same id under another permit is another call": async ({ journal }) => {
    await journal.begin(openCall());
    await journal.begin(openCall({ permitId: "p2", attempt: 2 }));
    await journal.end(endedCall(openCall({ permitId: "p2", attempt: 2 })));
    assert.deepEqual(await journal.calls("p1"), [openCall()]);
    assert.equal((await journal.calls("p2"))[0]?.outcome, "completed");
  },

  "a call is begun once": async ({ journal }) => {
    await journal.begin(openCall());
    await assert.rejects(journal.begin(openCall({ costMicroUsd: 1 })), { code: "AC_INTERNAL" });
    await journal.end(endedCall(openCall()));
    await assert.rejects(journal.begin(openCall()), { code: "AC_INTERNAL" });
    assert.deepEqual(await journal.calls("p1"), [endedCall(openCall())]);
  },

  "an end without a start is kept, and one that is repeated changes nothing": async ({ journal }) => {
    const call = endedCall(openCall());
    await journal.end(call);
    await journal.end(call);
    assert.deepEqual(await journal.calls("p1"), [call]);
  },

  "an end asked for before its start has answered comes after it": async ({ journal }) => {
    await Promise.all([journal.begin(openCall()), journal.end(endedCall(openCall()))]);
    assert.deepEqual(await journal.calls("p1"), [endedCall(openCall())]);
  },

  "the calls of a job are those of all its attempts, and of no other job": async ({ journal }) => {
    await journal.begin(openCall({ id: "a1" }));
    await journal.begin(openCall({ id: "x1", permitId: "px", jobId: "j10" }));
    await journal.begin(openCall({ id: "a2" }));
    await journal.begin(openCall({ id: "b1", permitId: "p2", attempt: 2 }));
    const calls = await journal.callsOfJob("j1");
    assert.deepEqual(
      calls.map(({ id, attempt }) => [id, attempt]),
      [
        ["a1", 1],
        ["a2", 1],
        ["b1", 2],
      ],
    );
    assert.deepEqual(idsOf(await journal.callsOfJob("j1", 2)), ["a2", "b1"]);
  },

  "the calls of each attempt are counted, what is open apart from what is charged": async ({ journal }) => {
    await journal.begin(openCall({ id: "b1", permitId: "p2", attempt: 2 }));
    await journal.end(endedCall(openCall({ id: "a1" })));
    await journal.end(endedCall(openCall({ id: "a2" }), { estimated: true, outcome: "cancelled" }));
    await journal.begin(openCall({ id: "x1", permitId: "px", jobId: "j10" }));
    await journal.end(endedCall(openCall({ id: "b2", permitId: "p2", attempt: 2 })));
    assert.deepEqual(await journal.attemptsOfJob("j1"), [
      {
        attempt: 1,
        calls: 2,
        openCalls: 0,
        costMicroUsd: 8642,
        tokens: 2474,
        heldMicroUsd: 0,
        estimated: true,
      },
      {
        attempt: 2,
        calls: 2,
        openCalls: 1,
        costMicroUsd: 4321,
        tokens: 1237,
        heldMicroUsd: 90_000,
        estimated: false,
      },
    ]);
  },
};

/** Only for a journal that can be opened again. */
const durableChecks: Readonly<Record<string, Check>> = {
  "what was acknowledged is there when the journal is opened again": async ({ journal, reopen }) => {
    await journal.begin(openCall());
    await journal.begin(openCall({ id: "c2" }));
    await journal.end(endedCall(openCall()));
    assert.ok(reopen !== undefined);
    const again = await reopen();
    try {
      assert.deepEqual(await again.journal.calls("p1"), [endedCall(openCall()), openCall({ id: "c2" })]);
      await again.journal.end(endedCall(openCall({ id: "c2" })));
    } finally {
      await again.close();
    }
    assert.equal((await journal.calls("p1"))[1]?.outcome, "completed");
  },
};

export function callJournalConformanceCases(
  open: () => Promise<OpenCallJournal>,
  options: { readonly durable: boolean },
): readonly ConformanceCase[] {
  const all = options.durable ? { ...checks, ...durableChecks } : checks;
  return conformanceCases(open, all, (check, opened) => check(opened));
}
