/**
 * Pieces: jobs that are part of a workflow run. A run is what ends, fails and is resumed; its pieces are not work of their own.
 * So a piece is claimed only by the process that works on its run (a claim that names it), it is not in the figures of the
 * waiting queue, and its death is no dead letter: the run deals with it.
 */
import type { Job } from "@agentcore/contract";

/** The label that names a piece's run. Nobody else may set it. */
export const runLabel = "workflow.run";

/** Labels that begin so are the workflows' own. */
export const reservedLabelPrefix = "workflow.";

/** Id of the run that the job is a piece of; null for a job that somebody submitted. */
export function runOfPiece({ context }: Pick<Job, "context">): string | null {
  return context.labels[runLabel] ?? null;
}
