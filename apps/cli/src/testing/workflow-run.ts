/** Steps and results of workflow runs as data, for tests of what shows them. */
import type { RunResult, StepReport } from "@agentcore/workflow";

/** A step that succeeded in 2.3 s. */
export function testReport(rest: Partial<StepReport>): StepReport {
  return {
    id: "build",
    status: "SUCCEEDED",
    reason: "",
    errorClass: null,
    code: null,
    attempts: 1,
    iterations: 1,
    loops: false,
    startedAt: 1_700_000_000_000,
    endedAt: 1_700_000_002_300,
    costUsd: 0,
    tokens: 0,
    artifacts: [],
    ...rest,
  };
}

/** A run of 5 s that failed and cost half a dollar. */
export function testRunResult(steps: readonly StepReport[]): RunResult {
  return {
    run: "run-1",
    outcome: "FAILED",
    reason: 'step "b" failed',
    code: null,
    steps,
    spent: { costUsd: 0.5, tokens: 10 },
    startedAt: 1_700_000_000_000,
    endedAt: 1_700_000_005_000,
  };
}
