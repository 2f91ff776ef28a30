import codexAdapter from "@agentcore/adapter-codex";
import type { WorkerAdapter } from "@agentcore/contract";
import { makeTemporaryDirectory, scriptedAdapter } from "@agentcore/worker-kit/testing";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createTranscriptSpending } from "./transcript-spending.ts";

const started = { type: "started", session: "s", model: "claude-sonnet-4-5" };
const usage = (inputTokens: number, costUsd: number | null) => ({
  type: "usage",
  usage: { inputTokens, cachedInputTokens: null, outputTokens: 0 },
  costUsd,
});
interface Expected {
  readonly costUsd: number;
  readonly inputTokens: number | null;
}
const billed: WorkerAdapter = { ...scriptedAdapter, provider: "anthropic" };

async function spendingOf(lines: readonly object[] | null, worker = "scripted", spendsOnlyByGate = false) {
  const attemptsDir = makeTemporaryDirectory("transcript");
  const task = { worker, workspace: "/w", instructions: "x", capabilities: [] };
  mkdirSync(join(attemptsDir, "job", "1"), { recursive: true });
  const text = lines?.map((line) => `${JSON.stringify(line)}\n`).join("");
  if (text !== undefined) writeFileSync(join(attemptsDir, "job", "1", "stdout.log"), text);
  const ask = createTranscriptSpending({
    attemptsDir,
    adapters: [billed],
    limits: { response_cost_usd: 0.25 },
  });
  return ask({ jobId: "job", attempt: 1, permitId: "p", task, maxCostUsd: 2, spendsOnlyByGate });
}

it.each<[string, readonly object[] | null, Expected | null]>([
  [
    "what was reported, and as much again as the costliest answer",
    [started, usage(100, 0.1), usage(500, 0.5), usage(600, 0.6)],
    { costUsd: 1, inputTokens: 1000 },
  ],
  ["tokens at list price", [started, usage(1_000_000, null)], { costUsd: 6, inputTokens: 2_000_000 }],
  [
    "what the worker said at its end",
    [usage(100, 0.1), { type: "result", ok: true, costUsd: 0.12 }],
    { costUsd: 0.12, inputTokens: 100 },
  ],
  ["nothing, where a model has no price", [{ ...started, model: "none" }, usage(100, null)], null],
  ["one response, where no answer came", [started], { costUsd: 0.25, inputTokens: null }],
  [
    "nothing, where answers came and nothing was reported",
    [started, { type: "text", text: "thinking" }],
    null,
  ],
  ["nothing, where the worker was never started", null, null],
])("%s", async (_name, lines, expected) => {
  const found = await spendingOf(lines);
  const { costUsd, inputTokens } = expected ?? { costUsd: 0, inputTokens: null };
  expect(found === null).toBe(expected === null);
  expect(found?.costUsd ?? 0).toBeCloseTo(costUsd);
  expect(found?.usage.inputTokens ?? null).toBe(inputTokens);
});

it("nothing, of a worker that this process does not know", async () => {
  expect(await spendingOf([usage(100, 0.1)], "other")).toBeNull();
});

it("what a worker wrote to the files of its HOME counts, one answer at a time", async () => {
  const attemptsDir = makeTemporaryDirectory("transcript");
  const directory = join(attemptsDir, "job", "1");
  const task = { worker: "codex", workspace: "/w", instructions: "x", capabilities: [], model: "gpt-5.5" };
  const sessions = join(directory, "home", ".codex", "sessions", "2026", "11", "29");
  mkdirSync(sessions, { recursive: true });
  writeFileSync(join(directory, "stdout.log"), `{"type":"thread.started","thread_id":"t"}\n`);
  const answers = [1, 2, 3].map((n) => {
    const payload = { response_id: `r${n}`, usage: { input_tokens: n * 1_000_000, output_tokens: 0 } };
    return `${JSON.stringify({ type: "token_usage_record", payload })}\n`;
  });
  writeFileSync(join(sessions, "rollout-a.jsonl"), answers.join(""));
  const ask = createTranscriptSpending({
    attemptsDir,
    adapters: [codexAdapter],
    limits: { response_cost_usd: 0.25 },
  });
  const lost = await ask({
    jobId: "job",
    attempt: 1,
    permitId: "p",
    task,
    maxCostUsd: 2,
    spendsOnlyByGate: false,
  });
  expect(lost?.usage.inputTokens).toBe(9_000_000);
  expect(lost?.costUsd).toBeGreaterThan(2);
});

it("an attempt that could spend only through the spend gate and has no calls there spent nothing, unless it printed an answer", async () => {
  const usageOfNothing = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 };
  const spentNothing = { costUsd: 0, usage: usageOfNothing, costBasis: "metered" };
  expect(await spendingOf(null, "scripted", true)).toEqual(spentNothing);
  expect(await spendingOf([started], "scripted", true)).toEqual(spentNothing);
  expect(await spendingOf([started, usage(500, 0.5)], "scripted", true)).toMatchObject({ costUsd: 1 });
});
