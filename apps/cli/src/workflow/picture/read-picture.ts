/**
 * Reads the data for a picture of a stored run: the run, the state of its steps, and the definition that it was started
 * with.
 */
import { systemClock } from "@agentcore/contract";
import type { Journal } from "@agentcore/scheduler";
import { readStepsWithin, stepsByPath, type Workflow } from "@agentcore/workflow";
import type { Io } from "../../io.ts";
import { runStateOf } from "../run-owner.ts";
import { findStored, requireSame } from "../stored-run.ts";
import type { PictureRun } from "./facts.ts";

/** Throws `AC_WORKFLOW_RUN_NOT_FOUND`, or `AC_WORKFLOW_CHANGED` if the file differs from what the run began with. */
export async function readPicture(
  journal: Journal,
  run: string,
  io: Io,
): Promise<{ readonly workflow: Workflow; readonly run: PictureRun }> {
  const found = await findStored(journal, run);
  const { id, stored } = found;
  const { created, header } = stored;
  const workflow = await requireSame(found, io);
  const { message, endedAt, costUsd } = header;
  return {
    workflow,
    run: {
      id,
      outcome: runStateOf(header),
      message: typeof message === "string" ? message : null,
      durationMs: Number(endedAt ?? systemClock.now()) - created.at,
      costUsd: Number(costUsd ?? 0),
      steps: stepsByPath(await readStepsWithin(journal, stored, workflow)),
    },
  };
}
