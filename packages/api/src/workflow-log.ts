/**
 * The logs of a run's workers as one: job by job in the order in which they were submitted, attempt by attempt. A job that runs
 * holds back those after it, so that a place in the log is small and every byte comes once.
 */
import { AgentCoreError, type WorkflowLogDocument } from "@agentcore/contract";
import { isTerminal, type JobRecord } from "@agentcore/scheduler";
import type { JobsPort, WorkflowsPort } from "./ports.ts";

export interface WorkflowLogRequest {
  readonly run: string;
  /** Null: all. */
  readonly step: string | null;
  /** The `next` of the part before; null: from the beginning. */
  readonly after: string | null;
  /** Bytes. */
  readonly limit: number;
}

/** What was read: all before these offsets. */
interface Place {
  readonly attempt: number;
  readonly stdout: number;
  readonly stderr: number;
}

const beginning: Place = { attempt: 1, stdout: 0, stderr: 0 };
type Part = WorkflowLogDocument["parts"][number];

/** Throws `AC_WORKFLOW_RUN_NOT_FOUND`, and `AC_API_REQUEST` if `after` is no place in this log. */
export async function readWorkflowLog(
  { run, step, after, limit }: WorkflowLogRequest,
  { jobs, workflows }: { readonly jobs: Pick<JobsPort, "logs">; readonly workflows: WorkflowsPort },
): Promise<WorkflowLogDocument> {
  // Asked first: a run that is over gets no more jobs.
  const { id, state } = await workflows.show(run);
  const listed = (await workflows.jobs(id, step)).toSorted(inOrder);
  const parts: Part[] = [];
  let { index, place } = placeOf(after, listed);
  let left = limit;
  let next: string | null = after;
  let isHeld = false;
  for (let record = listed[index]; record !== undefined && !isHeld; record = listed[index]) {
    const read = await readAttempt(record, place, left, jobs);
    parts.push(...read.parts);
    left -= read.bytes;
    ({ place } = read);
    isHeld = !read.isOver;
    next = textOf(record.job.id, place);
    if (isHeld) continue;
    if (place.attempt < record.attempt) place = { ...beginning, attempt: place.attempt + 1 };
    else if (isTerminal(record.state)) [index, place] = [index + 1, beginning];
    else isHeld = true;
  }
  return { type: "workflow_log", run: id, parts, next, ended: !isHeld && state !== "RUNNING" };
}

const inOrder = (one: JobRecord, other: JobRecord): number =>
  one.submittedAt - other.submittedAt || (one.job.id < other.job.id ? -1 : 1);

const streams = ["stdout", "stderr"] as const;

/** `isOver`: nothing more comes from this attempt. */
async function readAttempt(record: JobRecord, from: Place, limit: number, jobs: Pick<JobsPort, "logs">) {
  const { id, context } = record.job;
  const { attempt } = from;
  const place = { ...from };
  const parts: Part[] = [];
  let bytes = 0;
  // An attempt that has not begun, and never will if the job has ended.
  if (attempt > record.attempt) return { parts, bytes, place, isOver: isTerminal(record.state) };
  let isOver = true;
  for (const stream of streams) {
    if (bytes >= limit) return { parts, bytes, place, isOver: false };
    const request = { jobId: id, attempt, stream, encoding: "utf8", limit: limit - bytes } as const;
    const { text, offset, nextOffset, sizeBytes, ended } = await jobs.logs({
      ...request,
      offset: from[stream],
    });
    const step = context.labels["workflow.step"] ?? "";
    const isCheck = context.labels["workflow.piece"] === "check";
    if (text !== "") parts.push({ jobId: id, step, isCheck, attempt, stream, offset, text });
    bytes += nextOffset - offset;
    place[stream] = nextOffset;
    isOver &&= ended && nextOffset >= sizeBytes;
  }
  return { parts, bytes, place, isOver };
}

const textOf = (jobId: string, { attempt, stdout, stderr }: Place): string =>
  `${jobId}:${attempt}:${stdout}:${stderr}`;

function placeOf(after: string | null, listed: readonly JobRecord[]) {
  if (after === null) return { index: 0, place: beginning };
  const [, jobId, attempt, stdout, stderr] = /^(.+):(\d{1,9}):(\d{1,15}):(\d{1,15})$/.exec(after) ?? [];
  const index = listed.findIndex(({ job }) => job.id === jobId);
  if (index !== -1)
    return { index, place: { attempt: Number(attempt), stdout: Number(stdout), stderr: Number(stderr) } };
  throw new AgentCoreError("AC_API_REQUEST", "after: is no place in this log; begin without it", {
    evidence: { after },
  });
}
