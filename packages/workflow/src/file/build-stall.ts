/**
 * Builds the stall settings of a step or a completion check from the file's `stall` keys. Omitted keys come from the file's
 * `sentinel` block. A step with neither uses the settings of the sub-workflow step that contains it, if any. Pure.
 */
import type { Loop, Stall, StallReaction, Step, Workflow } from "../definition.ts";
import type { WorkflowFile } from "./file-schema.ts";
import type { FileStall } from "./stall-schema.ts";

/** Explicitly watches nothing: unlike null, it is not replaced by the `stall` of an outer step. */
const noStall: Stall = {
  noOutputTimeoutMs: null,
  activitySource: "worker_event",
  probe: null,
  onStall: reactionOf(undefined, "interrupt"),
  onTerminal: reactionOf(undefined, "fail"),
};

const probeDefaults = { timeoutMs: 10_000, stallThreshold: 2, errorThreshold: 3 };

/** Null: the file does not set it. */
export function stallOf(own: FileStall | undefined, sentinel: WorkflowFile["sentinel"]): Stall | null {
  const isOn = own?.enabled ?? sentinel?.enabled ?? true;
  if (!isOn) return noStall;
  if (own === undefined && sentinel === undefined) return null;
  const stall = merged(sentinel?.enabled === false ? undefined : sentinel?.defaults, own);
  if (stall.enabled === false) return noStall;
  const { probe } = stall;
  if (stall.no_output_timeout === undefined && probe === undefined) return null;
  return {
    noOutputTimeoutMs: stall.no_output_timeout ?? null,
    activitySource: stall.activity_source ?? "worker_event",
    probe: probe === undefined ? null : probeOf(probe),
    onStall: reactionOf(stall.on_stall, "interrupt"),
    onTerminal: reactionOf(stall.on_terminal, "fail"),
  };
}

/** Merges key by key, also in nested mappings: a step may change one key of a reaction and keep the others. */
function merged(defaults: FileStall = {}, own: FileStall = {}): FileStall {
  const probe = own.probe === undefined ? defaults.probe : { ...defaults.probe, ...own.probe };
  return {
    ...defaults,
    ...own,
    probe,
    on_stall: { ...defaults.on_stall, ...own.on_stall },
    on_terminal: { ...defaults.on_terminal, ...own.on_terminal },
  };
}

function probeOf(probe: NonNullable<FileStall["probe"]>): Stall["probe"] {
  return {
    intervalMs: probe.interval,
    timeoutMs: probe.timeout ?? probeDefaults.timeoutMs,
    command: probe.command,
    stallThreshold: probe.stall_threshold ?? probeDefaults.stallThreshold,
    requireZeroExit: probe.require_zero_exit ?? false,
    onProbeError: probe.on_probe_error ?? "ignore",
    probeErrorThreshold: probe.probe_error_threshold ?? probeDefaults.errorThreshold,
    captureStderr: probe.capture_stderr ?? false,
  };
}

function reactionOf(reaction: FileStall["on_stall"], action: StallReaction["action"]): StallReaction {
  return {
    action: reaction?.action ?? action,
    errorClass: reaction?.error_class ?? null,
    fingerprintPrefix: reaction?.fingerprint_prefix ?? [],
    asIncomplete: reaction?.as_incomplete ?? false,
  };
}

/** The sub-workflow with its step's `stall` as the default of its own steps. */
export function guardedBy(workflow: Workflow, stall: Stall | null): Workflow {
  return stall === null
    ? workflow
    : { ...workflow, steps: workflow.steps.map((step) => guarded(step, stall)) };
}

function guarded(step: Step, outer: Stall): Step {
  const stall = step.stall ?? outer;
  const { action } = step;
  return {
    ...step,
    stall,
    loop: step.loop === null ? null : guardedLoop(step.loop, outer),
    action: action.kind !== "workflow" ? action : { ...action, workflow: guardedBy(action.workflow, stall) },
  };
}

function guardedLoop(loop: Loop, outer: Stall): Loop {
  return { ...loop, checkStall: loop.checkStall ?? outer };
}
