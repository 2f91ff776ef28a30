/** What a run that does nothing ends with: jobs of a benchmark cost no more than the queue makes of them. */
import { unknownUsage, type WorkerResult } from "@agentcore/contract";

export const resultOfNothing: WorkerResult = {
  outcome: "succeeded",
  errorClass: null,
  code: null,
  retryAfterMs: null,
  summary: "",
  artifacts: [],
  observations: { commands: [], filesChanged: [] },
  usage: unknownUsage,
  costUsd: null,
  costBasis: "none",
  session: null,
  exitCode: 0,
  containment: null,
  startedAt: 0,
  durationMs: 0,
};
