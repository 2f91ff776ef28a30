/** The end of a job as plain data, the same from the library and from a daemon: what an engine stores as the result. */
import type { JobDocument, JsonDocument, ResultLine, WorkerResult } from "@agentcore/contract";
import type { JobEnd } from "@agentcore/scheduler";

/** Plain data that JSON can express. `artifacts` name files on the machine that ran the job. */
export interface ActivityResult extends Pick<
  ResultLine,
  "outcome" | "errorClass" | "code" | "summary" | "session" | "artifacts" | "observations" | "containment"
> {
  readonly jobId: string;
  /** Begun by AgentCore for this job. 0: a limit permitted none, or the job was cancelled before. */
  readonly attempts: number;
  /** US dollars of all attempts together; null if unknown. */
  readonly costUsd: number | null;
  /** Input and output of all attempts together; null if unknown. */
  readonly tokens: number | null;
}

const nothing = {
  session: null,
  artifacts: [],
  observations: { commands: [], filesChanged: [] },
  containment: null,
} satisfies Partial<WorkerResult>;

export function resultOfEnd({ jobId, state, reason, result, attempts, spent }: JobEnd): ActivityResult {
  const { costUsd, tokens } = spent;
  const { session, artifacts, observations, containment } = result ?? nothing;
  const rest = { jobId, attempts, costUsd, tokens, session, artifacts, observations, containment };
  const ended = { code: reason?.code ?? null, summary: reason?.message ?? "" };
  if (state === "cancelled") return { ...rest, ...ended, outcome: "cancelled", errorClass: "cancelled" };
  if (result === null) return { ...rest, ...ended, outcome: "failed", errorClass: null };
  const { outcome, errorClass, code, summary } = result;
  return { ...rest, outcome, errorClass, code: code ?? ended.code, summary };
}

/** `job`: after its end. */
export function resultOfDocuments(
  job: JsonDocument<JobDocument>,
  result: JsonDocument<ResultLine>,
): ActivityResult {
  const { jobId, outcome, errorClass, code, summary, attempts } = result;
  const { session, artifacts, observations, containment } = result;
  return {
    jobId,
    outcome,
    errorClass,
    code: code ?? job.code,
    summary,
    attempts,
    costUsd: job.costUsd,
    tokens: job.tokens,
    session,
    artifacts: [...artifacts],
    observations: {
      ...observations,
      commands: [...observations.commands],
      filesChanged: observations.filesChanged === null ? null : [...observations.filesChanged],
    },
    containment: containment === null ? null : { ...containment, signals: [...containment.signals] },
  };
}
