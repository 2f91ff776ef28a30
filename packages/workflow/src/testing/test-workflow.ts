/** Workflows as data, for tests of what works on a parsed one. */
import type {
  Convergence,
  Loop,
  Stall,
  StallProbe,
  StallReaction,
  Step,
  StepAction,
  WorkSpec,
  Workflow,
} from "../definition.ts";

export function shellWork(script: string, rest: Partial<WorkSpec> = {}): WorkSpec {
  return {
    worker: "shell",
    instructions: script,
    capabilities: ["run_commands"],
    model: null,
    args: [],
    variant: null,
    maxSteps: null,
    maxCommandTimeMs: null,
    ...rest,
  };
}

export function shellStep(id: string, script: string, rest: Partial<Step> = {}): Step {
  return testStep(id, { kind: "worker", work: shellWork(script) }, rest);
}

export function testLoop(check: WorkSpec, rest: Partial<Loop> = {}): Loop {
  return {
    check,
    checkEnv: new Map(),
    checkTimeoutMs: null,
    checkStall: null,
    decisionFile: null,
    maxIterations: 4,
    onExhausted: "abort",
    undecidedMax: 3,
    convergence: null,
    ...rest,
  };
}

/** A loop of at most five iterations with a script as its check. */
export function shellLoop(script: string, rest: Partial<Loop> = {}): Loop {
  return testLoop(shellWork(script), { maxIterations: 5, ...rest });
}

/** It has one stage, and fails there. */
export function testConvergence(rest: Partial<Convergence> = {}): Convergence {
  return {
    stallThreshold: 1,
    maxStage: 1,
    failOnMaxStage: true,
    stages: new Map(),
    allowedPaths: [],
    ignoredPaths: [],
    diffBaseRef: null,
    diffBaseRefFile: null,
    maxChangedFiles: null,
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
    values: [],
    env: new Map(),
    secrets: [],
    timeoutMs: null,
    maxRetries: 0,
    retry: null,
    onFailure: "abort",
    loop: null,
    stall: null,
    budget: null,
    condition: null,
    matrix: new Map(),
    matrixLists: new Map(),
    isolation: "none",
    merge: "none",
    verify: null,
    cache: null,
    isFinal: false,
    ...rest,
  };
}

export type SubWorkflow = Extract<StepAction, { kind: "workflow" }>;

/** The action of a step that runs `workflow`, which exports nothing. */
export function subWorkflow(workflow: Workflow, rest: Partial<SubWorkflow> = {}): SubWorkflow {
  return {
    kind: "workflow",
    workflow,
    with: new Map(),
    exports: [],
    valueExports: [],
    exportsMode: "merge",
    bubbleEvents: false,
    eventPrefix: null,
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
    group: null,
    notify: [],
    contextDir: "context",
    budget: null,
    branch: { createBranch: false, transitionStep: null, expectedWorkBranch: null },
    inputs: new Map(),
    telemetry: null,
    steps,
    ...rest,
  };
}

/** A `stall` that watches nothing unless `rest` says otherwise. */
export function testStall(rest: Partial<Stall> = {}): Stall {
  return {
    noOutputTimeoutMs: null,
    activitySource: "worker_event",
    probe: null,
    onStall: testReaction(),
    onTerminal: testReaction({ action: "fail" }),
    ...rest,
  };
}

export function testReaction(rest: Partial<StallReaction> = {}): StallReaction {
  return { action: "interrupt", errorClass: null, fingerprintPrefix: [], asIncomplete: false, ...rest };
}

export function testProbe(rest: Partial<StallProbe> = {}): StallProbe {
  return {
    intervalMs: 1000,
    timeoutMs: 10_000,
    command: "true",
    stallThreshold: 2,
    requireZeroExit: false,
    onProbeError: "ignore",
    probeErrorThreshold: 3,
    captureStderr: false,
    ...rest,
  };
}
