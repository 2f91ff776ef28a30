/**
 * Follows the job of a step (its work, or its check) to its end, reports its events, and writes the records of its stall settings: every
 * look of the probe in `_stall/probe.jsonl`, and in `_stall/event.json` why the last stalled job was stopped.
 */
import type { Artifact, WorkerEvent } from "@agentcore/contract";
import type { JobEnd, JobHandle } from "@agentcore/scheduler";
import { join } from "node:path";
import type { Stall } from "../definition.ts";
import { runJob, type StepCancellation } from "./submit-job.ts";
import { JsonLinesFile } from "../records/json-lines-file.ts";
import { OutputTail } from "./output-tail.ts";
import { stepDir } from "../places.ts";
import { writeJson } from "../records/record-files.ts";
import { stallEnd, type StallEnd } from "../stall/stall-end.ts";
import type { StartedPiece, StepContext } from "./step-context.ts";

export interface PieceEnd extends JobEnd {
  /** The end of its output, as far as this process saw it. */
  readonly output: string;
  /** Path of the log that most likely shows why it ended; null if there is none. */
  readonly log: string | null;
}

export interface GuardedJob {
  readonly piece: "work" | "check";
  readonly handle: JobHandle;
  readonly stall: Stall | null;
}

/** Waits for the end of the job. Rejects as its `result` does. */
export async function runGuardedJob(
  context: StepContext,
  started: StartedPiece,
  { piece, handle, stall }: GuardedJob,
  cancellation: StepCancellation,
): Promise<PieceEnd> {
  const { ports, runId } = context;
  const tail = new OutputTail();
  const step = started.instance.id;
  const looks = new JsonLinesFile(join(stallDir(context, started), "probe.jsonl"), ports.log);
  const at = { piece, iteration: started.iteration, attempt: started.attempt };
  const end = await runJob(ports, handle, cancellation, (event) => {
    const printed = event.type === "worker_event" ? printedBy(event.event) : null;
    if (printed !== null) tail.add(printed);
    if (event.type === "worker_event" && event.event.type === "probe") {
      const { type: _type, ...look } = event.event;
      looks.append({ ts: event.at, ...at, ...look });
    }
    context.emit({ type: "job_event", at: ports.clock.now(), run: runId, step, piece, event });
  });
  await looks.flush();
  const stalled = stallEnd(end.result, stall);
  if (stalled !== null) await writeStall(context, started, { ...at, end, stalled });
  return { ...end, output: tail.text, log: logOf(end) };
}

function printedBy(event: WorkerEvent): string | null {
  return event.type === "stdout" || event.type === "stderr" || event.type === "text" ? event.text : null;
}

/** Errors are in stderr, if a worker writes to it. */
function logOf({ result }: JobEnd): string | null {
  const logs = (result?.artifacts ?? []).filter(({ bytes }) => bytes > 0);
  const of = (kind: Artifact["kind"]): string | undefined => logs.find((log) => log.kind === kind)?.path;
  return of("stderr") ?? of("stdout") ?? null;
}

function stallDir(context: StepContext, { instance }: StartedPiece): string {
  return join(stepDir(context.record().created.contextDir, instance.id), "_stall");
}

interface Stalled {
  readonly piece: GuardedJob["piece"];
  readonly iteration: number;
  readonly attempt: number;
  readonly end: JobEnd;
  readonly stalled: StallEnd;
}

async function writeStall(context: StepContext, started: StartedPiece, facts: Stalled): Promise<void> {
  const { piece, iteration, attempt, end, stalled } = facts;
  const { result } = end;
  await writeJson(join(stallDir(context, started), "event.json"), {
    workflow: { run: context.runId, name: context.record().created.name },
    step: { id: started.instance.id, piece, iteration, attempt },
    job: end.jobId,
    trigger: {
      kind: stalled.trigger,
      reason: result?.summary ?? "",
      code: result?.code ?? null,
      observed_at: result === null ? null : result.startedAt + result.durationMs,
    },
    action: {
      kind: stalled.action,
      error_class: stalled.errorClass,
      as_incomplete: stalled.asIncomplete,
      signals: result?.containment?.signals ?? [],
    },
    reasons: stalled.reasons,
    fingerprints: stalled.fingerprints,
    summary: result?.probe?.summary ?? null,
  });
}
