/** `agentcore run`: runs one task now and shows its progress; the exit code says how it ended. */
import {
  AgentCoreError,
  Cancellation,
  formatDuration,
  ignore,
  type JobSubmission,
  systemClock,
  type Timer,
} from "@agentcore/contract";
import type { JobHandle } from "@agentcore/scheduler";
import { requireWorker, requireWorkerProgram } from "../adapters.ts";
import { compose, type Composition } from "../compose.ts";
import { onInterrupt } from "../interrupt.ts";
import type { Io } from "../io.ts";
import { isDelivered } from "../output.ts";
import {
  jobFromOptions,
  readInstructions,
  warnOfLoaders,
  type TaskOptions,
} from "../options/job-from-options.ts";
import { requireKnownCost } from "../options/require-price.ts";
import { createCommandLog, type ProcessLog } from "../log.ts";
import { announcementOf, loadOptionsConfig } from "../queue/open-queue.ts";
import { exitCodes } from "../exit-code.ts";
import { LastMessage } from "../present/last-message.ts";
import { quietPresenter } from "../present/quiet-presenter.ts";
import type { ViewedJob } from "../screen/run-view.ts";
import { checkWritable, writeReport } from "../text-files.ts";
import { jsonPresenter } from "../present/json-presenter.ts";
import { humanPresenter } from "../present/human-presenter.ts";
import type { Presenter } from "../present/human-presenter.ts";
import { noteRefusal } from "../queue/last-refusal.ts";
import { runJob } from "../queue/run-job.ts";
import { closeScheduler, startScheduler } from "../queue/start-scheduler.ts";
import { withdrawJob } from "../queue/withdraw-job.ts";
import { resolveStateDir } from "../state/state-dir.ts";

export interface RunOptions extends TaskOptions {
  readonly json?: boolean;
  /** Print only the result. */
  readonly quiet?: boolean;
  /** File for the last message of the worker. */
  readonly lastMessage?: string;
  /** False with `--no-wait`. */
  readonly wait: boolean;
}

export async function run(instructions: string | undefined, options: RunOptions, io: Io): Promise<number> {
  const loaded = await loadOptionsConfig(
    options,
    io,
    options.quiet === true ? "exceptions" : announcementOf(options),
  );
  if (options.lastMessage !== undefined) checkWritable(options.lastMessage, io.cwd);
  const job = jobFromOptions(
    await readInstructions(instructions, io),
    { interactive: true, ...options },
    loaded,
    io,
  );
  warnOfLoaders(options.env, io);
  const adapter = await requireWorker(job.task.worker, job.task.capabilities ?? [], loaded);
  requireWorkerProgram(adapter, loaded, io.env);
  await requireKnownCost(adapter, job.task.model, loaded.config);
  const log = createCommandLog(options.json);
  const state = resolveStateDir(options.stateDir, loaded, io.cwd, io.env);
  const composition = await compose({ config: loaded.config, state, adapters: [adapter], env: io.env, log });
  const message = new LastMessage();
  const presenter = seenBy(
    message,
    presenterFor(
      options,
      io,
      {
        maxAttempts: job.limits?.maxAttempts ?? 1,
        maxCostUsd: job.limits?.maxCostUsd ?? null,
        enforcesCapabilities: adapter.enforcesCapabilities ?? true,
      },
      message,
    ),
  );
  const stops = stopOnRequest(io, presenter);
  try {
    const { keep_ended: keepEndedMs } = loaded.config;
    const parts = { composition, log, keepEndedMs, presenter, stops, wait: options.wait };
    const outcome = await runToItsEnd(job, parts);
    presenter.end(outcome.result, outcome.refused);
    if (outcome.refused) {
      const { jobId, code, summary: message } = outcome.result;
      noteRefusal(state, { command: "run", jobId, code: code ?? "AC_INTERNAL", message });
    }
    const text = message.of(outcome.result);
    const isKept = await writeReport(options.lastMessage, () => (text === "" ? "" : `${text}\n`), io);
    // Without events, the answer on stdout is all that was asked for.
    const isTold = options.quiet !== true || (await isDelivered(io.stdout));
    return (isKept && isTold) || outcome.exitCode !== exitCodes.succeeded
      ? outcome.exitCode
      : exitCodes.failed;
  } finally {
    presenter.close();
    await composition.close();
    await log.flush();
  }
}

function presenterFor({ json, quiet }: RunOptions, io: Io, job: ViewedJob, message: LastMessage): Presenter {
  if (quiet === true) return quietPresenter(io.stdout, io.stderr, { json: json === true, message });
  return json === true ? jsonPresenter(io.stdout, io.stderr) : humanPresenter(io.stdout, systemClock, job);
}

function seenBy(message: LastMessage, presenter: Presenter): Presenter {
  return {
    ...presenter,
    event: (event) => {
      message.see(event);
      return presenter.event(event);
    },
  };
}

interface RunToEndOptions {
  readonly composition: Composition;
  readonly log: ProcessLog;
  readonly keepEndedMs: number;
  readonly presenter: Presenter;
  readonly stops: Stops;
  readonly wait: boolean;
}

/** Throws if the store will not work again, or does not accept the end of a run that was asked to stop. */
async function runToItsEnd(job: JobSubmission, parts: RunToEndOptions) {
  const { composition, log, keepEndedMs, presenter, stops, wait } = parts;
  const hopeless = Promise.race([failed(composition), stops.givenUp]);
  const starting = startScheduler(composition, { log, concurrency: 1, keepEndedMs, claims: "own" });
  const scheduler = await Promise.race([starting, hopeless]);
  const { store } = composition;
  let submitted: JobHandle | undefined;
  const onSubmitted = (handle: JobHandle): void => {
    submitted = handle;
    stops.watch(handle);
  };
  try {
    return await Promise.race([runJob(job, { scheduler, store, presenter, wait, onSubmitted }), hopeless]);
  } catch (error) {
    throw submitted === undefined ? error : await withdrawJob(error, submitted, systemClock);
  } finally {
    await closeScheduler(scheduler);
    stops.release();
  }
}

async function failed({ broken }: Composition): Promise<never> {
  throw await broken;
}

/** A run that was asked to end, and has not within this time, is left to the next process on the state directory. */
const endWithinMs = 60_000;

interface Stops {
  /** Rejects if the run did not end although it was asked to. */
  readonly givenUp: Promise<never>;
  watch(submitted: JobHandle): void;
  release(): void;
}

/**
 * On Ctrl-C, or if the reader of our output is gone: nobody would see what is paid for, so the run is cancelled, as the shell
 * would end any other program in a pipe. A request that comes before the job exists is kept for it.
 */
function stopOnRequest(io: Io, presenter: Presenter): Stops {
  const cancellation = new Cancellation<string>();
  const givenUp = Promise.withResolvers<never>();
  let timer: Timer | undefined;
  let released = false;
  cancellation.onChange(({ reason }) => {
    timer ??= systemClock.setTimer(endWithinMs, () => givenUp.reject(notEnded(reason)));
  });
  onInterrupt((request) => {
    if (released) return;
    presenter.remark(
      request.force
        ? "Killing it… press Ctrl-C again to exit at once"
        : "Stopping… press Ctrl-C again to kill it now",
    );
    cancellation.cancel(request);
  });
  io.stdout.onGone(() => {
    if (!released) cancellation.cancel({ reason: "the reader closed the output" });
  });
  const onLost = (error: unknown): void => {
    ignore(error, "the store does not answer; the third Ctrl-C needs none");
    presenter.remark(`the cancel could not be stored: ${String(error)}; press Ctrl-C again to exit at once`);
  };
  return {
    watch: (handle) => void cancellation.onChange((request) => void handle.cancel(request).catch(onLost)),
    givenUp: givenUp.promise,
    release: () => {
      released = true;
      timer?.cancel();
    },
  };
}

function notEnded(message: string): AgentCoreError {
  return new AgentCoreError(
    "AC_STORE_UNAVAILABLE",
    `${message}, and the end of the run could not be stored within ${formatDuration(endWithinMs)}; running processes are killed now`,
  );
}
