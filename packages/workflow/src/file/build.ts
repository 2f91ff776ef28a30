/** Builds the definition that the planner and the runner use from the checked keys of the file. Pure. */
import type {
  ArtifactExport,
  Budget,
  ConcurrencyGroup,
  Convergence,
  InputDeclaration,
  Loop,
  RetryRules,
  Stall,
  Step,
  StepAction,
  Telemetry,
  WorkSpec,
  Workflow,
} from "../definition.ts";
import { guardedBy, stallOf } from "./build-stall.ts";
import type { AgentProfile, WorkflowFile } from "./file-schema.ts";
import { withDefaults } from "./defaults.ts";
import { rawOf, type Raw } from "@agentcore/yaml-file";
import type { FileCheck, FileConvergence, FileStep } from "./step-schema.ts";

export interface BuildContext {
  readonly file: string;
  readonly hash: string;
  readonly agents: ReadonlyMap<string, AgentProfile>;
  /** The sub-workflow of a step. */
  readonly child: (stepId: string) => Workflow;
}

type Sentinel = WorkflowFile["sentinel"];

/** Undecided completion checks in a row after which the step fails. */
const undecidedMax = 3;

export function buildWorkflow(file: WorkflowFile, context: BuildContext): Workflow {
  const profileOf = (agent: string): Raw => rawOf(context.agents.get(agent));
  const whole = (id: string, step: FileStep): Step =>
    stepOf(id, withDefaults(step, file.defaults ?? {}, profileOf), file, context);
  return {
    name: file.name,
    description: file.description ?? null,
    file: context.file,
    hash: context.hash,
    timeoutMs: file.timeout,
    concurrency: file.concurrency ?? null,
    group: groupOf(file.concurrency_group),
    notify: (file.notify ?? []).map(({ on, command = null, webhook = null }) => ({
      on: unique(on),
      command,
      webhook,
      secrets: file.secrets ?? [],
    })),
    contextDir: file.context_dir ?? "./context",
    budget: budgetOf(file.budget),
    branch: {
      createBranch: file.create_branch ?? false,
      transitionStep: file.branch_transition_step ?? null,
      expectedWorkBranch: file.expected_work_branch ?? null,
    },
    inputs: new Map(Object.entries(file.inputs ?? {}).map(([name, input]) => [name, inputOf(input)])),
    steps: [
      ...Object.entries(file.steps).map(([id, step]) => whole(id, step)),
      ...Object.entries(file.finally ?? {}).map(([id, step]) => finalOf(whole(id, step))),
    ],
    telemetry: telemetryOf(file.sentinel),
  };
}

function groupOf(group: WorkflowFile["concurrency_group"]): ConcurrencyGroup | null {
  if (group === undefined) return null;
  if (typeof group === "string") return { name: group, whenBusy: "wait" };
  return { name: group.name, whenBusy: group.when_busy ?? "wait" };
}

function inputOf(input: NonNullable<WorkflowFile["inputs"]>[string]): InputDeclaration {
  return {
    type: input.type ?? "string",
    default: input.default ?? null,
    required: input.required ?? false,
    description: input.description ?? null,
  };
}

/** Of an attempt at a step of `finally` that sets no limit. */
const finalTimeoutMs = 5 * 60_000;

function finalOf(step: Step): Step {
  return { ...step, isFinal: true, timeoutMs: step.timeoutMs ?? finalTimeoutMs };
}

function stepOf(id: string, step: FileStep, file: WorkflowFile, context: BuildContext): Step {
  const { sentinel } = file;
  const env = [file.defaults?.env, file.env, step.env].reduce(envOver, new Map<string, string>());
  const agent = step.agent === undefined ? undefined : context.agents.get(step.agent);
  const stall = stallOf(step.stall, sentinel);
  return {
    id,
    description: step.description ?? null,
    action: actionOf(id, step, agent, stall, context),
    workspace: step.workspace ?? agent?.workspace ?? ".",
    dependsOn: step.depends_on ?? [],
    inputs: (step.inputs ?? []).map(artifactOf),
    outputs: (step.outputs ?? []).flatMap(({ name, path, type = null, optional = false }) =>
      path === undefined ? [] : [{ name, path, type, optional }],
    ),
    values: (step.outputs ?? []).flatMap(({ name, value, optional = false }) =>
      value === undefined ? [] : [{ name, key: value === true ? name : value, optional }],
    ),
    env,
    secrets: step.workflow === undefined ? unique([...(file.secrets ?? []), ...(step.secrets ?? [])]) : [],
    timeoutMs: step.timeout ?? agent?.timeout ?? null,
    maxRetries: step.retry?.max ?? (step.on_failure === "abort" ? 0 : (step.max_retries ?? 0)),
    retry: retryOf(step.retry),
    onFailure: step.on_failure ?? "abort",
    loop: loopOf(step, env, sentinel, context),
    stall,
    budget: budgetOf(step.budget),
    condition: step.if ?? null,
    matrix: new Map(
      Object.entries(step.matrix ?? {}).flatMap(([key, values]) =>
        typeof values === "string" ? [] : [[key, values.map(String)] as const],
      ),
    ),
    matrixLists: new Map(
      Object.entries(step.matrix ?? {}).filter(
        (entry): entry is [string, string] => typeof entry[1] === "string",
      ),
    ),
    isolation: step.isolation ?? "none",
    merge: step.merge ?? (step.isolation === "worktree" ? "apply" : "none"),
    verify: step.verify ?? null,
    cache: step.cache ?? null,
    isFinal: false,
  };
}

function retryOf(retry: FileStep["retry"]): RetryRules | null {
  if (retry === undefined) return null;
  return { delayMs: retry.delay ?? 1000, backoff: retry.backoff ?? "exponential", on: retry.on ?? null };
}

function actionOf(
  id: string,
  step: FileStep,
  agent: AgentProfile | undefined,
  stall: Stall | null,
  { child }: BuildContext,
): StepAction {
  if (step.approval !== undefined) {
    const { message, who = [], timeout: timeoutMs = null } = step.approval;
    return { kind: "approval", message, who, timeoutMs };
  }
  if (step.workflow === undefined) return { kind: "worker", work: workOf(step, agent) };
  return {
    kind: "workflow",
    workflow: guardedBy(child(id), stall),
    with: new Map(Object.entries(step.with ?? {})),
    exports: (step.exports ?? []).flatMap(({ from, artifact, as = artifact }) =>
      artifact === undefined || as === undefined ? [] : [{ from, artifact, as }],
    ),
    valueExports: (step.exports ?? []).flatMap(({ from, value, as = value }) =>
      value === undefined || as === undefined ? [] : [{ from, value, as }],
    ),
    exportsMode: step.exports_mode ?? "merge",
    bubbleEvents: step.bubble_subworkflow_events ?? false,
    eventPrefix: step.subworkflow_event_prefix ?? null,
  };
}

/** A step's own keys override the profile's. The profile's base instructions come first. */
function workOf(work: FileStep | FileCheck, agent: AgentProfile | undefined): WorkSpec {
  const instructions = [agent?.base_instructions, work.instructions]
    .filter((text) => text !== undefined)
    .join("\n\n");
  // A check cannot set limits of its own, but may have its profile's.
  const limits = work as Pick<FileStep, "max_steps" | "max_command_time">;
  return {
    worker: work.worker ?? agent?.worker ?? "shell",
    instructions,
    capabilities: unique(work.capabilities ?? agent?.capabilities ?? ["read"]),
    model: work.model ?? agent?.model ?? null,
    args: work.defaultArgs ?? agent?.defaultArgs ?? [],
    variant: work.variant ?? agent?.variant ?? null,
    maxSteps: limits.max_steps ?? agent?.max_steps ?? null,
    maxCommandTimeMs: limits.max_command_time ?? agent?.max_command_time ?? null,
  };
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}

function loopOf(step: FileStep, env: Variables, sentinel: Sentinel, context: BuildContext): Loop | null {
  const check = step.completion_check;
  if (check === undefined) return null;
  const agent = check.agent === undefined ? undefined : context.agents.get(check.agent);
  return {
    check: workOf(check, agent),
    checkEnv: envOver(env, check.env),
    checkTimeoutMs: check.timeout ?? agent?.timeout ?? null,
    checkStall: stallOf(check.stall, sentinel),
    decisionFile: check.decision_file ?? null,
    maxIterations: step.max_iterations ?? 1,
    onExhausted: step.on_iterations_exhausted ?? "abort",
    undecidedMax,
    convergence: convergenceOf(step.convergence),
  };
}

function convergenceOf(rules: FileConvergence | undefined): Convergence | null {
  if (rules === undefined || rules.enabled === false) return null;
  return {
    stallThreshold: rules.stall_threshold ?? 2,
    maxStage: rules.max_stage ?? 3,
    failOnMaxStage: rules.fail_on_max_stage ?? true,
    stages: new Map((rules.stages ?? []).map(({ stage, append_instructions: text }) => [stage, text])),
    allowedPaths: rules.allowed_paths ?? [],
    ignoredPaths: rules.ignored_paths ?? [],
    diffBaseRef: rules.diff_base_ref ?? null,
    diffBaseRefFile: rules.diff_base_ref_file ?? null,
    maxChangedFiles: rules.max_changed_files ?? null,
  };
}

function telemetryOf(sentinel: Sentinel): Telemetry | null {
  if (sentinel?.telemetry === undefined || sentinel.enabled === false) return null;
  const { events_file: events, state_file: state, include_worker_output: output } = sentinel.telemetry;
  return {
    eventsFile: events ?? "_workflow/events.jsonl",
    stateFile: state ?? "_workflow/state.json",
    includeWorkerOutput: output ?? false,
  };
}

function budgetOf(budget: WorkflowFile["budget"]): Budget | null {
  return budget === undefined ? null : { costUsd: budget.cost_usd ?? null, tokens: budget.tokens ?? null };
}

type Variables = ReadonlyMap<string, string>;

function envOver(base: Variables, own: WorkflowFile["env"]): Variables {
  if (own === undefined) return base;
  return new Map([...base, ...Object.entries(own).map(([name, value]) => [name, String(value)] as const)]);
}

function artifactOf(entry: { from: string; artifact: string; as?: string | undefined }): ArtifactExport {
  return { from: entry.from, artifact: entry.artifact, as: entry.as ?? entry.artifact };
}
