/**
 * What the commands about jobs and workflow runs ask: the state directory of this machine, or a daemon with a URL. Both answer with
 * the documents of the contract, as the program has them, so that a command prints the same for both.
 */
import type { AgentCoreClient } from "@agentcore/client";
import type {
  ApprovalDocument,
  BudgetDocument,
  CallSpendDocument,
  CancelDocument,
  ErrorDocument,
  HoldDocument,
  JobDecisionsDocument,
  JobDetailsDocument,
  JobDocument,
  JobSubmission,
  PricingDocument,
  ReplayedDocument,
  RunDetailsDocument,
  RunDocument,
  SubmittedDocument,
} from "@agentcore/contract";
import type { DeadLetterQuery, JobEdit, JobQuery, JobResult } from "@agentcore/scheduler";
import type { LoadedConfig } from "../config/load.ts";
import type { JobFacts } from "../screen/job-screen.ts";
import type { Refusal } from "../queue/last-refusal.ts";
import type { StateOptions } from "../queue/open-queue.ts";

/** Options of every command that asks a target. */
export interface TargetOptions extends StateOptions {
  /** `http://HOST:PORT`, `https://HOST` or `unix:///PATH`. */
  readonly url?: string;
}

export interface Target {
  readonly jobs: TargetJobs;
  readonly deadLetters: TargetDeadLetters;
  readonly runs: TargetRuns;
  /** The daemon; null: the state directory. */
  readonly daemon: TargetDaemon | null;
  budgets(): Promise<Budgets>;
  /** The configuration of this machine: its workers and defaults. */
  readonly config: () => Promise<LoadedConfig>;
}

export interface Budgets {
  readonly budgets: readonly BudgetDocument[];
  readonly holds: readonly HoldDocument[];
  readonly pricing: PricingDocument;
  /** Of the last 30 days. */
  readonly spent: CallSpendDocument;
}

export interface TargetDaemon {
  /** For messages. */
  readonly place: string;
  /** It has the files of this machine: it is reached over a Unix socket. */
  readonly isHere: boolean;
  readonly client: AgentCoreClient;
}

export interface JobDocumentPage {
  readonly jobs: readonly JobDocument[];
  /** Pass as `before` for the next page; null: this was the last. */
  readonly next: string | null;
}

export interface TargetJobs {
  /** Once it is durable. Outcomes are in the order of the jobs; a job that is wrong refuses all of them. */
  submit(jobs: readonly JobSubmission[]): Promise<readonly (SubmittedDocument | ErrorDocument)[]>;
  list(query: JobQuery): Promise<JobDocumentPage>;
  /** By id or alias; undefined if there is none. */
  get(id: string): Promise<JobFacts | undefined>;
  details(id: string): Promise<JobDetailsDocument>;
  decisions(id: string): Promise<JobDecisionsDocument>;
  cancel(id: string, reason: string): Promise<CancelDocument["outcome"]>;
  /** A delayed job becomes due; others are left as they are. */
  runNow(id: string): Promise<JobDocument>;
  /** The last run or submit that was refused here; null: none, or it is not known. */
  lastRefusal(): Refusal | null;
  /** Waits for its end. */
  result(id: string): Promise<JobResult>;
  /** Bytes of the log of an attempt from the offset on; none: there are no more now. */
  log(part: LogPart): Promise<Uint8Array>;
}

export interface LogPart {
  readonly jobId: string;
  readonly attempt: number;
  readonly stream: "stdout" | "stderr";
  readonly offset: number;
}

/** Those that could not be replayed have the id in `evidence.deadJobId`. */
export type ReplayAnswer = ReplayedDocument | ErrorDocument;

export interface TargetDeadLetters {
  /** Those not replayed yet, newest first. */
  list(query: DeadLetterQuery): Promise<JobDocumentPage>;
  replay(id: string, edits: readonly JobEdit[]): Promise<ReplayedDocument>;
  /** Calls `onBatch` with each batch once it is stored. */
  replayAll(
    query: DeadLetterQuery,
    edits: readonly JobEdit[],
    onBatch: (batch: readonly ReplayAnswer[]) => void,
  ): Promise<void>;
  purge(
    query: Omit<DeadLetterQuery, "limit" | "before">,
    onBatch: (ids: readonly string[]) => void,
  ): Promise<void>;
}

export interface RunPage {
  readonly before?: string | undefined;
  readonly limit?: number | undefined;
}

export interface TargetRuns {
  /** Newest first. */
  list(page: RunPage): Promise<readonly RunDocument[]>;
  ids(page: RunPage): Promise<readonly string[]>;
  /** By id, short id, the beginning of an id, or `@last`. Throws `AC_WORKFLOW_RUN_NOT_FOUND`. */
  find(text: string): Promise<string>;
  /** Of the run with that id, as lists show it. */
  state(id: string): Promise<string | undefined>;
  /** Named as for `find`. */
  show(text: string): Promise<RunDetailsDocument>;
  /** Named as for `find`. */
  answer(text: string, answer: RunAnswer): Promise<ApprovalDocument>;
}

export interface RunAnswer {
  readonly decision: ApprovalDocument["decision"];
  /** Default: the only step that waits. */
  readonly step: string | undefined;
  readonly message: string;
}
