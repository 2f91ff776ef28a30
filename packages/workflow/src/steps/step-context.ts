/** The context of a run for the functions that perform a step. */
import { join, relative } from "node:path";
import type { Masker } from "@agentcore/contract";
import type { JobHandle } from "@agentcore/scheduler";
import type { Step, Workflow } from "../definition.ts";
import { artifactDir } from "../places.ts";
import type { CacheNote } from "./step-cached.ts";
import type { InputToCopy } from "./artifacts.ts";
import type { RunPorts, RunSettings, WorkflowEvent } from "../run-ports.ts";
import type { RunRecord } from "../records/run-record.ts";
import type { RunNotedEntry } from "../records/entry-types.ts";
import type { RunInstances } from "../plan/run-instances.ts";
import type { StepInstance } from "../plan/step-instance.ts";
import { worktreePlace, type WorktreePlace } from "../worktree/worktree-place.ts";

export interface StepContext {
  readonly runId: string;
  readonly workflow: Workflow;
  readonly instances: RunInstances;
  readonly ports: RunPorts;
  readonly settings: RunSettings;
  /** Masks the run's secrets in what steps leave. */
  readonly masker: Masker;
  /** The current record. */
  readonly record: () => RunRecord;
  /** Wall-clock time that the run has left for the step. One of `finally` has its own. */
  readonly leftMs: (step: Step) => number;
  /** Resolves once the entry is in the journal. */
  readonly note: (entry: RunNotedEntry) => Promise<void>;
  /** By step. Not in the journal: what an earlier process began is not stored. */
  readonly cacheNotes: Map<string, CacheNote>;
  readonly emit: (event: WorkflowEvent) => void;
  /** Null: this is the outermost run. */
  readonly outermost: Outermost | null;
}

/** For the run of a sub-workflow. */
export interface Outermost {
  readonly context: StepContext;
  /** Ids of the steps from there to this run, each with a slash, such as `release/`. */
  readonly path: string;
}

/** A step with an attempt that was journaled. */
export interface StartedPiece {
  readonly instance: StepInstance;
  readonly jobId: string;
  readonly iteration: number;
  /** Of this iteration, from 1. */
  readonly attempt: number;
  /** Of all iterations. */
  readonly attemptInAll: number;
  readonly stage: number;
  readonly startedAt: number;
  /** Whether an earlier process began it: its workspace is prepared, and its job may be running. */
  readonly resumed: boolean;
  /** Its job, if it was submitted in the commit of its start. */
  readonly submitted: JobHandle | null;
}

/** The step's worktree; null if it works in the run's workspace. */
export function worktreeOf(
  { record, runId }: Pick<StepContext, "record" | "runId">,
  { id, step }: StepInstance,
): WorktreePlace | null {
  const { base } = record().created;
  return step.isolation === "none" || base === null ? null : worktreePlace(base, runId, id);
}

/** Paths of the step must stay within this directory: the run's workspace, or the same place in the step's worktree. */
export function workspaceRoot(
  context: Pick<StepContext, "record" | "runId">,
  instance: StepInstance,
): string {
  const { workspace } = context.record().created;
  const place = worktreeOf(context, instance);
  return place === null ? workspace : join(place.path, relative(place.root, workspace));
}

export function stepWorkspace(
  context: Pick<StepContext, "record" | "runId">,
  instance: StepInstance,
): string {
  return join(workspaceRoot(context, instance), instance.step.workspace);
}

/** Artifacts of a step with a matrix come from all its instances, each below its combination. */
export function inputsOf(
  { record, instances }: Pick<StepContext, "record" | "instances">,
  { step }: StepInstance,
): readonly InputToCopy[] {
  const { created, facts } = record();
  const { contextDir } = created;
  return step.inputs.flatMap(({ from, artifact, as }) =>
    instances.ofStep(from).map(({ id, matrix }) => ({
      step: id,
      artifact,
      isMade: facts.get(id)?.artifacts.includes(artifact) === true,
      from: artifactDir(contextDir, id, artifact),
      as: matrix.size === 0 ? as : join(as, id.slice(from.length + 1, -1)),
    })),
  );
}
