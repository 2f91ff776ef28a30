import { workerTaskSchema } from "@agentcore/contract";
import { createMemoryCallJournal } from "@agentcore/core";
import { endedCall, openCall } from "@agentcore/core/testing";
import { expect, it } from "vitest";
import { createMeteredSpending } from "./metered-spending.ts";

const task = workerTaskSchema.parse({ worker: "codex", workspace: "/w", instructions: "do it" });
const lost = { jobId: "j1", attempt: 1, permitId: "p1", task, maxCostUsd: 5, spendsOnlyByGate: false };
const printed = { costUsd: 4, usage: { inputTokens: 1, cachedInputTokens: null, outputTokens: 1 } };

it("a lost attempt spent what its ended calls cost and its open ones can cost; one without calls, what it printed", async () => {
  const journal = createMemoryCallJournal();
  const spendingOf = createMeteredSpending(journal, async () => printed);
  expect(await spendingOf(lost)).toEqual(printed);
  await journal.begin(openCall());
  await journal.end(endedCall(openCall()));
  const ofEnded = { inputTokens: 1200, cachedInputTokens: 30, outputTokens: 7 };
  expect(await spendingOf(lost)).toEqual({ costUsd: 0.004321, usage: ofEnded, costBasis: "metered" });
  await journal.begin(openCall({ id: "c2" }));
  expect(await spendingOf(lost)).toEqual({
    costUsd: 0.094321,
    // The tokens that the open call can use.
    usage: { ...ofEnded, outputTokens: 40_007 },
    costBasis: "estimated",
  });
  expect(await spendingOf({ ...lost, permitId: "p2" })).toEqual(printed);
});
