import { jobSubmissionSchema } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import type { WorkSpec } from "../definition.ts";
import { shellWork, testProbe, testStall } from "../testing/test-workflow.ts";
import { jobFor, withStages, type PieceRequest } from "./job-request.ts";

const request = (rest: Partial<PieceRequest> = {}): PieceRequest => ({
  jobId: "job-1",
  runId: "run-1",
  rootRunId: "run-1",
  variables: {},
  secrets: [],
  workflowName: "ci",
  stepId: "build",
  piece: "work",
  repeatsLost: true,
  work: shellWork("make"),
  instructions: "make all",
  workspace: "/projects/a",
  contextDir: "/projects/context",
  iteration: 2,
  verify: null,
  stall: null,
  ceiling: { costUsd: null, tokens: null },
  timeoutMs: 1000.5,
  base: null,
  ...rest,
});

describe("the job of a step", () => {
  it("is one that the scheduler takes, repeats only what was lost, and knows its place", () => {
    const job = jobFor(request());
    expect(jobSubmissionSchema.parse(job)).toMatchObject({
      id: "job-1",
      task: { worker: "shell", workspace: "/projects/a", instructions: "make all" },
      limits: { timeoutMs: 1001, maxAttempts: 100 },
      retry: { retryOn: ["lost"] },
      context: {
        labels: {
          "workflow.run": "run-1",
          "workflow.step": "build",
          "workflow.piece": "work",
          "workflow.iteration": "2",
        },
      },
    });
    expect(job.task.env).toEqual({
      AGENTCORE_WORKFLOW_ID: "run-1",
      AGENTCORE_STEP_ID: "build",
      AGENTCORE_CONTEXT_DIR: "/projects/context",
      AGENTCORE_ITERATION: "2",
    });
  });

  it.each([
    ["/projects/a", "/projects/a/context", ["context"]],
    ["/projects/a", "/projects/a/out/run", ["out/run"]],
    ["/projects/a/part", "/projects/a/context", undefined],
    ["/projects/a", "/projects/a", undefined],
  ])("in %s with its records in %s leaves unobserved: %s", (workspace, contextDir, expected) => {
    expect(jobFor(request({ workspace, contextDir })).task.unobserved).toEqual(expected);
  });

  it("has its ceilings, its base and, for a check, the check's id", () => {
    const base = { root: "/projects/a", gitDir: "/projects/.git", branch: "work", sha: "abc" };
    const job = jobFor(
      request({ piece: "check", ceiling: { costUsd: 0.5, tokens: 10 }, base, timeoutMs: Infinity }),
    );
    expect(job.limits).toMatchObject({ maxCostUsd: 0.5, maxTokens: 10, timeoutMs: 7 * 86_400_000 });
    expect(job.task.env).toMatchObject({
      BASE_BRANCH: "work",
      BASE_SHA: "abc",
      AGENTCORE_COMPLETION_CHECK_ID: "job-1",
      ROBOPPI_COMPLETION_CHECK_ID: "job-1",
    });
  });

  it.each<[string, Partial<WorkSpec>, object]>([
    [
      "an agent's settings are the task's",
      { worker: "opencode", variant: "high", maxSteps: 5, maxCommandTimeMs: 90_000, args: ["--thinking"] },
      { task: { variant: "high", maxSteps: 5, maxCommandTimeMs: 90_000, args: ["--thinking"] } },
    ],
    [
      "the time of a script's one command is the script's",
      { worker: "shell", maxCommandTimeMs: 500 },
      { limits: { timeoutMs: 500 } },
    ],
    [
      "the time of a script's one command lengthens nothing",
      { worker: "shell", maxCommandTimeMs: 5000 },
      { limits: { timeoutMs: 1001 } },
    ],
  ])("%s", (_what, rest, expected) => {
    const job = jobFor(request({ work: shellWork("make", rest) }));
    expect(jobSubmissionSchema.parse(job)).toMatchObject(expected);
    if (rest.worker === "shell") expect(job.task).not.toHaveProperty("maxCommandTimeMs");
  });

  it("asks the runtime for its guard", () => {
    const stall = testStall({ noOutputTimeoutMs: 700, probe: testProbe({ command: "./look.sh" }) });
    expect(jobSubmissionSchema.parse(jobFor(request({ stall })))).toMatchObject({
      task: { probe: { command: "./look.sh", stopsOn: ["stalled", "terminal"] } },
      limits: { silenceTimeoutMs: 700 },
    });
  });

  it.each([
    [0, "do"],
    [1, "do\n\nharder"],
    [5, "do\n\nharder\n\nor say why"],
  ])("at stage %i is asked %j", (stage, text) => {
    const stages = new Map([
      [3, "or say why"],
      [1, "harder"],
    ]);
    expect(withStages("do", stages, stage)).toBe(text);
  });
});
