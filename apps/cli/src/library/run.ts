/**
 * `run()` of the library: one task, from start to result, in this process. It has the defaults of `agentcore run`, and
 * everything that it opens is closed when it resolves.
 */
import {
  Cancellation,
  cureOf,
  ignore,
  omitUndefined,
  onAbort,
  type Capability,
  type Dedup,
  type JobSubmission,
  type Outcome,
  type OutputSpec,
  type ResultLine,
  type RunEvent,
} from "@agentcore/contract";
import type { JobHandle } from "@agentcore/scheduler";
import { openCore, type AgentCoreOptions, type WorkerName } from "../create-agent-core.ts";
import type { Presenter } from "../present/human-presenter.ts";
import { runJob } from "../queue/run-job.ts";
import { checkOptions } from "./check-options.ts";

export interface RunOptions extends Omit<Partial<AgentCoreOptions>, "claims" | "env"> {
  /** Name of a built-in worker, or of one of `adapters`. */
  readonly worker: WorkerName;
  /** Directory in which the worker works. One run at a time per directory. */
  readonly workspace: string;
  readonly instructions: string;
  /** What the worker may do. Default: `["read"]`. */
  readonly capabilities?: readonly Capability[];
  /** By the worker's name for it. Default: the worker's own. */
  readonly model?: string;
  /** Time limit of one attempt, in ms. Default: 30 minutes. */
  readonly timeoutMs?: number;
  /** Longest silence with no tool call in flight and no open call, in ms. Default: `watchdog.silence` of the configuration. */
  readonly silenceTimeoutMs?: number;
  /** US dollars for all attempts together. Default: no ceiling but those of the configuration. */
  readonly maxCostUsd?: number;
  /** Tokens for all attempts together. Default: no ceiling but those of the configuration. */
  readonly maxTokens?: number;
  /** Default: 1. A task is repeated only if you allow it. */
  readonly maxAttempts?: number;
  /** At most one unfinished job has the key; `dedup` decides what a second one does. Default: none. */
  readonly key?: string;
  /** Default: `coalesce`, which joins the unfinished job. */
  readonly dedup?: Dedup;
  /** Script that must exit with 0 in the workspace for the run to succeed. */
  readonly verify?: string;
  /** Files that must exist afterwards, and are kept. */
  readonly outputs?: readonly OutputSpec[];
  /** Variables for the worker, in addition to PATH, language, time zone and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** The worker's session to resume. */
  readonly session?: string;
  readonly tenant?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** False: a run that cannot start now is refused instead of waiting. Default: true. */
  readonly wait?: boolean;
  /** Cancels the run. It still ends with a result, once nothing of it is left. */
  readonly signal?: AbortSignal;
  /** Called with each event, in order. What it throws is logged and ignored. */
  readonly onEvent?: (event: RunEvent) => void;
  /** Environment from which workers get their credentials. Default: `process.env`. */
  readonly hostEnv?: AgentCoreOptions["env"];
}

/** The fields of the last line of `agentcore run --json`, over all attempts. */
type Report = Omit<ResultLine, "type" | "outcome">;

export type RunEnd =
  | (Report & { readonly ok: true; readonly outcome: "succeeded" })
  | (Report & {
      readonly ok: false;
      readonly outcome: Exclude<Outcome, "succeeded">;
      /** A limit or the queue permitted no attempt: nothing was started. */
      readonly refused: boolean;
      /** What to do about `code`, in the words of the library. */
      readonly cure: string;
    });

/**
 * Runs one task and resolves with its end. A run that fails, times out, is refused by a limit or is cancelled resolves as well,
 * with `ok: false`; so does one whose worker's program is not installed (`AC_WORKER_MISSING`) or is too old
 * (`AC_WORKER_TOO_OLD`), because that is found when the attempt starts. Rejects with an `AgentCoreError` if nothing could be
 * started: for options that are wrong or unknown (`AC_OPTION_INVALID`, `AC_WORKSPACE_MISSING`, `AC_WORKER_UNKNOWN` for a name
 * that no adapter has, …), for an invalid configuration, or if the state directory cannot be used.
 */
export async function run(options: RunOptions): Promise<RunEnd> {
  checkOptions("run()", options);
  const {
    adapters,
    replaceBuiltIn,
    config,
    hostEnv: env,
    store,
    log,
    onEvent,
    signal,
    stateDir,
    wait = true,
  } = options;
  const cancellation = new Cancellation<string>();
  const stopListening = onAbort(signal, () =>
    cancellation.cancel({ reason: "the caller's signal was aborted" }),
  );
  const core = await openCore({
    ...omitUndefined({ adapters, replaceBuiltIn, config, env, log, stateDir, store }),
    claims: "own",
  }).catch((error: unknown) => {
    stopListening();
    throw error;
  });
  const stop = (handle: JobHandle): void =>
    void cancellation.onChange((request) => {
      handle.cancel(request).catch((error: unknown) => ignore(error, "the run's own end reports it"));
    });
  try {
    const { result, refused } = await Promise.race([
      runJob(await core.prepare(jobOf(options)), {
        scheduler: core.scheduler,
        store: core.store,
        presenter: listenerOf(onEvent, core.log),
        wait,
        onSubmitted: stop,
      }),
      core.broken.then((error) => Promise.reject(error)),
    ]);
    const { type: _, outcome, ...report } = result;
    return outcome === "succeeded"
      ? { ...report, ok: true, outcome }
      : { ...report, ok: false, outcome, refused, cure: cureOf(report.code, "library") };
  } finally {
    stopListening();
    await core.close();
  }
}

function jobOf(options: RunOptions): JobSubmission {
  const { worker, workspace, instructions, capabilities, outputs, tenant, labels } = options;
  const { timeoutMs, maxAttempts, maxCostUsd, maxTokens, silenceTimeoutMs } = options;
  const { model, env, session, verify, key, dedup } = options;
  return {
    ...omitUndefined({ key, dedup }),
    priority: { class: "interactive" },
    task: {
      worker,
      workspace,
      instructions,
      ...omitUndefined({
        model,
        env,
        session,
        verify,
        capabilities: capabilities === undefined ? undefined : [...capabilities],
        outputs: outputs === undefined ? undefined : [...outputs],
      }),
    },
    limits: omitUndefined({ timeoutMs, maxAttempts, maxCostUsd, maxTokens, silenceTimeoutMs }),
    context: omitUndefined({ tenant, labels }),
  };
}

function listenerOf(onEvent: RunOptions["onEvent"], log: AgentCoreOptions["log"]): Presenter {
  return {
    event: (event) => {
      try {
        onEvent?.(event);
      } catch (error) {
        log?.error({ error }, "onEvent of run() threw");
      }
      return Promise.resolve();
    },
    remark: () => {},
    end: () => {},
    close: () => {},
  };
}
