/**
 * Requests to a run from another process: to end it, or to answer an approval. Each is an entry in a stream beside the run's
 * own, which the process that works on the run reads twice a second, and the next one if none does. The stream is deleted with
 * the run.
 */
import { AgentCoreError, lazySchema, type Clock, type Log } from "@agentcore/contract";
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
const triesMax = 100;

const requestStream = (runId: string): string => `workflow-request:${runId}`;

/** Resolves once the request is durable. The process that works on the run then ends it as `CANCELLED`. */
export async function requestCancel(journal: Journal, runId: string, request: CancelRequest): Promise<void> {
  await append(journal, runId, { at: request.at, message: request.message });
}

/**
 * Resolves once the answer is durable. `runId`: of the outermost run. `check` gets the earlier answers, in order, whether or not
 * they have taken effect; if it throws, nothing is written. No other answer comes between the check and the write.
 */
export async function requestAnswer(
  journal: Journal,
  runId: string,
  answer: AnswerRequest,
  check: (before: readonly AnswerRequest[]) => void = () => {},
): Promise<void> {
  const { waitId, decision, by, message, at } = answer;
  await append(journal, runId, { waitId, decision, by, message, at }, (entries) =>
    check(
      entries.flatMap((entry) => {
        const read = answerSchema.safeParse(entry);
        return read.success ? [read.data] : [];
      }),
    ),
  );
}

/** How many requests to the run there were so far. */
export async function requestCount(journal: Journal, runId: string): Promise<number> {
  return (await journal.read(requestStream(runId)))?.entries.length ?? 0;
}

/** Throws `AC_STORE_UNAVAILABLE` if others write all the time. */
async function append(
  journal: Journal,
  runId: string,
  entry: JournalValue,
  check: (before: readonly JournalValue[]) => void = () => {},
): Promise<void> {
  const stream = requestStream(runId);
  for (let tries = 0; tries < triesMax; tries++) {
    const before = (await journal.read(stream))?.entries ?? [];
    check(before);
    const header = { partOf: runStream(runId), endedAt: null };
    const write = { after: before.length, entries: [entry], header };
    if ((await journal.append(stream, write)) === "appended") return;
  }
  const message = `too many processes make requests to run ${runId} at once; try again`;
  throw new AgentCoreError("AC_STORE_UNAVAILABLE", message, { evidence: { run: runId } });
}

export interface RequestWatchOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly runId: string;
  /** So many cancels and answers have taken effect, or were for an execution that has ended. Answers are passed on again. */
  readonly done: number;
  /** Wall clock, in ms: so are cancels before it, in journals that do not count. */
  readonly doneBefore: number;
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

  /** How many requests it has passed on, including the one that it passes on now. */
  get seen(): number {
    return this.#seen;
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
      for (const entry of (found?.entries ?? []).slice(this.#seen)) {
        this.#seen += 1;
        this.#pass(entry);
      }
      return true;
    } catch (error) {
      log.warn({ error, run: runId }, "could not look for requests to the run; looking again");
      return false;
    }
  }

  #pass(entry: JournalValue): void {
    const { done, doneBefore, onCancel, onAnswer } = this.#options;
    const answer = answerSchema.safeParse(entry);
    if (answer.success) return onAnswer(answer.data);
    const cancel = cancelSchema.safeParse(entry);
    if (cancel.success && this.#seen > done && cancel.data.at >= doneBefore) onCancel(cancel.data.message);
  }
}
