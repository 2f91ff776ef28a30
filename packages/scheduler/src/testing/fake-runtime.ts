/**
 * A runtime that runs nothing: each execution does what a script function says. It checks what a scheduler must never do
 * (execute a permit twice, or one that was not granted; overlap two attempts of one job) and keeps its own ledger.
 */
import {
  AgentCoreError,
  Cancellation,
  type CancelSignal,
  type Clock,
  type Escalation,
  type ExecutionObserver,
  type LoadReport,
  noRefusedKeys,
  type PermitDecision,
  type PermitRecord,
  type PermitRequest,
  type RunIdentity,
  type Runtime,
  type WorkerResult,
  type WorkerTask,
} from "@agentcore/contract";
import { testResult } from "./fixtures.ts";

export interface FakeExecution {
  readonly permit: PermitRecord;
  readonly task: WorkerTask;
  readonly observer: ExecutionObserver | undefined;
  /** Aborted by `cancel` and `close`. */
  readonly signal: CancelSignal<string>;
}

export interface FakeRuntimeOptions {
  readonly clock: Clock;
  /** Answers a request; default: granted. */
  readonly decide?: (
    request: PermitRequest,
    grant: () => PermitDecision,
  ) => PermitDecision | Promise<PermitDecision>;
  /** The result of an execution whose worker never begins; null: it begins. Default: all begin. */
  readonly unstarted?: (permit: PermitRecord) => WorkerResult | null;
  /** Default: succeeds at once. */
  readonly execute?: (execution: FakeExecution) => Promise<WorkerResult> | WorkerResult;
}

export interface LedgerLine {
  readonly jobId: string;
  readonly attempt: number;
  readonly startedAt: number;
  endedAt: number | null;
}

export interface FakeRuntime extends Runtime {
  /** Executions in the order of their starts: what actually happened. */
  readonly ledger: readonly LedgerLine[];
  /** What the scheduler did wrong; empty in a passing test. */
  readonly violations: readonly string[];
  readonly queueReports: readonly { readonly depth: number; readonly oldestWaitMs: number }[];
  /** Moments until which it was given a lease. */
  readonly leases: readonly number[];
  readonly permitsLive: number;
  escalate(escalation: Escalation): void;
}

interface LivePermit {
  readonly permit: PermitRecord;
  executing: Cancellation<string> | null;
}

export function createFakeRuntime(options: FakeRuntimeOptions): FakeRuntime {
  const { clock, decide = (_request, grant) => grant(), execute = () => testResult() } = options;
  const { unstarted = () => null } = options;
  const live = new Map<string, LivePermit>();
  const ledger: LedgerLine[] = [];
  const violations: string[] = [];
  const queueReports: { depth: number; oldestWaitMs: number }[] = [];
  const leases: number[] = [];
  const listeners = new Set<(escalation: Escalation) => void>();
  let permits = 0;

  const grant = (request: PermitRequest): PermitDecision => {
    permits += 1;
    const permit = fakePermit(`permit-${permits}`, request, clock.now());
    live.set(permit.id, { permit, executing: null });
    return { kind: "granted", permit };
  };

  const begin = (permitId: string): { permit: PermitRecord; stop: Cancellation<string> } => {
    const known = live.get(permitId);
    if (known === undefined || known.executing !== null) {
      violations.push(`permit ${permitId} was executed although it is not live`);
      throw new AgentCoreError("AC_PERMIT_INVALID", `permit ${permitId} is not live`);
    }
    const stop = new Cancellation<string>();
    known.executing = stop;
    return { permit: known.permit, stop };
  };

  const note = ({ jobId, attempt }: PermitRecord): LedgerLine => {
    const mine = ledger.filter((line) => line.jobId === jobId);
    if (mine.some((line) => line.endedAt === null)) violations.push(`attempts of ${jobId} overlap`);
    if (mine.some((line) => line.attempt === attempt))
      violations.push(`attempt ${attempt} of ${jobId} ran twice`);
    const line: LedgerLine = { jobId, attempt, startedAt: clock.now(), endedAt: null };
    ledger.push(line);
    return line;
  };

  return {
    ledger,
    violations,
    queueReports,
    leases,
    get permitsLive() {
      return live.size;
    },
    escalate: (escalation) => listeners.forEach((listener) => listener(escalation)),
    requestPermit: async (request) => decide(request, () => grant(request)),
    async execute(permitId, task, observer) {
      const { permit, stop } = begin(permitId);
      const neverBegun = unstarted(permit);
      if (neverBegun !== null) {
        live.delete(permitId);
        return neverBegun;
      }
      const line = note(permit);
      observer?.onStarted?.(fakeIdentity(permitId));
      try {
        return await execute({ permit, task, observer, signal: stop });
      } finally {
        line.endedAt = clock.now();
        live.delete(permitId);
      }
    },
    async releasePermit(permitId) {
      if (live.get(permitId)?.executing === null) live.delete(permitId);
    },
    async cancel(permitId, request) {
      live.get(permitId)?.executing?.cancel(request);
    },
    load: async () => fakeLoad(live.size),
    reportQueue: (queue) => void queueReports.push(queue),
    renewLease: (untilMs) => void leases.push(untilMs),
    onEscalation(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    drain: async () => {},
    async close() {
      for (const { executing } of live.values()) executing?.cancel({ reason: "closed" });
    },
  };
}

/** The end of a cancelled execution. */
export const cancelledResult: WorkerResult = testResult({
  outcome: "cancelled",
  errorClass: "cancelled",
  code: "AC_CANCELLED",
  summary: "cancelled",
  exitCode: null,
});

/** Resolves after the time has passed, or earlier with the cancelled result if the execution is cancelled. */
export function takeTime(
  execution: FakeExecution,
  durationMs: number,
  result: WorkerResult,
  clock: Clock,
): Promise<WorkerResult> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(durationMs, () => resolve(result));
    execution.signal.onChange(() => {
      timer.cancel();
      resolve(cancelledResult);
    });
  });
}

export function fakePermit(id: string, request: PermitRequest, now: number): PermitRecord {
  return {
    id,
    jobId: request.jobId,
    attempt: request.attempt,
    worker: request.worker,
    provider: request.provider ?? null,
    workspace: request.workspace,
    issuedAt: now,
    deadline: now + request.timeoutMs,
    grants: {
      capabilities: request.capabilities,
      maxCostUsd: request.maxCostUsd ?? null,
      maxTokens: request.maxTokens ?? null,
      model: request.model ?? null,
      timeoutMs: request.timeoutMs,
    },
    degraded: [],
    budgets: [],
    breakers: [],
  };
}

export function fakeIdentity(permitId: string): RunIdentity {
  return {
    marker: permitId,
    implementation: "none",
    hostPid: 1,
    hostPidStartTicks: null,
    pidNamespace: null,
    cgroupPath: null,
    bootId: null,
  };
}

export function fakeLoad(permitsLive: number): LoadReport {
  return {
    permitsLive,
    executing: permitsLive,
    pressure: "accept",
    pressureSignal: null,
    eventLoopDelayMs: 0,
    memoryAvailableBytes: null,
    containment: "sealed",
    draining: false,
    budgets: [],
    breakers: [],
    refusedKeys: noRefusedKeys,
  };
}
