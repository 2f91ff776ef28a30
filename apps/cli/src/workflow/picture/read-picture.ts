/**
 * Reads the data for a picture of a stored run: the run, the state of its steps, and the definition that it was started
 * with.
 */
import { AgentCoreError, systemClock } from "@agentcore/contract";
import type { Journal } from "@agentcore/scheduler";
import { readStepsWithin, type Workflow } from "@agentcore/workflow";
import type { Io } from "../../io.ts";
import { requireWorkflow } from "../load-workflow.ts";
import { runStateOf } from "../run-owner.ts";
import { callerOf, findStored } from "../stored-run.ts";
import type { PictureRun } from "./facts.ts";

/** Throws `AC_WORKFLOW_RUN_NOT_FOUND`, or `AC_WORKFLOW_CHANGED` if the file differs from what the run began with. */
export async function readPicture(
  journal: Journal,
  run: string,
  io: Io,
): Promise<{ readonly workflow: Workflow; readonly run: PictureRun }> {
  const { id, stored } = await findStored(journal, run);
  const { created, header } = stored;
  const { workflow } = await requireWorkflow(created.file, callerOf(stored).agentFiles, io);
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
