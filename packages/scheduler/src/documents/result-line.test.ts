import { expect, it } from "vitest";
import { resultLineSchema, type WorkerResult } from "@agentcore/contract";
import { resultLine } from "./result-line.ts";

const attempt: WorkerResult = {
  outcome: "failed",
  errorClass: "task_failed",
  code: "AC_WORKER_EXIT",
  retryAfterMs: null,
  summary: "exit code 1",
  artifacts: [],
  observations: { commands: [], filesChanged: ["a"] },
  usage: { inputTokens: 10, cachedInputTokens: null, outputTokens: 1 },
  costUsd: 0.5,
  costBasis: "reported",
  session: "s1",
  exitCode: 1,
  containment: null,
  startedAt: 1000,
  durationMs: 500,
};

it("cost, tokens and time of all attempts add up, the rest is the last one's", () => {
  const last: WorkerResult = {
    ...attempt,
    outcome: "succeeded",
    errorClass: null,
    code: null,
    summary: "done",
    observations: { commands: [], filesChanged: ["b"] },
    usage: { inputTokens: 5, cachedInputTokens: 2, outputTokens: null },
    costUsd: 0.25,
    costBasis: "estimated",
    startedAt: 3000,
    durationMs: 700,
  };
  const line = resultLine("j", [attempt, last], null);
  expect(resultLineSchema.parse(line)).toEqual(line);
  expect(line).toMatchObject({
    outcome: "succeeded",
    attempts: 2,
    costUsd: 0.75,
    costBasis: "estimated",
    usage: { inputTokens: 15, cachedInputTokens: 2, outputTokens: 1 },
    observations: { filesChanged: ["b"] },
    durationMs: 2700,
  });
});

it("what no attempt knows stays unknown", () => {
  const unknown: WorkerResult = {
    ...attempt,
    costUsd: null,
    costBasis: "none",
    usage: { inputTokens: null, cachedInputTokens: null, outputTokens: null },
  };
  expect(resultLine("j", [unknown, unknown], null)).toMatchObject({
    costUsd: null,
    costBasis: "none",
    usage: { inputTokens: null, cachedInputTokens: null, outputTokens: null },
  });
});

it("a job that never ran has a result line too", () => {
  const line = resultLine("j", [], {
    outcome: "failed",
    errorClass: "budget_exhausted",
    code: "AC_BUDGET_COST",
    summary: "nothing left",
  });
  expect(resultLineSchema.parse(line)).toEqual(line);
  expect(line).toMatchObject({
    attempts: 0,
    costUsd: null,
    costBasis: "none",
    durationMs: 0,
    containment: null,
  });
});

it("an end that was not the last attempt's wins over its outcome", () => {
  const line = resultLine("j", [attempt], {
    outcome: "cancelled",
    errorClass: "cancelled",
    code: "AC_CANCELLED",
    summary: "Ctrl-C",
  });
  expect(line).toMatchObject({ outcome: "cancelled", code: "AC_CANCELLED", attempts: 1, costUsd: 0.5 });
});
