/** The record of a run, which the entries of its journal are folded into. A resumed run replays the same entries and continues. */
import { assert, omitUndefined } from "@agentcore/contract";
import type { JournalHeader, JournalValue, Spending } from "@agentcore/scheduler";
import type { Budget, Workflow } from "../definition.ts";
import type { PlanStep } from "../plan/plan-step.ts";
import type { Approval, Notification, RunCreated, RunEntry, RunEventEntry } from "./entry-types.ts";
import { RunState, type PlanEvent } from "../plan/run-state.ts";
import { addSpending, nothingSpent } from "../budget/budget-share.ts";
import { runStream } from "./streams.ts";

/** What is known about a step in addition to its state. */
export interface StepFacts {
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Between its start and its end: in which no process worked on the run. */
  readonly downtimeMs: number;
  readonly spent: Spending;
  readonly interruptions: number;
  readonly errorClass: string | null;
  readonly code: string | null;
  readonly artifacts: readonly string[];
  readonly values: Readonly<Record<string, string>>;
  /** For an approval, once it was asked for. */
  readonly approval: Approval | null;
  /** Whether any of its workers reported a cost. */
  readonly costKnown: boolean;
  /** Whether its result is from the cache. */
  readonly cached: boolean;
  /** Whether an earlier run left its result: it did not run in this one. */
  readonly taken: boolean;
  /** Its last job, or the run of its sub-workflow; null before the first. */
  readonly jobId: string | null;
  /** Of its last failure. */
  readonly output: string;
  readonly log: string | null;
  /** When its running job was started. */
  readonly jobStartedAt: number | null;
  /** Id of the commit that its changes are compared with; null before its first job, and if its rules name none. */
  readonly diffBase: string | null;
  /** Why the cache had no result of it; null if it had one, or was not asked. */
  readonly cacheMiss: string | null;
}

const noFacts: StepFacts = {
  startedAt: null,
  endedAt: null,
  downtimeMs: 0,
  spent: nothingSpent,
  interruptions: 0,
  errorClass: null,
  code: null,
  artifacts: [],
  values: {},
  approval: null,
  costKnown: false,
  cached: false,
  taken: false,
  jobId: null,
  output: "",
  log: null,
  jobStartedAt: null,
  diffBase: null,
  cacheMiss: null,
};

/** In US dollars; null if no worker reported a cost. Scripts report none. */
export function knownCost({ costKnown, spent }: Pick<RunRecord, "costKnown" | "spent">): number | null {
  return costKnown ? spent.costUsd : null;
}

export interface RunRecord {
  readonly created: RunCreated;
  readonly state: RunState;
  readonly facts: ReadonlyMap<string, StepFacts>;
  readonly spent: Spending;
  /** Whether any worker reported a cost. */
  readonly costKnown: boolean;
  /** What running jobs may still spend, by job id. */
  readonly reserved: ReadonlyMap<string, Budget>;
  /** The branch that steps must find; null until a step has changed it. */
  readonly branch: string | null;
  /** Time that was spent on the run before the last resume, as far as the journal knows. */
  readonly activeMsBefore: number;
  readonly activeSince: number;
  /** Since its start: in which no process worked on it, as far as the journal knows. */
  readonly downtimeMs: number;
  /** By key, in order. */
  readonly notifications: ReadonlyMap<string, Notification>;
  /** Name of the concurrency group that it waits for; null if it waits for none. */
  readonly waitsForGroup: string | null;
  /** Nothing is at work but the wait for an approval or for the group, whose time does not count. */
  readonly isPaused: boolean;
  /** How many requests to the run have taken effect, or came before it was retried. */
  readonly requestsDone: number;
  /** Likewise by time, for entries of versions that did not count them. */
  readonly requestsDoneBefore: number;
  readonly lastAt: number;
  readonly endedAt: number | null;
  /** Why no process works on it now, if it was stopped and not resumed since. */
  readonly interruption: string | null;
  /** Entries so far. */
  readonly length: number;
}

/** The record, for the code that folds entries into it. */
export interface RecordDraft extends Writable<Omit<RunRecord, "facts" | "notifications" | "reserved">> {
  readonly facts: Map<string, StepFacts>;
  readonly notifications: Map<string, Notification>;
  readonly reserved: Map<string, Budget>;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** `steps`: in the order of the file. */
export function newRecord(steps: readonly PlanStep[], created: RunCreated): RecordDraft {
  return {
    created,
    state: new RunState(steps),
    facts: new Map(),
    spent: nothingSpent,
    costKnown: false,
    reserved: new Map(),
    branch: null,
    activeMsBefore: 0,
    activeSince: created.at,
    downtimeMs: 0,
    isPaused: false,
    waitsForGroup: null,
    notifications: new Map(),
    requestsDone: 0,
    requestsDoneBefore: 0,
    lastAt: created.at,
    endedAt: null,
    interruption: null,
    length: 1,
  };
}

/** In place. */
export function foldEntry(record: RecordDraft, entry: RunEntry): void {
  const { lastAt } = record;
  record.length += 1;
  record.lastAt = Math.max(lastAt, entry.at);
  switch (entry.type) {
    case "created":
      assert(false, "a run was created twice");
      return;
    case "resumed":
      if (!record.isPaused) record.activeMsBefore += Math.max(0, lastAt - record.activeSince);
      addDowntime(record, Math.max(0, entry.at - lastAt));
      record.activeSince = entry.at;
      record.interruption = null;
      return;
    case "group":
      record.waitsForGroup = entry.waitsFor;
      followPause(record, entry.at);
      return;
    case "notification": {
      const { key, begins = record.notifications.get(key)?.begins, ended = null } = entry;
      if (begins !== undefined) record.notifications.set(key, { begins, ended });
      return;
    }
    case "noted": {
      const { step, diffBase, cacheMiss } = entry;
      record.facts.set(step, { ...factsOf(record, step), ...omitUndefined({ diffBase, cacheMiss }) });
      return;
    }
    case "interrupted":
      record.interruption = entry.message;
      return;
    case "event":
      foldEvent(record, entry);
      followPause(record, entry.at);
  }
}

/** The wait for an approval goes on meanwhile. */
function addDowntime(record: RecordDraft, ms: number): void {
  record.downtimeMs += ms;
  for (const [id, facts] of record.facts) {
    const isOpen = facts.startedAt !== null && facts.endedAt === null;
    if (!isOpen || record.state.steps.get(id)?.kind === "awaiting") continue;
    record.facts.set(id, { ...facts, downtimeMs: facts.downtimeMs + ms });
  }
}

function followPause(record: RecordDraft, at: number): void {
  const isWaiting = record.state.isWaiting || record.waitsForGroup !== null;
  if (isWaiting === record.isPaused) return;
  if (isWaiting) record.activeMsBefore += Math.max(0, at - record.activeSince);
  Object.assign(record, { isPaused: isWaiting, activeSince: at });
}

function foldEvent(record: RecordDraft, entry: RunEventEntry): void {
  const { event, at } = entry;
  const { facts, reserved, state } = record;
  if (event.type !== "step") {
    state.apply(event);
    noteRequests(record, entry);
    if (event.type === "run_ended") record.endedAt = at;
    const again = event.type === "retried" ? event.steps : [];
    const added = event.type === "expanded" ? (state.expansionOf(event.step) ?? []) : [];
    for (const id of [...again, ...added.filter((one) => facts.has(one))])
      facts.set(id, factsAnew(facts.get(id)));
    if (event.type !== "retried") return;
    record.notifications.clear();
    record.downtimeMs += Math.max(0, at - (record.endedAt ?? at));
    // A retry has the full time of the run again.
    const fresh = { activeMsBefore: 0, activeSince: at, endedAt: null, interruption: null };
    Object.assign(record, fresh);
    return;
  }
  const before = state.steps.get(event.step);
  state.apply(event);
  const after = state.steps.get(event.step);
  if (before?.kind === "working" || before?.kind === "checking") reserved.delete(before.jobId);
  if ((after?.kind === "working" || after?.kind === "checking") && entry.reserved !== undefined)
    reserved.set(after.jobId, entry.reserved);
  const stepFacts = factsAfter(factsOf(record, event.step), entry, after?.kind === "ended");
  facts.set(event.step, stepFacts);
  record.costKnown ||= stepFacts.costKnown;
  record.spent = addSpending(record.spent, entry.spent ?? nothingSpent);
  record.branch = entry.branch ?? record.branch;
}

/** What a cancel or a retry takes into account. */
function noteRequests(record: RecordDraft, { event, at, requests }: RunEventEntry): void {
  const isCancel = event.type === "stop_requested" && event.reason.outcome === "CANCELLED";
  if (requests !== undefined) record.requestsDone = Math.max(record.requestsDone, requests);
  else if (event.type === "retried" || isCancel) record.requestsDoneBefore = at + 1;
}

export function factsOf({ facts }: Pick<RunRecord, "facts">, step: string): StepFacts {
  return facts.get(step) ?? noFacts;
}

/** Keeps what it spent and how often it was interrupted. */
function factsAnew({ spent, interruptions, costKnown }: StepFacts = noFacts): StepFacts {
  return { ...noFacts, spent, interruptions, costKnown };
}

function factsAfter(facts: StepFacts, entry: RunEventEntry, ended: boolean): StepFacts {
  const { event, at } = entry;
  const starts =
    event.type === "step" && (event.event.type === "work_started" || event.event.type === "check_started");
  return {
    startedAt: facts.startedAt ?? (starts || entry.approval !== undefined ? at : null),
    endedAt: ended ? (facts.endedAt ?? at) : null,
    downtimeMs: facts.downtimeMs,
    spent: addSpending(facts.spent, entry.spent ?? nothingSpent),
    interruptions: facts.interruptions + (entry.interruptions ?? 0),
    errorClass: entry.errorClass ?? (starts ? null : facts.errorClass),
    code: entry.code ?? (starts ? null : facts.code),
    artifacts: entry.artifacts ?? facts.artifacts,
    values: entry.values ?? facts.values,
    approval: approvalAfter(facts, entry),
    costKnown: facts.costKnown || entry.costKnown === true || (entry.spent?.costUsd ?? 0) > 0,
    cached: isCached(event) || (facts.cached && !starts),
    taken: facts.taken || (event.type === "step" && event.event.type === "taken"),
    jobId: startedJob(event) ?? facts.jobId,
    output: entry.output ?? (starts ? "" : facts.output),
    log: entry.log ?? (starts ? null : facts.log),
    jobStartedAt: starts ? at : facts.jobStartedAt,
    diffBase: facts.diffBase,
    cacheMiss: isCached(event) ? null : facts.cacheMiss,
  };
}

function approvalAfter({ approval }: StepFacts, entry: RunEventEntry): Approval | null {
  if (entry.approval !== undefined) return { ...entry.approval, answer: null };
  return approval === null || entry.answer === undefined ? approval : { ...approval, answer: entry.answer };
}

function isCached(event: PlanEvent): boolean {
  return event.type === "step" && event.event.type === "work_ended" && event.event.cached === true;
}

function startedJob(event: PlanEvent): string | null {
  if (event.type !== "step") return null;
  const { event: inner } = event;
  return inner.type === "work_started" || inner.type === "check_started" ? inner.jobId : null;
}

/** Code of the catalog that says more than the outcome: of the run's end, or of the step that decided it. */
export const codeOf = ({ state: { stop }, facts }: Pick<RunRecord, "state" | "facts">): string | null =>
  stop?.code ?? facts.get(stop?.step ?? "")?.code ?? null;

/** The header of a run's stream, for lists and retention. */
export function headerOf(workflow: Workflow, record: RunRecord, owner: JournalValue): JournalHeader {
  const { created, state, endedAt, spent, interruption } = record;
  const { name, file, workspace, parent, root, at } = created;
  return {
    name,
    file,
    workspace,
    parent,
    partOf: root === null ? null : runStream(root),
    startedAt: at,
    lastAt: record.lastAt,
    endedAt,
    downtimeMs: record.downtimeMs,
    outcome: state.outcome,
    message: state.stop?.message ?? interruption,
    code: codeOf(record),
    interrupted: interruption !== null,
    waitsForGroup: endedAt === null ? record.waitsForGroup : null,
    steps: state.size,
    stepsEnded: state.ended,
    stepsFailed: state.failed,
    stepsActive: state.active,
    stepsAsking: state.asking,
    maxCostUsd: created.budget?.costUsd ?? null,
    costUsd: knownCost(record),
    tokens: spent.tokens,
    hash: workflow.hash,
    owner: interruption === null && endedAt === null ? owner : null,
  };
}
