import { jobSchema, type ProviderCall } from "@agentcore/contract";
import { endedCall, openCall } from "@agentcore/core/testing";
import { jobDetailsDocument, type JobRecord } from "@agentcore/scheduler";
import { expect, it } from "vitest";
import { callLines, meteredText } from "./call-screen.ts";
import { textOf } from "./line.ts";

const record: JobRecord = {
  job: jobSchema.parse({
    id: "j1",
    task: { worker: "codex", workspace: "/w", instructions: "x", capabilities: ["read"] },
    limits: { timeoutMs: 600_000, maxAttempts: 1 },
  }),
  state: { kind: "running", owner: "o", claimedAt: 0, started: null, cancelRequested: null },
  submittedAt: 0,
  attempt: 1,
  epoch: 1,
  spent: { costUsd: 0, tokens: 0 },
  rank: 0,
  readyFrom: 0,
  concurrencyKey: null,
  result: null,
};

const attempt = {
  jobId: "j1",
  attempt: 1,
  owner: "o",
  claimedAt: 0,
  started: null,
  endedAt: null,
  result: null,
  decision: null,
} as const;

function detailsOf(latest: readonly ProviderCall[], calls: number) {
  const counted = { attempt: 1, calls, openCalls: 1, costMicroUsd: 8642, tokens: 2474 };
  const attempts = [{ ...counted, heldMicroUsd: 90_000, estimated: true }];
  return jobDetailsDocument(record, [attempt], [], { latest, attempts });
}

it("shows each call with what it cost, what is only estimated, and what an open one can cost", () => {
  const calls = [
    endedCall(openCall({ id: "c1" })),
    endedCall(openCall({ id: "c2" }), { outcome: "cancelled", estimated: true, usage: null }),
    endedCall(openCall({ id: "c3" }), { outcome: "failed", status: 529, usage: null, costMicroUsd: 0 }),
    openCall({ id: "c4", priceSource: null }),
  ];
  const { calls: shown, earlierCalls, attempts } = detailsOf(calls, 7);
  expect(callLines(shown, earlierCalls).map(textOf)).toEqual([
    "  CALL OF    MODEL                       IN  CACHED  WRITTEN  OUT      COST  TOOK  ENDED        PRICE",
    "  attempt 1  anthropic/claude-opus-5  1,200      30        0    7   $0.0043  1.2s  completed    genai-prices 0.1.8, 2026-11-02",
    "  attempt 1  anthropic/claude-opus-5      –       –        –    –  ~$0.0043  1.2s  cancelled    genai-prices 0.1.8, 2026-11-02",
    "  attempt 1  anthropic/claude-opus-5      –       –        –    –        $0  1.2s  failed, 529  genai-prices 0.1.8, 2026-11-02",
    "  attempt 1  anthropic/claude-opus-5      –       –        –    –  ≤$0.0900     –  open         no price",
    "  and 3 earlier",
  ]);
  expect(meteredText(attempts[0]!)).toBe(
    "7 calls, 2,474 tokens, $0.0086 so far (partly estimated), 1 open, which can cost $0.09",
  );
});

it("a document has the latest 50 calls, and the number of the others", () => {
  const calls = Array.from({ length: 60 }, (_, at) => endedCall(openCall({ id: `c${at}` })));
  const { calls: shown, earlierCalls } = detailsOf(calls, 70);
  expect([shown.length, shown[0]?.id, earlierCalls]).toEqual([50, "c10", 20]);
  expect(callLines([], 0)).toEqual([]);
});
