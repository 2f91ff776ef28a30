/**
 * The pieces of a run at work: each is one attempt at a step, or one completion check. A piece can be cancelled from the moment
 * that its job may exist. Its end is an entry in the inbox of the run.
 */
import { Cancellation, type CancelRequest } from "@agentcore/contract";
import type { JournalWrite } from "@agentcore/scheduler";
import type { PlanStep } from "../plan/plan-step.ts";
import type { StepInstance } from "../plan/step-instance.ts";
import type { StepState } from "../plan/step-state.ts";
import { factsOf } from "../records/run-record.ts";
import type { RunEntry, RunEventEntry } from "../records/entry-types.ts";
import { childStream } from "../records/streams.ts";
import { runCheck } from "../steps/step-check.ts";
import { runChild, type StartChild } from "../steps/step-child.ts";
import type { StartedPiece, StepContext } from "../steps/step-context.ts";
import { runWork } from "../steps/step-work.ts";
import { appendAndSubmit, type StartedWork } from "../steps/submit-ahead.ts";
import { isSubmitted, type StepCancellation, type StepStop } from "../steps/submit-job.ts";
import type { Inbox } from "./inbox.ts";

export interface PiecesOptions {
  readonly context: StepContext;
  readonly inbox: Inbox<RunEntry>;
  /** Why the run was interrupted; null: it was not. */
  readonly interruption: () => string | null;
  readonly startChild: StartChild;
}

type RunningState = Extract<StepState, { kind: "working" | "checking" }>;

/** One piece that can be cancelled. */
interface Piece {
  readonly plan: PlanStep;
  readonly cancellation: StepCancellation;
}

type BegunPiece = Pick<StartedWork, "started" | "cancellation">;

export class Pieces {
  readonly #options: PiecesOptions;
  /** By job. */
  readonly #pieces = new Map<string, Piece>();
  /** Those that are not yet at work, by job. */
  readonly #begun = new Map<string, BegunPiece>();
  #atWork = 0;

  constructor(options: PiecesOptions) {
    this.#options = options;
  }

  /** How many are at work, with their ends still to come. */
  get atWork(): number {
    return this.#atWork;
  }

  cancel(request: CancelRequest<StepStop>, which: (piece: Piece) => boolean = () => true): void {
    for (const piece of this.#pieces.values()) if (which(piece)) piece.cancellation.cancel(request);
  }

  /** Journals the entries, and in the same commit submits the jobs that they start and that need no preparation. */
  async submitAhead(write: JournalWrite, entries: readonly RunEntry[]): Promise<"appended" | "conflict"> {
    const { context } = this.#options;
    const works = entries.flatMap((entry): StartedWork[] => {
      const started = entry.type === "event" && entry.event.type === "step" ? entry.event : null;
      const instance =
        started?.event.type === "work_started" ? context.instances.get(started.step) : undefined;
      if (instance?.step.action.kind !== "worker") return [];
      const state = context.record().state.steps.get(instance.id);
      if (state?.kind !== "working") return [];
      return [{ ...this.#begin(instance, state, false), work: instance.step.action.work }];
    });
    const { answer, submitted } = await appendAndSubmit(context, write, works);
    for (const { started, cancellation } of works) {
      const { jobId } = started;
      this.#begun.set(jobId, {
        started: { ...started, submitted: submitted.get(jobId) ?? null },
        cancellation,
      });
    }
    return answer;
  }

  launch(instance: StepInstance, state: RunningState, resumed: boolean): void {
    const { inbox } = this.#options;
    const { jobId } = state;
    const { started, cancellation } = this.#begun.get(jobId) ?? this.#begin(instance, state, resumed);
    this.#begun.delete(jobId);
    this.#atWork += 1;
    this.#perform(started, state.kind, cancellation)
      .finally(() => {
        this.#atWork -= 1;
        this.#pieces.delete(jobId);
      })
      .then((entry) => (entry === null ? inbox.wake() : inbox.put(entry)))
      .catch((error: unknown) => inbox.fail(error));
  }

  /** A start is journaled before it is made, and the earlier process may have ended between the two. */
  async wasBegun({ step }: StepInstance, { kind, jobId }: RunningState): Promise<boolean> {
    const { ports } = this.#options.context;
    if (kind === "checking" || step.action.kind === "worker") return isSubmitted(ports, jobId);
    return (await ports.journal.read(childStream(jobId))) !== undefined;
  }

  /** From now on the piece can be cancelled. */
  #begin(instance: StepInstance, state: RunningState, resumed: boolean): BegunPiece {
    const { context, interruption } = this.#options;
    const { jobId, progress } = state;
    const facts = factsOf(context.record(), instance.id);
    const started: StartedPiece = {
      instance,
      jobId,
      iteration: progress.iteration,
      attempt: progress.attempt,
      attemptInAll: progress.attemptsInAll,
      stage: progress.stage,
      startedAt: facts.jobStartedAt ?? context.ports.clock.now(),
      resumed,
      submitted: null,
    };
    const cancellation: StepCancellation = new Cancellation();
    this.#pieces.set(jobId, { plan: instance.plan, cancellation });
    const message = interruption();
    if (message !== null) cancellation.cancel({ reason: { message, interrupts: true } });
    return { started, cancellation };
  }

  #perform(
    started: StartedPiece,
    kind: "working" | "checking",
    cancellation: StepCancellation,
  ): Promise<RunEventEntry | null> {
    const { context, startChild } = this.#options;
    const { action, loop } = started.instance.step;
    if (kind === "checking" && loop !== null) return runCheck(context, started, loop, cancellation);
    if (action.kind === "worker") return runWork(context, started, action.work, cancellation);
    if (action.kind === "approval") throw new TypeError("an approval has no job");
    return runChild(context, started, { action, cancellation, startChild });
  }
}
