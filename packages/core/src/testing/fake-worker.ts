/**
 * A worker that does what a test tells it to, behind the real ports: an adapter value, and a {@link WorkerRunner} whose
 * runs are ended by hand. A run that is stopped ends by itself with the outcome of its cause, unless the test says that
 * it hangs.
 */
import {
  type Capability,
  type ProbeOutput,
  capabilities,
  type RunRequest,
  type StopCause,
  unknownUsage,
  type WorkerAdapter,
  type WorkerEvent,
  type WorkerResult,
  type WorkerRun,
  type WorkerRunner,
} from "@agentcore/contract";
import { endingOf } from "../delegation/unstarted.ts";

export interface FakeAdapterOptions {
  readonly name?: string;
  readonly provider?: string | null;
  readonly capabilities?: readonly Capability[];
}

/** An adapter that is never asked for a plan. */
export function fakeAdapter(options: FakeAdapterOptions = {}): WorkerAdapter {
  const { name = "codex", provider = "openai" } = options;
  const unused = (): never => {
    throw new TypeError("a fake adapter plans and reads nothing");
  };
  return {
    contractVersion: 1,
    name,
    title: name,
    provider,
    capabilities: options.capabilities ?? capabilities,
    program: { command: name, versionArgs: [], install: "", credentialEnv: [], loginPaths: [] },
    plan: unused,
    createReader: unused,
  };
}

/** The result of a run that succeeded and reported nothing, with changes. */
export function fakeResult(change: Partial<WorkerResult> = {}): WorkerResult {
  return {
    outcome: "succeeded",
    errorClass: null,
    code: null,
    retryAfterMs: null,
    summary: "done",
    artifacts: [],
    observations: { commands: [], filesChanged: [] },
    usage: unknownUsage,
    costUsd: null,
    costBasis: "none",
    session: null,
    exitCode: 0,
    containment: null,
    startedAt: 0,
    durationMs: 1,
    ...change,
  };
}

/** One run that a test controls. */
export interface FakeRun {
  readonly request: RunRequest;
  /** Set once it was asked to stop. */
  readonly cause: StopCause | null;
  /** It was asked to end at once. */
  readonly isForced: boolean;
  readonly isFinished: boolean;
  emit(event: WorkerEvent): void;
  finish(change?: Partial<WorkerResult>): void;
}

export interface FakeRunner extends WorkerRunner {
  readonly runs: readonly FakeRun[];
  /** Waits for a started run that the test has not received yet. */
  nextRun(): Promise<FakeRun>;
}

export interface FakeRunnerOptions {
  readonly containmentLevel?: "sealed" | "best-effort";
  /** A stopped run continues until the test finishes it. */
  readonly ignoresStop?: boolean;
  /** Runs end at once with this result. */
  readonly result?: (request: RunRequest) => Partial<WorkerResult>;
  /** `start` throws, although a runner must not. */
  readonly startThrows?: Error;
  /** The answer of each look of a task's probe. */
  readonly look?: (script: string, timeoutMs: number) => Promise<Partial<ProbeOutput> | null>;
  /** Its runs have `endAsReported`, and then end with success and this reason. */
  readonly endsAsReported?: true;
}

class Run implements FakeRun, WorkerRun {
  readonly request: RunRequest;
  readonly result: Promise<WorkerResult>;
  cause: StopCause | null = null;
  isForced = false;
  isFinished = false;
  readonly endAsReported?: (reason: string) => void;
  readonly #look: FakeRunnerOptions["look"];
  readonly #resolve: (result: WorkerResult) => void;

  constructor(request: RunRequest, { ignoresStop = false, look, endsAsReported }: FakeRunnerOptions) {
    this.request = request;
    this.#look = look;
    const settled = Promise.withResolvers<WorkerResult>();
    this.result = settled.promise;
    this.#resolve = settled.resolve;
    if (endsAsReported === true) this.endAsReported = (reason) => this.finish({ summary: reason });
    request.permit.signal.onChange(({ reason, force }) => {
      this.cause = reason;
      this.isForced = force;
      if (!ignoresStop) this.finish({ ...endingOf(reason), code: reason.code });
    });
  }

  emit(event: WorkerEvent): void {
    this.request.onEvent(event);
  }

  finish(change: Partial<WorkerResult> = {}): void {
    this.isFinished = true;
    this.#resolve(fakeResult(change));
  }

  async probe(script: string, timeoutMs: number): Promise<ProbeOutput | null> {
    const said = await this.#look?.(script, timeoutMs);
    return said === null ? null : { exitCode: 0, stdout: "", stderr: "", failure: null, ...said };
  }
}

export function createFakeRunner(options: FakeRunnerOptions = {}): FakeRunner {
  const runs: Run[] = [];
  const waiting: ((run: FakeRun) => void)[] = [];
  let given = 0;
  return {
    containmentLevel: options.containmentLevel ?? "sealed",
    runs,
    start(request) {
      if (options.startThrows !== undefined) throw options.startThrows;
      const run = new Run(request, options);
      runs.push(run);
      request.onStarted?.({
        marker: request.permit.id,
        implementation: "fake",
        hostPid: 1,
        hostPidStartTicks: null,
        pidNamespace: null,
        cgroupPath: null,
        bootId: null,
      });
      const waiter = waiting.shift();
      if (waiter !== undefined) {
        given += 1;
        waiter(run);
      }
      if (options.result !== undefined) run.finish(options.result(request));
      return run;
    },
    async nextRun() {
      const run = runs[given];
      if (run !== undefined) {
        given += 1;
        return run;
      }
      return new Promise((resolve) => {
        waiting.push(resolve);
      });
    },
  };
}
