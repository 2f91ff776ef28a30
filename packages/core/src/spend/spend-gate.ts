/**
 * Ports of the spend gate, which `@agentcore/spend-gate` implements: the gate itself, and the journal of the calls that it
 * meters. The gate works within a permit: the permit holds its whole ceiling in the ledger, and the gate divides the ceiling
 * among the calls of the attempt.
 */
import type {
  AttemptCalls,
  SpendGateAccess,
  Upstream,
  MeteredSpending,
  Permit,
  ProviderCall,
  RefusedKeyKind,
  RefusedKeys,
  StopCause,
  WireActivity,
} from "@agentcore/contract";

export interface MeterRequest {
  readonly permit: Permit;
  readonly upstream: Upstream;
  readonly listener: MeterListener;
  readonly limits: MeterLimits;
}

/** Of one attempt. Null: no limit. */
export interface MeterLimits {
  readonly calls: number | null;
  readonly callsInFlight: number | null;
  /** Requests in a row that ask for the same; more are a loop. */
  readonly identicalCalls: number | null;
}

/**
 * Called synchronously, in order. Must not throw. The first call says that the worker uses the gate: none comes before its
 * first request, and one comes with it, whatever becomes of the request.
 */
export interface MeterListener {
  /** After each call, and while a response is streamed: the totals of the attempt, which only grow. */
  onSpending(spending: MeteredSpending): void;
  onActivity(activity: WireActivity): void;
  /** The attempt must stop: a ceiling was reached, or it repeats the same request. Called once. */
  onStop(cause: StopCause): void;
  /** The provider refused a request with 429 or 529, or with another status that says it is overloaded. */
  onRefusal(refusal: ProviderRefusal): void;
}

export interface ProviderRefusal {
  readonly provider: string;
  readonly model: string | null;
  readonly status: number;
  readonly retryAfterMs: number | null;
}

/** The meter of one attempt. */
export interface AttemptMeter {
  readonly access: SpendGateAccess;
  /** The totals so far. */
  spending(): MeteredSpending;
  /**
   * Ends the key: later requests are refused with 401, and open calls are ended and charged. Resolves with the totals once
   * every call is in the journal; a call whose end cannot be written there counts with the most that it can cost. Never
   * rejects. Idempotent.
   */
  close(): Promise<MeteredSpending>;
}

/** Requests that were refused for their key. */
export interface RefusedKeyReport {
  readonly kind: RefusedKeyKind;
  /** Since the last report of this kind. */
  readonly requests: number;
  /** Of the last one: the attempt that had the key. Null if the key is missing or unknown. */
  readonly of: KeyOwner | null;
}

export interface KeyOwner {
  readonly jobId: string;
  readonly attempt: number;
}

export interface SpendGate {
  /** Rejects with an `AgentCoreError` if the gate cannot listen or the upstream is not allowed. */
  open(request: MeterRequest): Promise<AttemptMeter>;
  /** Requests that were refused for their key so far. */
  refusedKeys(): RefusedKeys;
  /**
   * The listener is called with the first refusal of each kind, and then at most once a minute for each kind. It replaces the one
   * before. The kind `stopping` is not reported: a worker that is being stopped may well send requests.
   */
  onRefusedKeys(listener: (report: RefusedKeyReport) => void): void;
  /** Closes all meters and the listeners. Idempotent. */
  close(): Promise<void>;
}

/**
 * Records the calls of attempts. What it has acknowledged survives a crash of the process and of the machine: the start of a
 * call is recorded before its request is forwarded, and its end before the last byte of its response is. After a crash, an
 * attempt is charged its ended calls, and the most that its open calls can cost.
 */
export interface CallJournal {
  /**
   * Rejects with `AC_STORE_UNAVAILABLE` if the storage fails; the request is then refused. Rejects with `AC_INTERNAL` if the
   * permit has a call with this id.
   */
  begin(call: ProviderCall): Promise<void>;
  /** Replaces the record with the same id, or adds it if there is none. Idempotent. */
  end(call: ProviderCall): Promise<void>;
  /** All calls of a permit, in the order of their start. */
  calls(permitId: string): Promise<readonly ProviderCall[]>;
  /** The latest `limit` calls of a job, of all its attempts, in the order of their start. Default {@link callsOfJobMax}. */
  callsOfJob(jobId: string, limit?: number): Promise<readonly ProviderCall[]>;
  /** The calls of each attempt of a job, counted, in the order of the attempts. An attempt without calls has no entry. */
  attemptsOfJob(jobId: string): Promise<readonly AttemptCalls[]>;
}

/** Calls that `callsOfJob` returns if no limit is given. */
export const callsOfJobMax = 1000;
