import { expect, it } from "vitest";
import { editsOf, noLimits, submissionOf } from "./limits.ts";

it("fields that are filled in become changes of the job, the others do not", () => {
  expect(editsOf(noLimits)).toEqual({});
  const all = { model: " opus ", minutes: "1.5", attempts: "3", costUsd: "0.25", tokens: "5000" };
  expect(editsOf(all)).toEqual({
    "task.model": "opus",
    "limits.timeoutMs": 90_000,
    "limits.maxAttempts": 3,
    "limits.maxCostUsd": 0.25,
    "limits.maxTokens": 5000,
  });
  const job = { worker: "shell", workspace: " /w ", instructions: " echo x\n", capabilities: ["edit"] };
  expect(submissionOf({ ...noLimits, ...job, attempts: "2", model: "m" })).toEqual({
    task: { ...job, workspace: "/w", model: "m" },
    limits: { maxAttempts: 2 },
  });
});

it.each([
  [{ minutes: "soon" }, "The time limit is not a number above 0."],
  [{ costUsd: "-1" }, "The cost limit is not a number above 0."],
  [{ attempts: "1.5" }, "The number of attempts is not a whole number."],
  [{ tokens: "Infinity" }, "The limit of tokens is not a number above 0."],
])("%j is refused by name", (fields, message) => {
  expect(() => editsOf({ ...noLimits, ...fields })).toThrow(message);
});
