/**
 * One attempt from start to result, as a row of stages over one immutable {@link Run}:
 *
 * prepare → start (boxed, held back; the workspace is looked at meanwhile) → go → output → exit or stop → proved empty →
 * collect → verdict.
 *
 * The first cause ends the run: the worker's own exit, or the permit's signal. Whatever goes wrong becomes a result;
 * what AgentCore itself gets wrong becomes `internal`, after the container was emptied.
 */
import type { Contained } from "@agentcore/containment";
import {
  errorText,
  ignore,
  type ProbeOutput,
  type RunRequest,
  type StopCause,
  type WorkerEvent,
  type WorkerResult,
} from "@agentcore/contract";
import { createActivityLog } from "../observe/activity-log.ts";
import { unsupportedOptions } from "../task-options.ts";
import { removeAttemptDirectory } from "./attempt-directory.ts";
import { collectRun } from "./collect.ts";
import { createCostMeter } from "./cost-meter.ts";
import { unmarkHeld } from "./held-mark.ts";
import { beginObservation, type Observation } from "./observation.ts";
import { limitsReached, limitsWithoutEffect } from "../program/limits-reached.ts";
import type { RunnerLimits, RunnerOptions } from "../runner-options.ts";
import { prepareRun, type Run } from "./prepare.ts";
import { createProbes, type Probes } from "./probe-script.ts";
import { readOutput } from "./read-output.ts";
import { notStartedResult, type RunTimes } from "./result.ts";
import { followUsage } from "./run-usage.ts";
import { startFailureOf } from "./start-failure.ts";
import { firstStopCause, type FirstStopCause } from "../program/stop-cause.ts";
import { exitOf } from "../program/worker-exit.ts";

/** What can be asked of a run once its worker has been started: see `WorkerRun`. */
export interface RunControl {
  hasten(): void;
  probe(script: string, timeoutMs: number): Promise<ProbeOutput | null>;
}

export async function runAttempt(
  parts: RunnerOptions,
  request: RunRequest,
  onControl: (control: RunControl) => void,
): Promise<WorkerResult> {
  const times: RunTimes = { startedAt: parts.clock.now(), startedMonotonicMs: parts.clock.monotonicMs() };
  const stop = firstStopCause(request.permit.signal);
  const notStarted = (error: unknown): WorkerResult =>
    notStartedResult(parts.clock, times, stop.cause(), startFailureOf(error));
  try {
    if (stop.cause() !== null) return notStarted(null);
    const run = await prepareRun(parts, request);
    return await runPrepared(run, times, stop, onControl);
  } catch (error) {
    return notStarted(error);
  } finally {
    stop.settle();
  }
}

async function runPrepared(
  run: Run,
  times: RunTimes,
  stop: FirstStopCause,
  onControl: (control: RunControl) => void,
): Promise<WorkerResult> {
  const { parts, plan, request } = run;
  // The container starts and the workspace is looked at side by side; the worker is let go after both.
  const observation = beginObservation(run, stop);
  const starting = parts.containment.start({
    command: plan.command,
    args: plan.args,
    cwd: request.task.workspace,
    env: run.env,
    marker: run.marker,
    label: run.label,
    visible: [run.attempt.home, run.attempt.tmp],
    signal: request.permit.signal,
    termTo: plan.termTo,
    ownSandbox: plan.ownSandbox ?? false,
    limits: parts.runLimits,
  });
  const [started] = await Promise.allSettled([starting, observation.looked]);
  if (started.status === "rejected") {
    await removeAttemptDirectory(run.attempt);
    throw started.reason;
  }
  const contained = started.value;
  const probes = createProbes(run, stop);
  onControl({
    hasten() {
      if (stop.cause() === null) return;
      void contained.stop({ immediate: true });
      stop.hasten();
    },
    probe: (script, timeoutMs) => probes.look(script, timeoutMs),
  });
  try {
    return await superviseWorker({ run, times, stop, observation }, contained, probes);
  } catch (error) {
    contained.kill();
    await probes.end();
    const receipt = await contained.finish();
    return notStartedResult(parts.clock, times, stop.cause(), startFailureOf(error), receipt);
  }
}

interface Supervised {
  readonly run: Run;
  readonly times: RunTimes;
  readonly stop: FirstStopCause;
  readonly observation: Observation;
}

async function superviseWorker(
  supervised: Supervised,
  contained: Contained,
  probes: Probes,
): Promise<WorkerResult> {
  const { run, stop } = supervised;
  const { limits } = run.parts;
  const activity = createActivityLog(run.request.task.workspace, limits.commandsMax);
  const meter = createCostMeter(run, () => usage.model());
  const ending = createEnding(contained, limits);
  const tell = (event: WorkerEvent): void => {
    try {
      const priced = meter.price(event);
      activity.add(priced);
      run.request.onEvent(priced);
    } catch (error) {
      ending.internal(error);
    }
  };
  const usage = followUsage(run, tell);
  const emit = (said: WorkerEvent): void => {
    const event = usage.seen(said);
    if (event !== null) tell(event);
  };
  const output = readOutput(run, contained, emit, ending.hopeless);
  stop.onCause(ending.stop);
  for (const text of [
    ...vainRequests(run),
    ...limitsWithoutEffect(run.parts.containment, run.parts.runLimits),
  ])
    emit({ type: "warning", text });
  const [unpriced] = await Promise.all([meter.warning(), usage.prepare()]);
  if (unpriced !== null) emit({ type: "warning", text: unpriced });
  if (stop.cause() === null) release(run, contained);
  usage.start();

  const exit = await contained.exited;
  const { cause, internalFailure } = ending.settle();
  const [receipt, probeSurvivors] = await Promise.all([contained.finish(), probes.end()]);
  contained.stdin.destroy();
  output.abandon();
  await output.ended;
  await usage.end();
  const read = await output.collect();
  const exited = exitOf(exit);
  const ended = {
    ...supervised,
    cause,
    internalFailure,
    exit: exited,
    limitsReached: limitsReached(contained.limitsReached(), exited, run.parts.runLimits),
    receipt,
    probeSurvivors,
    read,
  };
  return collectRun({ ...ended, activity, meter, usage, emit });
}

function vainRequests({ request: { adapter, task } }: Run): readonly string[] {
  return unsupportedOptions(adapter, task).map(
    (option) => `${option} has no effect: ${adapter.title} has no such setting`,
  );
}

/** Lets the payload go, and gives it its input. A worker that never reads it, or is gone, is no error of the run. */
function release(run: Run, contained: Contained): void {
  contained.stdin.on("error", (error) => ignore(error, "EPIPE: the worker did not want its input"));
  unmarkHeld(run.attempt.path);
  run.request.onStarted?.(contained.identity);
  contained.go();
  contained.stdin.end(run.plan.stdin);
}

/** Why the worker is being stopped: the first reason counts, all of them stop it. */
function createEnding(contained: Contained, limits: RunnerLimits) {
  let first: "none" | "own_exit" | "output" | "internal" | StopCause = "none";
  let internalFailure: string | null = null;
  const stopWorker = (immediate: boolean): void => {
    const { graceMs, secondTermAfterMs } = limits;
    void contained.stop({ graceMs, secondTermAfterMs, immediate });
  };
  return {
    stop(this: void, cause: StopCause): void {
      if (first === "none") first = cause;
      stopWorker(cause.immediate === true);
    },
    hopeless(this: void): void {
      if (first === "none") first = "output";
      stopWorker(false);
    },
    internal(error: unknown): void {
      internalFailure ??= errorText(error);
      if (first === "none") first = "internal";
      stopWorker(true);
    },
    settle(): { readonly cause: StopCause | null; readonly internalFailure: string | null } {
      if (first === "none") first = "own_exit";
      return { cause: typeof first === "string" ? null : first, internalFailure };
    },
  };
}
