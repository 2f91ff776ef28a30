/** Workflows as data, for tests of what works on a parsed one. */
import type { Loop, Step, StepAction, WorkSpec, Workflow } from "../definition.ts";

export function shellWork(script: string, rest: Partial<WorkSpec> = {}): WorkSpec {
  return {
    worker: "shell",
    instructions: script,
    capabilities: ["run_commands"],
    model: null,
    args: [],
    settings: {},
    ...rest,
  };
}

export function shellStep(id: string, script: string, rest: Partial<Step> = {}): Step {
  return testStep(id, { kind: "worker", work: shellWork(script) }, rest);
}

export function testLoop(check: WorkSpec, rest: Partial<Loop> = {}): Loop {
  return {
    check,
    checkTimeoutMs: null,
    decisionFile: null,
    maxIterations: 4,
    onExhausted: "abort",
    undecidedMax: 3,
    convergence: null,
    ...rest,
  };
}

export function testStep(id: string, action: StepAction, rest: Partial<Step> = {}): Step {
  return {
    id,
    description: null,
    action,
    workspace: ".",
    dependsOn: [],
    inputs: [],
    outputs: [],
    timeoutMs: null,
    maxRetries: 0,
    onFailure: "abort",
    loop: null,
    stall: null,
    budget: null,
    condition: null,
    matrix: new Map(),
    isolation: "none",
    merge: "none",
    verify: null,
    ...rest,
  };
}

export function testWorkflow(steps: readonly Step[], rest: Partial<Workflow> = {}): Workflow {
  return {
    name: "test",
    description: null,
    file: "/test/workflow.yaml",
    hash: "hash",
    timeoutMs: 120_000,
    concurrency: null,
    contextDir: "context",
    budget: null,
    branch: { createBranch: false, transitionStep: null, expectedWorkBranch: null },
    inputs: new Map(),
    steps,
    ...rest,
  };
}
