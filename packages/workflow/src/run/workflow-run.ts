/**
 * Drives one run: calls the planner, writes its decisions to the journal, performs them, writes the results, and repeats
 * until the run has ended. One loop is the only writer of the record; the jobs of steps run in parallel and put their ends
 * into its inbox. No job is started before its id is in the journal.
 */
import { loopWentRound, type CancelRequest, type ErrorCode } from "@agentcore/contract";
import type { Halt, RunOutcome } from "../plan/run-state.ts";
import type { StepState } from "../plan/step-state.ts";
import { orderOf } from "../budget/budget-choice.ts";
import type { GroupPlace } from "./concurrency-group.ts";
import { rulesFor, withNotifications } from "./notifications.ts";
import { Notifier } from "./notifier.ts";
import { RequestWatch } from "./requests.ts";
import { ApprovalWaits } from "./approval-waits.ts";
import { RunTimer } from "./run-timer.ts";
import { writeDiagnosis } from "../stall/diagnosis.ts";
import { Inbox } from "./inbox.ts";
import { Pieces } from "./pieces.ts";
import { RetryTimer } from "./retry-timer.ts";
import { nextEntries, type NextQuestion } from "./next-entries.ts";
import { stepReport, writeRunRecord, writeStepRecord } from "../records/record-files.ts";
import type { RunLog } from "../records/run-log.ts";
import type { RunPorts, RunResult, RunSettings, WorkflowEvent } from "../run-ports.ts";
import { codeOf, factsOf, knownCost } from "../records/run-record.ts";
import type { RunEntry, RunNotedEntry } from "../records/entry-types.ts";
import { openTelemetry, type RunTelemetry } from "../records/telemetry.ts";
import { discardAfterEnd } from "../steps/step-discard.ts";
import type { Outermost, StepContext } from "../steps/step-context.ts";
import { maskerOf } from "../secrets.ts";
import type { RunInstances } from "../plan/run-instances.ts";
import type { StepInstance } from "../plan/step-instance.ts";
import type { StartChild } from "../steps/step-child.ts";
import type { Workflow } from "../definition.ts";

export interface WorkflowRunOptions {
  readonly runId: string;
  readonly workflow: Workflow;
  /** At the start of the run. */
  readonly base: readonly StepInstance[];
  readonly instances: RunInstances;
  readonly log: RunLog;
  readonly ports: RunPorts;
  readonly settings: RunSettings;
  /** Starts or resumes a run of a sub-workflow. */
  readonly startChild: StartChild;
  /** Whether an earlier process began it. */
  readonly resumed: boolean;
  /** Its place in the concurrency group; null if it needs none. */
  readonly group: GroupPlace | null;
  /** Null: it is no run of a sub-workflow. */
  readonly outermost: Outermost | null;
}

type EndedState = Extract<StepState, { kind: "ended" }>;

/**
 * Most steps that are started or skipped in one commit, and reported without a turn of the event loop. With thousands at once,
 * the ends of other steps would wait, leases would not be renewed, and the runtime would count the delay as pressure.
 */
export const stepsAtOnce = 200;

export class WorkflowRun {
  readonly #options: WorkflowRunOptions;
  readonly #context: StepContext;
  readonly #areOrdered: NextQuestion["areOrdered"];
  readonly #inbox = new Inbox<RunEntry>();
  /** Removals of worktrees that are no longer needed. Only the end of the run waits for them. */
  readonly #discards: Promise<void>[] = [];
  #telemetry: RunTelemetry | null = null;
  /** Set by `interrupt`: nothing more is started or ended. */
  #interruption: string | null = null;
  /** What running pieces were asked to stop for. */
  #halted: Halt = "nothing";
  #wasCancelled = false;
  /** Steps that were reported since the event loop had a turn. */
  #sinceTurn = 0;
  /** Callbacks that wait until their entry is in the journal. */
  readonly #noted = new Map<RunEntry, () => void>();
  readonly #timer: RunTimer;
  readonly #retryTimer: RetryTimer;
  readonly #approvals: ApprovalWaits;
  readonly #pieces: Pieces;
  readonly #notifier: Notifier;
  #requests: RequestWatch | null = null;

  constructor(options: WorkflowRunOptions) {
    const { runId, workflow, base, instances, log, ports, settings } = options;
    this.#options = options;
    this.#areOrdered = orderOf(base.map((instance) => instance.plan));
    this.#timer = new RunTimer({
      clock: ports.clock,
      record: () => log.record,
      onEnd: () => this.stop("TIMED_OUT", "the time limit of the run has passed", "AC_TIMEOUT"),
    });
    this.#retryTimer = new RetryTimer(ports.clock, () => this.#inbox.wake());
    this.#approvals = new ApprovalWaits({ ...ports, put: (entry) => this.#inbox.put(entry) });
    this.#context = {
      runId,
      workflow,
      instances,
      ports,
      settings,
      masker: maskerOf(workflow, settings.secretValue),
      record: () => log.record,
      leftMs: ({ isFinal, timeoutMs }) => (isFinal && timeoutMs !== null ? timeoutMs : this.#timer.leftMs()),
      note: (entry) => this.#note(entry),
      cacheNotes: new Map(),
      emit: (event) => this.#emit(event),
      outermost: options.outermost,
    };
    this.#pieces = new Pieces({
      context: this.#context,
      inbox: this.#inbox,
      interruption: () => this.#interruption,
      startChild: options.startChild,
    });
    this.#notifier = new Notifier(this.#context, this.#inbox);
  }

  /** The first reason to stop counts. Running pieces are stopped cleanly, and the run ends with that outcome. */
  stop(outcome: Exclude<RunOutcome, "SUCCEEDED">, message: string, code?: ErrorCode): void {
    if (this.#interruption !== null) return;
    const reason = { outcome, message, ...(code === undefined ? {} : { code }) };
    const event = { type: "stop_requested", reason } as const;
    this.#inbox.put({ type: "event", at: this.#now(), event, requests: this.#requests?.seen ?? 0 });
  }

  /**
   * Ends the run `CANCELLED`; with `force`, running pieces are killed at once. A second cancel also ends `finally`, and kills
   * what the first one stopped.
   */
  cancel({ reason: message, force = false }: CancelRequest<string>): void {
    const isRepeated = this.#wasCancelled;
    this.#wasCancelled = true;
    this.stop("CANCELLED", message, "AC_CANCELLED");
    const request = { reason: { message, interrupts: false }, force: true };
    if (force) this.#pieces.cancel(request);
    else if (isRepeated) this.#pieces.cancel(request, ({ cancellation }) => cancellation.reason !== null);
  }

  /**
   * Stops the running pieces and leaves the run unfinished: each stopped piece starts again when the run is resumed. A run
   * that is already ending, with nothing left to start, ends normally.
   */
  interrupt({ reason: message, force }: CancelRequest<string>): void {
    if (!this.#options.log.record.state.isEnding) this.#interruption ??= message;
    this.#pieces.cancel({ reason: { message, interrupts: true }, force });
    if (force === true) this.#notifier.abort();
    this.#inbox.wake();
  }

  /**
   * Resolves with the end of the run, or with its state when it was interrupted. Rejects if the run could not continue; it can
   * then be resumed.
   */
  async drive(): Promise<RunResult> {
    const { log, ports, workflow } = this.#options;
    const { contextDir } = log.record.created;
    this.#telemetry = await openTelemetry({ workflow, contextDir, clock: ports.clock, log: ports.log });
    try {
      return await this.#driveToEnd();
    } finally {
      await this.#telemetry.close();
    }
  }

  async #driveToEnd(): Promise<RunResult> {
    const { log, workflow, runId, resumed } = this.#options;
    this.#tellStart(resumed);
    const watch = this.#watchForRequests();
    this.#requests = watch;
    try {
      const mayWork = await this.#mayWork(watch);
      if (resumed && this.#interruption === null) await this.#pickUp();
      await writeRunRecord(workflow, runId, log.record);
      if (mayWork) {
        this.#timer.follow();
        await this.#advance([]);
      }
      while (this.#goesOn()) await this.#advance(await this.#inbox.take());
      if (log.record.state.outcome === null) await this.#noteInterruption();
      await Promise.all(this.#discards);
      await writeRunRecord(workflow, runId, log.record);
    } finally {
      this.#timer.close();
      this.#approvals.close();
      this.#retryTimer.close();
      watch?.close();
      await this.#options.group?.leave();
    }
    const result = this.#result();
    this.#emit({ type: "run_ended", at: this.#now(), run: runId, result });
    return result;
  }

  /** Waits for its turn in the concurrency group. False if the run was stopped before. */
  async #mayWork(watch: RequestWatch | null): Promise<boolean> {
    const { group, log, resumed, runId } = this.#options;
    if (group === null) return true;
    const isStopped = (): boolean => this.#interruption !== null || !this.#inbox.isEmpty;
    const holder = await group.holder();
    if (holder !== null) {
      await log.append([{ type: "group", at: this.#now(), waitsFor: group.name }]);
      this.#emit({ type: "run_waiting", at: this.#now(), run: runId, group: group.name, holder });
      const isTurn = await group.turn(isStopped);
      // A cancel that was requested before its turn counts.
      await watch?.look();
      if (!isTurn || isStopped()) {
        // Nothing has begun, so there is nothing to clean up: a second cancel leaves out `finally`.
        if (this.#interruption === null && !resumed)
          this.stop("CANCELLED", "cancelled while it waited", "AC_CANCELLED");
        return false;
      }
    }
    if (log.record.waitsForGroup !== null)
      await log.append([{ type: "group", at: this.#now(), waitsFor: null }]);
    return true;
  }

  /** Null for sub-workflows: they end with the outermost run, and have its answers. */
  #watchForRequests(): RequestWatch | null {
    const { log, ports, runId } = this.#options;
    const { created, requestsDone, requestsDoneBefore } = log.record;
    if (created.parent !== null) return null;
    const { answers } = ports;
    const watch = new RequestWatch({
      ...ports,
      runId,
      done: requestsDone,
      doneBefore: requestsDoneBefore,
      onCancel: (reason) => this.cancel({ reason }),
      onAnswer: (answer) => answers.take(answer),
    });
    answers.readFrom(() => watch.look());
    return watch;
  }

  #goesOn(): boolean {
    if (this.#options.log.record.state.outcome !== null) return false;
    return (
      this.#interruption === null ||
      this.#pieces.atWork > 0 ||
      this.#notifier.sending > 0 ||
      !this.#inbox.isEmpty
    );
  }

  async #noteInterruption(): Promise<void> {
    const message = this.#interruption ?? "interrupted";
    await this.#options.log.append([{ type: "interrupted", at: this.#now(), message }]);
  }

  /** Journals what happened together with its consequences, then performs what was journaled. */
  async #advance(happened: readonly RunEntry[]): Promise<void> {
    const { log } = this.#options;
    let room = stepsAtOnce;
    const follows = (): readonly RunEntry[] => {
      const next = room > 0 ? this.#next(room) : [];
      room -= next.length;
      return next;
    };
    const entries = await log.append(happened, follows, (write, added) =>
      this.#pieces.submitAhead(write, added),
    );
    this.#cancelHalted();
    this.#timer.follow();
    for (const entry of happened) {
      this.#noted.get(entry)?.();
      this.#noted.delete(entry);
    }
    const touched = new Set(entries.flatMap((entry) => this.#stepsOf(entry)));
    for (const id of touched) await this.#afterChange(id);
    if (room <= 0) this.#inbox.wake();
    for (const entry of entries) if (entry.type === "notification") this.#notifier.journaled(entry);
    this.#retryTimer.follow(log.record.state.ready.nextRetryAt, log.record.lastAt);
  }

  /** Asks the running pieces that the stop ends to stop; none of their kind is started after that. */
  #cancelHalted(): void {
    const { state } = this.#options.log.record;
    const { halt, stop } = state;
    if (stop === null || halt === this.#halted) return;
    this.#halted = halt;
    const request = { reason: { message: stop.message, interrupts: false } };
    this.#pieces.cancel(request, ({ plan }) => state.isHalted(plan));
  }

  #note(entry: RunNotedEntry): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#noted.set(entry, resolve);
    this.#inbox.put(entry);
    return promise;
  }

  /** The planner gives what is left out when it is asked again. */
  #next(room: number): readonly RunEntry[] {
    const { log, ports, settings, workflow } = this.#options;
    if (this.#interruption !== null && !log.record.state.isEnding) return [];
    const entries = nextEntries({
      instances: this.#options.instances,
      record: log.record,
      concurrency: workflow.concurrency,
      now: Math.max(this.#now(), this.#retryTimer.waitedUntil),
      ids: ports.ids,
      spends: settings.spends,
      areOrdered: this.#areOrdered,
    });
    const next = { now: this.#now(), id: () => ports.ids.next() };
    return withNotifications(entries.slice(0, room), rulesFor(this.#context), log.record, next);
  }

  async #afterChange(id: string): Promise<void> {
    await this.#giveTurn();
    const state = this.#stateOf(id);
    const instance = this.#options.instances.get(id);
    if (instance === undefined) return;
    if (state.kind === "ended") await this.#conclude(instance, state);
    if (state.kind === "awaiting") this.#await(instance, state.waitId);
    else this.#approvals.end(id);
    if (state.kind === "working" || state.kind === "checking") this.#pieces.launch(instance, state, false);
    this.#emit({
      type: "step_changed",
      at: this.#now(),
      run: this.#options.runId,
      step: this.#report(instance),
    });
  }

  async #giveTurn(): Promise<void> {
    this.#sinceTurn += 1;
    if (this.#sinceTurn < stepsAtOnce) return;
    this.#sinceTurn = 0;
    await loopWentRound();
  }

  #await({ id }: StepInstance, waitId: string): void {
    const { approval, startedAt } = factsOf(this.#options.log.record, id);
    if (approval !== null) this.#approvals.begin(id, waitId, approval, startedAt ?? this.#now());
  }

  async #conclude(instance: StepInstance, state: EndedState): Promise<void> {
    const { created, state: run } = this.#options.log.record;
    const { contextDir } = created;
    const report = this.#report(instance);
    // A run can be stopped before most of its steps begin; `_workflow.json` names those.
    // Where only one step runs, those of the others are of an earlier run.
    if (report.startedAt !== null || (run.stop === null && created.only === undefined))
      writeStepRecord(contextDir, report);
    await writeDiagnosis(contextDir, instance, state);
    this.#discards.push(discardAfterEnd(this.#context, instance, state.status === "SUCCEEDED"));
  }

  /** Takes over from an earlier process: finds its jobs by their ids, and writes the records of ended steps again. */
  async #pickUp(): Promise<void> {
    this.#notifier.resume();
    for (const instance of this.#options.instances.all()) {
      await this.#giveTurn();
      const state = this.#stateOf(instance.id);
      if (state.kind === "ended") await this.#conclude(instance, state);
      if (state.kind === "awaiting") this.#await(instance, state.waitId);
      if (state.kind === "working" || state.kind === "checking") {
        this.#pieces.launch(instance, state, await this.#pieces.wasBegun(instance, state));
      }
    }
  }

  #tellStart(resumed: boolean): void {
    const { runId, instances, log } = this.#options;
    // A run that has ended is only shown.
    if (log.record.state.outcome !== null) return;
    const { name } = log.record.created;
    const steps = instances.all().map(({ id }) => id);
    this.#emit({ type: "run_started", at: this.#now(), run: runId, name, resumed, steps });
  }

  #result(): RunResult {
    const { log, runId, instances } = this.#options;
    const { state, spent, created, endedAt } = log.record;
    return {
      run: runId,
      outcome: state.outcome ?? "INTERRUPTED",
      reason: state.outcome === "SUCCEEDED" ? null : (state.stop?.message ?? this.#interruption),
      code: codeOf(log.record),
      steps: instances.all().map((instance) => this.#report(instance)),
      spent,
      costUsd: knownCost(log.record),
      startedAt: created.at,
      endedAt: endedAt ?? this.#now(),
      downtimeMs: log.record.downtimeMs,
    };
  }

  #report(instance: StepInstance) {
    return stepReport(this.#options.log.record, instance);
  }

  #stateOf(id: string): StepState {
    return this.#options.log.record.state.steps.get(id) ?? { kind: "waiting" };
  }

  #emit(event: WorkflowEvent): void {
    this.#telemetry?.take(event);
    this.#options.settings.onEvent(event);
  }

  #now(): number {
    return this.#options.ports.clock.now();
  }

  #stepsOf(entry: RunEntry): readonly string[] {
    if (entry.type !== "event") return [];
    const { event } = entry;
    if (event.type === "step") return [event.step];
    if (event.type !== "expanded") return [];
    return this.#options.instances.ofStep(event.step).map(({ id }) => id);
  }
}
