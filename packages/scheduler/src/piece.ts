/**
 * Pieces: jobs that belong to a workflow run. The run is what ends, fails and is resumed. So only the process that works on
 * the run claims its pieces (with a claim that names the run), pieces do not count in the figures of the waiting queue, and
 * a dead piece is not a dead letter, because the run handles it.
 */
import type { Job } from "@agentcore/contract";

/** The label that names a piece's run. Submitters may not set it. */
export const runLabel = "workflow.run";

/** Labels that begin with this are reserved for workflows. */
export const reservedLabelPrefix = "workflow.";

/** Id of the run that the job is a piece of; null for any other job. */
export function runOfPiece({ context }: Pick<Job, "context">): string | null {
  return context.labels[runLabel] ?? null;
}
