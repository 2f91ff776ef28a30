/**
 * Requests the end of a run from another process: with an entry in a stream beside the run's own, which the process that
 * works on the run reads twice a second. The stream is deleted with the run.
 */
import type { Clock, Log } from "@agentcore/contract";
import type { Journal } from "@agentcore/scheduler";
import { lazySchema } from "@agentcore/contract";
import * as z from "zod";
import { runStream } from "../records/streams.ts";

const requestSchema = lazySchema(() => z.looseObject({ at: z.number(), message: z.string() }));
type CancelRequest = z.output<typeof requestSchema>;

const lookMs = 500;
const triesMax = 20;

const requestStream = (runId: string): string => `workflow-request:${runId}`;

/** Resolves once the request is durable. The process that works on the run then ends it as `CANCELLED`. */
export async function requestCancel(journal: Journal, runId: string, request: CancelRequest): Promise<void> {
  const stream = requestStream(runId);
  for (let tries = 0; tries < triesMax; tries++) {
    const after = (await journal.read(stream))?.entries.length ?? 0;
    const header = { partOf: runStream(runId), endedAt: null };
    const entry = { at: request.at, message: request.message };
    if ((await journal.append(stream, { after, entries: [entry], header })) === "appended") return;
  }
}

export interface CancelWatch {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly runId: string;
  /** Earlier requests were for an earlier execution. */
  readonly since: number;
  readonly onRequest: (message: string) => void;
}

/** Returns a function that ends the watch. Each request is passed on once. */
export function watchForCancel(watch: CancelWatch): () => void {
  const { clock, log, runId } = watch;
  let timer = clock.setTimer(lookMs, () => void look());
  let isOver = false;
  let seen = 0;
  async function look(): Promise<void> {
    const messages = await requested(watch).catch((error: unknown) => {
      log.warn({ error, run: runId }, "could not look for a request to cancel the run; looking again");
      return [];
    });
    if (isOver) return;
    for (const message of messages.slice(seen)) watch.onRequest(message);
    seen = Math.max(seen, messages.length);
    timer = clock.setTimer(lookMs, () => void look());
  }
  return () => {
    isOver = true;
    timer.cancel();
  };
}

async function requested({ journal, runId, since }: CancelWatch): Promise<readonly string[]> {
  const found = await journal.read(requestStream(runId));
  return (found?.entries ?? []).flatMap((entry) => {
    const read = requestSchema.safeParse(entry);
    return read.success && read.data.at >= since ? [read.data.message] : [];
  });
}
