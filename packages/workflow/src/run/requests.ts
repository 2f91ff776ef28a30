/**
 * Requests to a run from another process: to end it, or to answer an approval. Each is an entry in a stream beside the run's
 * own, which the process that works on the run reads twice a second, and the next one if none does. The stream is deleted with
 * the run.
 */
import { lazySchema, type Clock, type Log } from "@agentcore/contract";
import type { Journal, JournalValue } from "@agentcore/scheduler";
import * as z from "zod";
import { runStream } from "../records/streams.ts";

const cancelSchema = lazySchema(() => z.looseObject({ at: z.number(), message: z.string() }));
const answerSchema = lazySchema(() =>
  z.looseObject({
    waitId: z.string(),
    decision: z.enum(["approved", "rejected"]),
    /** Operating-system user. */
    by: z.string(),
    message: z.string(),
    at: z.number(),
  }),
);
type CancelRequest = z.output<typeof cancelSchema>;
export type AnswerRequest = z.output<typeof answerSchema>;

const lookMs = 500;
const triesMax = 20;

const requestStream = (runId: string): string => `workflow-request:${runId}`;

/** Resolves once the request is durable. The process that works on the run then ends it as `CANCELLED`. */
export async function requestCancel(journal: Journal, runId: string, request: CancelRequest): Promise<void> {
  await append(journal, runId, { at: request.at, message: request.message });
}

/** Resolves once the answer is durable. `runId`: of the outermost run. */
export async function requestAnswer(journal: Journal, runId: string, answer: AnswerRequest): Promise<void> {
  const { waitId, decision, by, message, at } = answer;
  await append(journal, runId, { waitId, decision, by, message, at });
}

/** The answers that were requested so far, in order, whether or not they have taken effect. */
export async function requestedAnswers(journal: Journal, runId: string): Promise<readonly AnswerRequest[]> {
  const found = await journal.read(requestStream(runId));
  return (found?.entries ?? []).flatMap((entry) => {
    const read = answerSchema.safeParse(entry);
    return read.success ? [read.data] : [];
  });
}

async function append(journal: Journal, runId: string, entry: JournalValue): Promise<void> {
  const stream = requestStream(runId);
  for (let tries = 0; tries < triesMax; tries++) {
    const after = (await journal.read(stream))?.entries.length ?? 0;
    const header = { partOf: runStream(runId), endedAt: null };
    if ((await journal.append(stream, { after, entries: [entry], header })) === "appended") return;
  }
}

export interface RequestWatchOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly runId: string;
  /** Earlier cancels were for an earlier execution. */
  readonly since: number;
  readonly onCancel: (message: string) => void;
  readonly onAnswer: (answer: AnswerRequest) => void;
}

/** Passes each request on once, until it is closed. */
export class RequestWatch {
  readonly #options: RequestWatchOptions;
  #seen = 0;
  #isClosed = false;
  #looking: Promise<boolean> = Promise.resolve(true);
  #timer: ReturnType<Clock["setTimer"]>;

  constructor(options: RequestWatchOptions) {
    this.#options = options;
    this.#timer = this.#later();
  }

  /** Passes on what came since the last look. Resolves with false if that could not be read. */
  look(): Promise<boolean> {
    this.#looking = this.#looking.then(() => this.#read());
    return this.#looking;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer.cancel();
  }

  #later(): ReturnType<Clock["setTimer"]> {
    return this.#options.clock.setTimer(lookMs, () => {
      void this.look().then(() => {
        if (!this.#isClosed) this.#timer = this.#later();
      });
    });
  }

  async #read(): Promise<boolean> {
    const { journal, log, runId } = this.#options;
    try {
      const found = await journal.read(requestStream(runId));
      if (this.#isClosed) return true;
      const entries = found?.entries ?? [];
      for (const entry of entries.slice(this.#seen)) this.#pass(entry);
      this.#seen = entries.length;
      return true;
    } catch (error) {
      log.warn({ error, run: runId }, "could not look for requests to the run; looking again");
      return false;
    }
  }

  #pass(entry: JournalValue): void {
    const { since, onCancel, onAnswer } = this.#options;
    const answer = answerSchema.safeParse(entry);
    if (answer.success) return onAnswer(answer.data);
    const cancel = cancelSchema.safeParse(entry);
    if (cancel.success && cancel.data.at >= since) onCancel(cancel.data.message);
  }
}
