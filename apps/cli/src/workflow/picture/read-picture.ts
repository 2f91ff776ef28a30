/**
 * Reads the data for a picture of a stored run: the run, the state of its steps, and the definition that it was started
 * with.
 */
import { AgentCoreError, systemClock } from "@agentcore/contract";
import type { Journal } from "@agentcore/scheduler";
import { readRun, readStepsWithin, runNotFound, type Workflow } from "@agentcore/workflow";
import type { Io } from "../../io.ts";
import { findRunId } from "../find-run.ts";
import { requireWorkflow } from "../load-workflow.ts";
import { runStateOf } from "../run-owner.ts";
import type { PictureRun } from "./facts.ts";

/** Throws `AC_WORKFLOW_RUN_NOT_FOUND`, or `AC_WORKFLOW_CHANGED` if the file differs from what the run began with. */
export async function readPicture(
  journal: Journal,
  run: string,
  io: Io,
): Promise<{ readonly workflow: Workflow; readonly run: PictureRun }> {
  const id = await findRunId(journal, run);
  const stored = await readRun(journal, id);
  if (stored === undefined) throw runNotFound(run);
  const { created, header } = stored;
  const caller = created.caller as { readonly agentFiles?: readonly string[] } | null;
  const { workflow } = await requireWorkflow(created.file, caller?.agentFiles ?? [], io);
  if (workflow.hash !== created.hash) {
    const message = `${created.file}, an agent profile or a sub-workflow has changed since run ${id} started`;
    throw new AgentCoreError("AC_WORKFLOW_CHANGED", message, { evidence: { run: id, file: created.file } });
  }
  const { message, endedAt, costUsd } = header;
  return {
    workflow,
    run: {
      id,
      outcome: runStateOf(header),
      message: typeof message === "string" ? message : null,
      durationMs: Number(endedAt ?? systemClock.now()) - created.at,
      costUsd: Number(costUsd ?? 0),
      steps: await readStepsWithin(journal, stored, workflow),
    },
  };
}
