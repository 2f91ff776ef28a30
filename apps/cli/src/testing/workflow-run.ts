/** Workflows, steps and results of runs as data, for tests of what shows them. */
import { parseWorkflow, type RunResult, type StepReport, type Workflow } from "@agentcore/workflow";

/** The workflow of `main.yaml`; the other files are its sub-workflows. Throws if it has mistakes. */
export async function parsedWorkflow(files: Readonly<Record<string, string>>): Promise<Workflow> {
  const parsed = await parseWorkflow({
    file: "/w/main.yaml",
    readFile: async (path) => files[path.replace("/w/", "")] ?? null,
  });
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join("\n"));
  return parsed.workflow;
}

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
    cached: false,
    cacheMiss: null,
    taken: false,
    retryAt: null,
    downtimeMs: 0,
    startedAt: 1_700_000_000_000,
    endedAt: 1_700_000_002_300,
    costUsd: null,
    tokens: 0,
    artifacts: [],
    values: {},
    jobId: null,
    output: "",
    log: null,
    isTolerated: false,
    isFinal: false,
    approval: null,
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
    costUsd: 0.5,
    startedAt: 1_700_000_000_000,
    endedAt: 1_700_000_005_000,
    downtimeMs: 0,
  };
}
