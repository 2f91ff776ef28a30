/** The client: one method for each operation of the API. */
import {
  AgentCoreError,
  backOffMs,
  isAgentCoreError,
  isErrorCode,
  sleep,
  systemClock,
  type AcceptedDocument,
  type AnswerRequest,
  type ApprovalDocument,
  type ArtifactChunkDocument,
  type ArtifactQuery,
  type BackfillRequest,
  type BudgetDocument,
  type CancelDocument,
  type CancelJobRequest,
  type CancelManyRequest,
  type CountDocument,
  type DeadLetterListQuery,
  type DrainDocument,
  type EmitRequest,
  type ErrorDocument,
  type EventListQuery,
  type FireRequest,
  type FiringDocument,
  type FiringListQuery,
  type HealthDocument,
  type HoldDocument,
  type JobDecisionsDocument,
  type JobDetailsDocument,
  type JobDocument,
  type JobFilter,
  type JobListQuery,
  type JobSubmission,
  type JsonDocument,
  type LogChunkDocument,
  type LogQuery,
  type OverviewDocument,
  type PauseRequest,
  type PricingDocument,
  type Printed,
  type PurgedDocument,
  type PurgeRequest,
  type QueueDocument,
  type ReadinessDocument,
  type ReasonRequest,
  type ReplayedDocument,
  type ReplayEventRequest,
  type ReplayManyRequest,
  type ReplayRequest,
  type ResultLine,
  type RetryRunRequest,
  type RunDetailsDocument,
  type RunDocument,
  type RunGraphDocument,
  type RunListQuery,
  type RunStepDocument,
  type RunWorkflowRequest,
  type SequenceQuery,
  type SpendDocument,
  type SpendQuery,
  type StartedDocument,
  type StepQuery,
  type StopDocument,
  type StreamQuery,
  type SubmittedDocument,
  type TriggerDetailsDocument,
  type TriggerDocument,
  type TriggerEventDocument,
  type VersionDocument,
  type WaitQuery,
  type WorkflowLogDocument,
  type WorkflowLogQuery,
} from "@agentcore/contract";
import { followEvents, mayRepeat, type FollowedEvent, type FollowOptions } from "./follow-events.ts";
import { transportFor, unanswered, unreachable, type Fetch, type Transport } from "./transport.ts";

export interface ClientOptions {
  /** `http://HOST:PORT`, `https://HOST`, or `unix:///PATH` of the daemon's socket, which needs no token. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Default: the global one, or one for a Unix socket. */
  readonly fetch?: Fetch | undefined;
  /**
   * How long a GET request is repeated while no daemon answers, as while it restarts, in ms. Only once a request was answered.
   * Default 0.
   */
  readonly reconnectMs?: number | undefined;
  /** Longest time for the answer to one GET request, in ms. Default: 2 minutes, more than a wait on the daemon's side takes. */
  readonly answerMs?: number | undefined;
  /** Called when a request is about to be repeated for the first time, and when it was answered after that. */
  readonly onConnection?: ((state: "lost" | "back", error: AgentCoreError) => void) | undefined;
}

/** A page of a list. `next`: pass as `before` for the next page; null: this was the last. */
export interface Page<T, Next = string> {
  readonly v: 1;
  readonly type: "list";
  readonly items: readonly Printed<T>[];
  readonly next: Next | null;
}

export interface CallOptions {
  /** Ends the request; the promise rejects. */
  readonly signal?: AbortSignal;
}

type Doc<T> = Promise<JsonDocument<T>>;

export type AgentCoreClient = ReturnType<typeof createClient>;

/**
 * Every method rejects with an `AgentCoreError`: with the code that the daemon answered, or `AC_API_UNREACHABLE`. Throws
 * `AC_USAGE` for a URL that is none.
 */
export function createClient(options: ClientOptions) {
  const caller = new Caller(transportFor(options.url, options.fetch), options);
  return {
    ...jobMethods(caller),
    ...workflowMethods(caller),
    ...triggerMethods(caller),
    ...daemonMethods(caller),

    /** What happens, from now on or after `lastEventId`. Connects again after a break; ends with `signal` or when the loop is left. */
    followEvents: (
      query: StreamQuery = {},
      follow: FollowOptions = {},
    ): AsyncGenerator<FollowedEvent, void, void> =>
      followEvents((lastEventId, signal) => caller.stream(query, lastEventId, signal), follow),
  };
}

function jobMethods({ get, post }: Caller) {
  const job = (id: string): string => `/v1/jobs/${encodeURIComponent(id)}`;
  return {
    submitJob: (submission: JobSubmission): Doc<SubmittedDocument> => post("/v1/jobs", submission),
    submitJobs: (jobs: readonly JobSubmission[]): Promise<Page<SubmittedDocument | ErrorDocument>> =>
      post("/v1/jobs/batch", { jobs }),
    listJobs: (query: JobListQuery = {}): Promise<Page<JobDocument>> => get("/v1/jobs", query),
    countJobs: (filter: JobFilter = {}): Doc<CountDocument> => get("/v1/counts/jobs", filter),
    showJob: (id: string): Doc<JobDetailsDocument> => get(job(id)),
    waitForJob: (id: string, query: WaitQuery = {}, call?: CallOptions): Doc<JobDocument> =>
      get(`${job(id)}/wait`, query, call),
    cancelJob: (id: string, request: CancelJobRequest = {}): Doc<CancelDocument> =>
      post(`${job(id)}/cancel`, request),
    cancelJobs: (request: CancelManyRequest): Promise<Page<CancelDocument>> =>
      post("/v1/jobs/cancel", request),
    runJobNow: (id: string): Doc<JobDocument> => post(`${job(id)}/run-now`),
    whyJob: (id: string): Doc<JobDecisionsDocument> => get(`${job(id)}/why`),
    readJobLog: (id: string, query: LogQuery = {}): Doc<LogChunkDocument> => get(`${job(id)}/logs`, query),
    readArtifact: (id: string, query: ArtifactQuery): Doc<ArtifactChunkDocument> =>
      get(`${job(id)}/artifact`, query),
    showJobResult: (id: string): Doc<ResultLine> => get(`${job(id)}/result`),
    showQueue: (): Doc<QueueDocument> => get("/v1/queue"),

    listDeadLetters: (query: DeadLetterListQuery = {}): Promise<Page<JobDocument>> =>
      get("/v1/dead-letters", query),
    countDeadLetters: (filter: JobFilter = {}): Doc<CountDocument> => get("/v1/counts/dead-letters", filter),
    replayDeadLetter: (id: string, request: ReplayRequest = {}): Doc<ReplayedDocument> =>
      post(`/v1/dead-letters/${encodeURIComponent(id)}/replay`, request),
    replayDeadLetters: (request: ReplayManyRequest): Promise<Page<ReplayedDocument | ErrorDocument>> =>
      post("/v1/dead-letters/replay", request),
    purgeDeadLetters: (request: PurgeRequest): Doc<PurgedDocument> => post("/v1/dead-letters/purge", request),
  };
}

function workflowMethods({ get, post }: Caller) {
  const run = (id: string): string => `/v1/workflow-runs/${encodeURIComponent(id)}`;
  return {
    runWorkflow: (request: RunWorkflowRequest): Doc<StartedDocument> => post("/v1/workflow-runs", request),
    listWorkflowRuns: (query: RunListQuery = {}): Promise<Page<RunDocument>> =>
      get("/v1/workflow-runs", query),
    showWorkflowRun: (id: string): Doc<RunDetailsDocument> => get(run(id)),
    listWorkflowSteps: (id: string): Promise<Page<RunStepDocument>> => get(`${run(id)}/steps`),
    showWorkflowGraph: (id: string): Doc<RunGraphDocument> => get(`${run(id)}/graph`),
    listWorkflowJobs: (id: string, query: StepQuery = {}): Promise<Page<JobDocument>> =>
      get(`${run(id)}/jobs`, query),
    readWorkflowLog: (id: string, query: WorkflowLogQuery = {}): Doc<WorkflowLogDocument> =>
      get(`${run(id)}/logs`, query),
    resumeWorkflowRun: (id: string): Doc<StartedDocument> => post(`${run(id)}/resume`),
    retryWorkflowRun: (id: string, request: RetryRunRequest = {}): Doc<StartedDocument> =>
      post(`${run(id)}/retry`, request),
    cancelWorkflowRun: (id: string, request: ReasonRequest = {}): Doc<CancelDocument> =>
      post(`${run(id)}/cancel`, request),
    approveWorkflowStep: (id: string, request: AnswerRequest = {}): Doc<ApprovalDocument> =>
      post(`${run(id)}/approve`, request),
    rejectWorkflowStep: (id: string, request: AnswerRequest = {}): Doc<ApprovalDocument> =>
      post(`${run(id)}/reject`, request),
  };
}

function triggerMethods({ get, post }: Caller) {
  const trigger = (id: string): string => `/v1/triggers/${encodeURIComponent(id)}`;
  const event = (id: string): string => `/v1/trigger-events/${encodeURIComponent(id)}`;
  const firing = (id: string): string => `/v1/firings/${encodeURIComponent(id)}`;
  return {
    listTriggers: (): Promise<Page<TriggerDocument>> => get("/v1/triggers"),
    showTrigger: (id: string): Doc<TriggerDetailsDocument> => get(trigger(id)),
    pauseTrigger: (id: string, request: PauseRequest = {}): Doc<TriggerDocument> =>
      post(`${trigger(id)}/pause`, request),
    resumeTrigger: (id: string): Doc<TriggerDocument> => post(`${trigger(id)}/resume`),
    fireTrigger: (id: string, request: FireRequest = {}): Doc<AcceptedDocument> =>
      post(`${trigger(id)}/fire`, request),
    backfillTrigger: (id: string, request: BackfillRequest): Doc<AcceptedDocument> =>
      post(`${trigger(id)}/backfill`, request),
    listTriggerEvents: (id: string, query: SequenceQuery = {}): Promise<Page<TriggerEventDocument, number>> =>
      get(`${trigger(id)}/events`, query),
    listTriggerFirings: (id: string, query: SequenceQuery = {}): Promise<Page<FiringDocument, number>> =>
      get(`${trigger(id)}/firings`, query),
    listEvents: (query: EventListQuery = {}): Promise<Page<TriggerEventDocument, number>> =>
      get("/v1/trigger-events", query),
    showEvent: (id: string): Doc<TriggerEventDocument> => get(event(id)),
    replayEvent: (id: string, request: ReplayEventRequest = {}): Doc<AcceptedDocument> =>
      post(`${event(id)}/replay`, request),
    emitEvent: (topic: string, request: EmitRequest): Doc<AcceptedDocument> =>
      post(`/v1/topics/${encodeURIComponent(topic)}`, request),
    listFirings: (query: FiringListQuery = {}): Promise<Page<FiringDocument, number>> =>
      get("/v1/firings", query),
    showFiring: (id: string): Doc<FiringDocument> => get(firing(id)),
    cancelFiring: (id: string, request: ReasonRequest = {}): Doc<FiringDocument> =>
      post(`${firing(id)}/cancel`, request),
  };
}

function daemonMethods({ get, post }: Caller) {
  return {
    health: (): Doc<HealthDocument> => get("/v1/health"),
    readiness: (): Doc<ReadinessDocument> => get("/v1/readiness"),
    version: (): Doc<VersionDocument> => get("/v1/version"),
    showOverview: (): Doc<OverviewDocument> => get("/v1/overview"),
    listBudgets: (): Promise<Page<BudgetDocument>> => get("/v1/budgets"),
    listHolds: (): Promise<Page<HoldDocument>> => get("/v1/holds"),
    listSpend: (query: SpendQuery = {}): Doc<SpendDocument> => get("/v1/spend", query),
    showPricing: (): Doc<PricingDocument> => get("/v1/pricing"),
    drain: (): Doc<DrainDocument> => post("/v1/drain"),
    /** Resolves with the receipt once nothing runs, or with what survived. */
    stopAll: (request: ReasonRequest = {}): Doc<StopDocument> => post("/v1/stop", request),
  };
}

type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

interface Asked extends CallOptions {
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Between two requests that find no daemon. */
const repeatPause = { minMs: 100, maxMs: 2000 };

const defaultAnswerMs = 120_000;

class Caller {
  readonly #transport: Transport;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #options: ClientOptions;
  #wasAnswered = false;

  constructor(transport: Transport, options: ClientOptions) {
    const { token } = options;
    this.#transport = transport;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.#options = options;
  }

  readonly get = async <T>(path: string, query: Query = {}, call?: CallOptions): Promise<T> => {
    const { onConnection } = this.#options;
    let waitedMs = 0;
    let lost: AgentCoreError | null = null;
    for (let failures = 1; ; failures += 1) {
      try {
        const document = await this.#getOnce<T>(withQuery(path, query), call?.signal);
        this.#wasAnswered = true;
        if (lost !== null) onConnection?.("back", lost);
        return document;
      } catch (error) {
        if (!this.#mayRepeat(error, waitedMs, call)) throw error;
        if (lost === null) onConnection?.("lost", error);
        lost = error;
        const pauseMs = backOffMs(failures, repeatPause);
        await sleep(systemClock, pauseMs, call?.signal);
        waitedMs += pauseMs;
      }
    }
  };

  async #getOnce<T>(path: string, signal: AbortSignal | undefined): Promise<T> {
    const { answerMs = defaultAnswerMs } = this.#options;
    const limit = AbortSignal.timeout(answerMs);
    const either = signal === undefined ? limit : AbortSignal.any([signal, limit]);
    const { place } = this.#transport;
    return documentOf<T>(await this.#ask(path, { method: "GET", signal: either }), place);
  }

  #mayRepeat(error: unknown, waitedMs: number, call: CallOptions | undefined): error is AgentCoreError {
    const { reconnectMs = 0 } = this.#options;
    const mayComeBack = this.#wasAnswered && waitedMs < reconnectMs && call?.signal?.aborted !== true;
    return mayComeBack && isAgentCoreError(error) && mayRepeat.has(error.code);
  }

  readonly post = async <T>(path: string, body?: object): Promise<T> => {
    const init =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    try {
      return await documentOf<T>(await this.#ask(path, { method: "POST", ...init }), this.#transport.place);
    } catch (error) {
      throw isAgentCoreError(error) && error.code === "AC_API_UNREACHABLE" ? unanswered(error) : error;
    }
  };

  async stream(query: Query, lastEventId: number | null, signal: AbortSignal): Promise<Response> {
    const headers = {
      accept: "text/event-stream",
      ...(lastEventId === null ? {} : { "last-event-id": String(lastEventId) }),
    };
    const response = await this.#ask(withQuery("/v1/events", query), { method: "GET", headers, signal });
    return response.ok ? response : documentOf(response, this.#transport.place);
  }

  async #ask(path: string, { headers, ...init }: Asked): Promise<Response> {
    const { base, place, fetch } = this.#transport;
    try {
      return await fetch(`${base}${path}`, { ...init, headers: { ...this.#headers, ...headers } });
    } catch (error) {
      throw unreachable(place, error);
    }
  }
}

function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of [value].flat()) if (each !== undefined) parameters.append(name, String(each));
  }
  const text = parameters.toString();
  return text === "" ? path : `${path}?${text}`;
}

async function documentOf<T>(response: Response, place: string): Promise<T> {
  // The daemon may go away in the middle of its answer.
  const text = await response.text().catch((error: unknown) => {
    throw unreachable(place, error);
  });
  const document = jsonOf(text) as Partial<ErrorDocument> | undefined;
  if (typeof document !== "object" || document === null || typeof document.type !== "string") {
    const start = text.slice(0, 200);
    throw new AgentCoreError("AC_API_UNREACHABLE", `no daemon answered, but (${response.status}): ${start}`);
  }
  if (document.type !== "error") return document as T;
  const { code = "", message = "", evidence = {} } = document;
  // A newer daemon may have codes that this version does not know.
  throw new AgentCoreError(isErrorCode(code) ? code : "AC_INTERNAL", message, {
    evidence: { ...evidence, ...(isErrorCode(code) ? {} : { code, status: response.status }) },
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
