/**
 * Runs one adapter's worker once, for real: real containment, real processes, the real runner, under a permit made for
 * the occasion. What tests of adapters use instead of a whole runtime.
 */
import { openContainment, type Containment, type RunLimits } from "@agentcore/containment";
import {
  Cancellation,
  type CancelSignal,
  omitUndefined,
  systemClock,
  systemIds,
  type Capability,
  type OwnPrices,
  type Permit,
  type ProbeOutput,
  type RunIdentity,
  type RunRequest,
  type StopCause,
  type WorkerAdapter,
  type WorkerEvent,
  type WorkerResult,
  type WorkerRunner,
  type WorkerTask,
} from "@agentcore/contract";
import { createProcessRunner } from "../runner/create-process-runner.ts";
import type { RunnerLimits } from "../runner-options.ts";
import type { Unpriced } from "../prices.ts";
import { makeTemporaryDirectory } from "./temporary-directories.ts";

export interface DriveOptions {
  readonly adapter: WorkerAdapter;
  /** Path of the program in place of the adapter's own, such as a fake agent's. */
  readonly program?: string;
  /** Default: a new empty temporary directory. */
  readonly workspace?: string;
  /** Merged over a task with instructions and the capability `edit`, where the adapter has it. */
  readonly task?: Partial<WorkerTask>;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Default: this process's own environment. */
  readonly hostEnv?: Readonly<Record<string, string | undefined>>;
  readonly limits?: Partial<RunnerLimits>;
  /** Default: none. */
  readonly runLimits?: RunLimits;
  /** Default: the best that this machine has. */
  readonly containment?: Containment;
  /** Default: a new temporary directory. */
  readonly attemptsDir?: string;
  readonly model?: string;
  /** Ceiling of the permit. Default: none. */
  readonly maxCostUsd?: number;
  readonly prices?: OwnPrices;
  readonly unpriced?: Unpriced;
  /** Default: a new one. */
  readonly jobId?: string;
  /** In place of the one of `DrivenRun.cancel`. */
  readonly signal?: CancelSignal<StopCause>;
  /** Opens the spend gate of the run. Default: there is none. */
  readonly openSpendGate?: RunRequest["openSpendGate"];
  readonly spendGateMode?: RunRequest["spendGateMode"];
  /** Providers for which the gate has a credential of its own. Default: none. */
  readonly providersWithCredential?: readonly string[];
  /** Gets each event instead of `DrivenRun.events`, for runs with more than memory should hold. */
  readonly onEvent?: (event: WorkerEvent) => void;
}

export interface DrivenRun {
  readonly result: Promise<WorkerResult>;
  /** So far. */
  readonly events: readonly WorkerEvent[];
  readonly workspace: string;
  readonly attemptsDir: string;
  /** Rejects where the worker was never let go. */
  readonly started: Promise<RunIdentity>;
  /** Resolves with the first event, past or to come, that fits; rejects where the run ends without one. */
  readonly seen: (fits: (event: WorkerEvent) => boolean) => Promise<WorkerEvent>;
  readonly cancel: (request?: { readonly reason?: Partial<StopCause>; readonly force?: boolean }) => void;
  readonly probe: (script: string, timeoutMs?: number) => Promise<ProbeOutput | null>;
  readonly endAsReported: (reason: string) => void;
}

const aMinuteMs = 60_000;

/** Starts a run and returns at once. */
export async function drive(options: DriveOptions): Promise<DrivenRun> {
  const containment = options.containment ?? (await machineContainment());
  const attemptsDir = options.attemptsDir ?? makeTemporaryDirectory("attempts");
  const runner = createProcessRunner({
    containment,
    clock: systemClock,
    ids: systemIds,
    hostEnv: options.hostEnv ?? process.env,
    attemptsDir,
    limits: options.limits,
    runLimits: options.runLimits,
    prices: options.prices,
    unpriced: options.unpriced,
    providersWithCredential: options.providersWithCredential,
  });
  return driveRunner(runner, options, attemptsDir);
}

function driveRunner(runner: WorkerRunner, options: DriveOptions, attemptsDir: string): DrivenRun {
  const { adapter } = options;
  const workspace = options.workspace ?? makeTemporaryDirectory("workspace");
  const cancellation = new Cancellation<StopCause>();
  const started = Promise.withResolvers<RunIdentity>();
  const events: WorkerEvent[] = [];
  const watchers = new Set<(event: WorkerEvent) => void>();
  const onEvent = (event: WorkerEvent): void => {
    if (options.onEvent === undefined) events.push(event);
    else options.onEvent(event);
    for (const watcher of watchers) watcher(event);
  };
  const task = makeTask(adapter, workspace, options.task);
  const permit = makePermit(task, options.signal ?? cancellation, options.model ?? null);
  const run = runner.start({
    adapter,
    task,
    permit: {
      ...permit,
      grants: { ...permit.grants, maxCostUsd: options.maxCostUsd ?? null },
      ...omitUndefined({ jobId: options.jobId }),
    },
    settings: { ...options.settings, ...omitUndefined({ program: options.program }) },
    ...omitUndefined({ openSpendGate: options.openSpendGate, spendGateMode: options.spendGateMode }),
    onEvent,
    onStarted: started.resolve,
  });
  void run.result.then((result) =>
    started.reject(new Error(`the worker was not started: ${result.summary}`)),
  );
  started.promise.catch(() => undefined); // whoever waits for it is told; nobody need wait
  return {
    result: run.result,
    events,
    workspace,
    attemptsDir,
    started: started.promise,
    seen: (fits) =>
      new Promise((found, missed) => {
        const past = events.find(fits);
        if (past !== undefined) found(past);
        watchers.add((event) => void (fits(event) && found(event)));
        void run.result.then((result) => missed(new Error(`the run ended before: ${result.summary}`)));
      }),
    cancel({ reason, force = false } = {}) {
      cancellation.cancel({ reason: cancelCause(reason), force });
    },
    async probe(script, timeoutMs = aMinuteMs) {
      if (run.probe === undefined) throw new TypeError("this runner does not support probes");
      return run.probe(script, timeoutMs);
    },
    endAsReported: (reason) => run.endAsReported?.(reason),
  };
}

/** Runs to the end. */
export async function driveToEnd(
  options: DriveOptions,
): Promise<DrivenRun & { readonly ended: WorkerResult }> {
  const run = await drive(options);
  return { ...run, ended: await run.result };
}

export function makeTask(
  adapter: WorkerAdapter,
  workspace: string,
  overrides: Partial<WorkerTask> = {},
): WorkerTask {
  const capabilities: Capability[] = adapter.capabilities.includes("edit") ? ["read", "edit"] : ["read"];
  return { worker: adapter.name, workspace, instructions: "Do the task.", capabilities, ...overrides };
}

/** A permit that grants what the task asks for, without ceilings. */
export function makePermit(
  task: WorkerTask,
  signal: CancelSignal<StopCause>,
  model: string | null = null,
): Permit {
  return {
    id: systemIds.next(),
    jobId: systemIds.next(),
    attempt: 1,
    worker: task.worker,
    provider: null,
    workspace: task.workspace,
    issuedAt: systemClock.now(),
    deadline: systemClock.now() + 600_000,
    grants: {
      capabilities: task.capabilities,
      maxCostUsd: null,
      maxTokens: null,
      model: model ?? task.model ?? null,
      timeoutMs: 600_000,
    },
    degraded: [],
    budgets: [],
    breakers: [],
    signal,
  };
}

function cancelCause(cause: Partial<StopCause> = {}): StopCause {
  return {
    kind: "cancelled",
    code: "AC_CANCELLED",
    message: "cancelled by the test",
    evidence: {},
    ...cause,
  };
}

let opened: Promise<Containment> | undefined;

/** The best that this machine has; probed once per process. */
export function machineContainment(): Promise<Containment> {
  opened ??= openContainment();
  return opened;
}
