/**
 * What the API needs from the daemon. The documents are those of the contract, as the program makes them: moments are numbers;
 * the API prints them. Every method may reject with an `AgentCoreError`, whose code decides the HTTP status.
 */
import type {
  ApprovalDocument,
  ArtifactChunkDocument,
  ArtifactKind,
  BudgetDocument,
  CallSpend,
  DrainDocument,
  HoldDocument,
  EventTopic,
  JobCalls,
  JobSubmission,
  LogChunkDocument,
  OverviewDocument,
  PricingDocument,
  ReadinessDocument,
  RunDetailsDocument,
  RunDocument,
  RunGraphDocument,
  RunStepDocument,
  StopDocument,
  VersionDocument,
} from "@agentcore/contract";
import type {
  CancelAnswer,
  DeadLetterQuery,
  EditJob,
  JobPage,
  JobQuery,
  JobRecord,
  JobStore,
  QueueStats,
  Replayed,
  ReplayedBatch,
  SubmitOutcome,
  WhyFacts,
  WhyReport,
} from "@agentcore/scheduler";
import type {
  ChainLink,
  EventQuery,
  Firing,
  FiringQuery,
  Json,
  StoredEvent,
  StoredFiring,
  TriggerView,
  WaitReason,
} from "@agentcore/triggers";

export interface ApiPorts {
  readonly jobs: JobsPort;
  readonly deadLetters: DeadLettersPort;
  readonly workflows: WorkflowsPort;
  /** Null: the process runs no triggers. */
  readonly triggers: TriggersPort | null;
  readonly daemon: DaemonPort;
  readonly events: EventsPort;
  /** Text in the exposition format of Prometheus. Null: none. */
  readonly metrics: (() => Promise<string>) | null;
}

/** `queueJobs` makes it of a `QueueClient`. */
export interface JobsPort {
  submit(jobs: readonly JobSubmission[]): Promise<readonly SubmitOutcome[]>;
  list(query: JobQuery): Promise<JobPage>;
  /** On all pages. */
  count(query: JobQuery): Promise<number>;
  /** By id or alias; undefined if there is none. */
  get(id: string): Promise<JobRecord | undefined>;
  details(id: string): Promise<JobDetails>;
  /** The job once it has ended, or as it is when the signal is aborted. */
  wait(id: string, signal: AbortSignal): Promise<JobRecord>;
  cancel(id: string, request: { readonly reason?: string; readonly force?: boolean }): Promise<CancelAnswer>;
  /** A delayed job becomes due. Returns it as it is now; a job that is not delayed is left as it is. */
  runNow(id: string): Promise<JobRecord>;
  why(id: string): Promise<{ readonly report: WhyReport } & WhyFacts>;
  logs(request: LogRequest): Promise<LogChunkDocument>;
  /** Reads only what the result of the attempt names. Rejects with `AC_ARTIFACT_NOT_FOUND`. */
  artifact(request: ArtifactRequest): Promise<ArtifactChunkDocument>;
  stats(): Promise<QueueStats>;
}

export interface JobDetails {
  readonly record: JobRecord;
  readonly attempts: Awaited<ReturnType<JobStore["attempts"]>>;
  readonly lateResults: Awaited<ReturnType<JobStore["lateResults"]>>;
  readonly calls: JobCalls;
}

export interface LogRequest {
  readonly jobId: string;
  /** Null: the newest. */
  readonly attempt: number | null;
  readonly stream: "stdout" | "stderr";
  /** Of the text of the chunk. */
  readonly encoding: "utf8" | "base64";
  /** In bytes; negative: from the end. An offset after the end gives an empty chunk. */
  readonly offset: number;
  /** Most bytes of the chunk: 1 to 1 MiB. */
  readonly limit: number;
}

export interface ArtifactRequest extends Omit<LogRequest, "stream" | "encoding"> {
  readonly name: string;
  /** Null: any. */
  readonly kind: ArtifactKind | null;
}

export interface DeadLettersPort {
  list(query: DeadLetterQuery): Promise<JobPage>;
  /** On all pages. */
  count(query: DeadLetterQuery): Promise<number>;
  replay(id: string, edit?: EditJob): Promise<Replayed>;
  /** One page of those that match. `next`: pass as `before` for the next page; null: this was the last. */
  replayPage(
    query: DeadLetterQuery,
    edit?: EditJob,
  ): Promise<ReplayedBatch & { readonly next: string | null }>;
  /** Deletes at most `limit` of those that match, and returns their ids. */
  purgePage(query: Omit<DeadLetterQuery, "before">): Promise<readonly string[]>;
}

export interface WorkflowsPort {
  /** Resolves once the run is durable. */
  run(request: WorkflowRequest): Promise<{ readonly id: string }>;
  list(query: WorkflowRunQuery): Promise<WorkflowRunPage>;
  show(id: string): Promise<RunDetailsDocument>;
  /** Those of the runs of sub-workflows come after the step that has them. Rejects with `AC_WORKFLOW_CHANGED`. */
  steps(id: string): Promise<readonly RunStepDocument[]>;
  /** Rejects with `AC_WORKFLOW_CHANGED`. */
  graph(id: string): Promise<RunGraphDocument>;
  resume(id: string): Promise<{ readonly id: string }>;
  /** `from`: a step, which runs again with all that wait for it; null: the failed ones. */
  retry(id: string, from: string | null): Promise<{ readonly id: string }>;
  cancel(id: string, reason: string): Promise<"cancelled" | "requested">;
  answer(id: string, answer: WorkflowAnswer): Promise<ApprovalDocument>;
  /** Jobs of the run, newest first; `step`: only of this one. Their logs are those of jobs. */
  jobs(id: string, step: string | null): Promise<readonly JobRecord[]>;
}

export interface WorkflowRunQuery {
  /** As in the documents. Default: all. */
  readonly states?: readonly string[];
  /** Of the workflow. Default: all. */
  readonly name?: string;
  readonly before?: string;
  readonly limit: number;
}

export interface WorkflowRunPage {
  readonly runs: readonly RunDocument[];
  /** Pass as `before` for the next page, which may be empty; null: this was the last. */
  readonly next: string | null;
}

export interface WorkflowRequest {
  /** Absolute paths on the machine of the daemon. */
  readonly file: string;
  readonly workspace: string;
  readonly inputs: Readonly<Record<string, string | number | boolean>>;
  readonly agents: readonly string[] | null;
  readonly maxCostUsd: number | null;
  readonly maxTokens: number | null;
}

export interface WorkflowAnswer {
  readonly decision: "approved" | "rejected";
  /** Null: the only step that waits. */
  readonly step: string | null;
  /** Null: the user of the daemon. */
  readonly by: string | null;
  readonly message: string;
}

export interface TriggersPort {
  /** In the order of the file. */
  list(): Promise<readonly TriggerView[]>;
  pause(trigger: string, note: string): Promise<void>;
  resume(trigger: string): Promise<void>;
  /** Fires one trigger with an event of its own. Returns the id of the event. */
  fire(trigger: string, payload: Json): Promise<string>;
  /** Fires the slots of its schedule from `from` (included) to `to` (excluded), in ms since the epoch. */
  backfill(trigger: string, range: { readonly from: number; readonly to: number }): Promise<Accepted>;
  /** Routes the event again, to one trigger or to all of its source; the original stays. Returns the id of the new event. */
  replay(event: string, trigger: string | null): Promise<string>;
  /** Rejects with `AC_TOPIC_UNKNOWN` if no source has the topic. `key`: no second event with the same one is kept. */
  emit(emission: EmittedEvent): Promise<Accepted>;
  event(id: string): Promise<StoredEvent | null>;
  events(query: EventQuery): Promise<readonly StoredEvent[]>;
  firing(id: string): Promise<StoredFiring | null>;
  firings(query: FiringQuery): Promise<readonly StoredFiring[]>;
  /** Null: it does not wait. */
  whyWaits(firing: Firing): WaitReason | null;
  /** Skips a firing that waits, or cancels its run. Rejects with `AC_FIRING_NOT_FOUND` if it is not open. */
  cancelFiring(id: string, reason: string): Promise<void>;
}

export interface EmittedEvent {
  readonly topic: string;
  readonly payload: Json;
  readonly key: string | null;
  /** The runs that led to it, the oldest first. */
  readonly chain: readonly ChainLink[];
}

export interface Accepted {
  /** Ids of the new events. */
  readonly events: readonly string[];
  readonly duplicates: number;
}

export interface DaemonPort {
  version(): Omit<VersionDocument, "type" | "scope">;
  readiness(): Promise<Omit<ReadinessDocument, "type">>;
  budgets(): Promise<readonly Omit<BudgetDocument, "type">[]>;
  /** The oldest first, at most `holdsMax`. */
  holds(): Promise<readonly HoldDocument[]>;
  overview(): Promise<OverviewDocument>;
  /** Spend that was booked in windows of an hour or a day, of everything (`global`) and of each worker (`worker:NAME`). */
  spend(range: SpendRange): Promise<readonly SpendLevel[]>;
  /** By the calls that the spend gate metered. */
  callSpend(range: Pick<SpendRange, "since" | "until">): Promise<CallSpend>;
  pricing(): Omit<PricingDocument, "type">;
  /** Takes no more work, and ends when nothing works any more. Resolves once it has begun. */
  drain(): Promise<Omit<DrainDocument, "type">>;
  /** Pauses every trigger, cancels every run and every job, and resolves with the proof once nothing runs, or after its bound. */
  stopAll(reason: string): Promise<Omit<StopDocument, "type">>;
}

/** Whole windows, in ms since the epoch; `until` is not included. */
export interface SpendRange {
  readonly bucket: "hour" | "day";
  readonly bucketMs: number;
  readonly since: number;
  readonly until: number;
}

export interface SpendLevel {
  /** Beginning of the window. */
  readonly at: number;
  readonly scope: string;
  readonly costUsd: number;
  readonly tokens: number;
}

/** Something that happened. */
export interface ApiEvent {
  readonly topic: EventTopic;
  /** A document with a `type`. */
  readonly document: { readonly type: string } & object;
  readonly job?: string | undefined;
  readonly run?: string | undefined;
  readonly trigger?: string | undefined;
}

export interface EventsPort {
  /** Calls the listener with each event from now on, in order. Returns a function that unsubscribes. */
  subscribe(listener: (event: ApiEvent) => void): () => void;
}
