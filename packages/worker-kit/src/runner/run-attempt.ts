/**
 * Runs one attempt from start to result, as a sequence of stages over one immutable {@link Run}:
 *
 * prepare → start (boxed, held back; the workspace is recorded meanwhile) → go → output → exit or stop → proved empty →
 * collect → verdict.
 *
 * The first cause ends the run: the worker's own exit, the permit's signal, or a reason of the runner. Every error becomes
 * a result; an internal error of AgentCore becomes `internal`, after the container was emptied.
 */
import type { Contained } from "@agentcore/containment";
import {
  errorText,
  ignore,
  type Masker,
  type RunRequest,
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
import type { RunnerOptions } from "../runner-options.ts";
import type { Run } from "./prepare.ts";
import { createProbes, type Probes } from "./probe-script.ts";
import { readOutput } from "./read-output.ts";
import { notStartedResult, type RunTimes } from "./result.ts";
import { followUsage } from "./run-usage.ts";
import { startFailureOf } from "./start-failure.ts";
import { exitOf } from "../program/worker-exit.ts";

export interface RunAttemptOptions {
  readonly prepare: (request: RunRequest) => Promise<Run>;
  /** Called when the worker's box exists. */
  readonly onProbes: (probes: Probes) => void;
  /** Called when the worker can be ended with the result that it reported; see `WorkerRun.endAsReported`. */
  readonly onReportable: (endAsReported: (reason: string) => void) => void;
}

export async function runAttempt(
  parts: RunnerOptions,
  request: RunRequest,
  options: RunAttemptOptions,
): Promise<WorkerResult> {
  const times: RunTimes = { startedAt: parts.clock.now(), startedMonotonicMs: parts.clock.monotonicMs() };
  const { signal } = request.permit;
  const notStarted = (error: unknown): WorkerResult =>
    notStartedResult(parts.clock, times, signal.reason, startFailureOf(error));
  try {
    if (signal.reason !== null) return notStarted(null);
    const run = await options.prepare(request);
    return maskedResult(await runPrepared(run, times, options), run.masker);
  } catch (error) {
    return notStarted(error);
  }
}

/** Paths of artifacts are the runner's own. */
function maskedResult(result: WorkerResult, masker: Masker): WorkerResult {
  return { ...masker.value(result), artifacts: result.artifacts };
}

async function runPrepared(
  run: Run,
  times: RunTimes,
  { onProbes, onReportable }: RunAttemptOptions,
): Promise<WorkerResult> {
  const { parts, plan, request } = run;
  // The container starts while the workspace is recorded; the worker is released after both.
  const observation = beginObservation(run);
  const { signal } = request.permit;
  const { graceMs, secondTermAfterMs } = parts.limits;
  const starting = parts.containment.start({
    command: plan.command,
    args: plan.args,
    cwd: request.task.workspace,
    env: run.env,
    marker: run.marker,
    label: run.label,
    visible: [run.attempt.home, run.attempt.tmp],
    signal,
    graceMs,
    secondTermAfterMs,
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
  const probes = createProbes(run);
  onProbes(probes);
  try {
    return await superviseWorker({ run, times, observation, onReportable }, contained, probes);
  } catch (error) {
    void contained.cancel({ force: true });
    await probes.end();
    const receipt = await contained.finish();
    return notStartedResult(parts.clock, times, signal.reason, startFailureOf(error), receipt);
  }
}

interface Supervised {
  readonly run: Run;
  readonly times: RunTimes;
  readonly observation: Observation;
  readonly onReportable: RunAttemptOptions["onReportable"];
}

async function superviseWorker(
  { onReportable, ...supervised }: Supervised,
  contained: Contained,
  probes: Probes,
): Promise<WorkerResult> {
  const { run } = supervised;
  const { limits } = run.parts;
  const { signal } = run.request.permit;
  const activity = createActivityLog(run.request.task.workspace, limits.commandsMax);
  const meter = createCostMeter(run, () => usage.model());
  let internalFailure: string | null = null;
  let isOwnEnd = false;
  /** For a reason of the runner's own, which counts if it is the first. */
  const end = (force: boolean): void => {
    isOwnEnd ||= signal.reason === null;
    void contained.cancel({ force });
  };
  const tell = (event: WorkerEvent): void => {
    try {
      const priced = meter.price(run.masker.value(event));
      activity.add(priced);
      run.request.onEvent(priced);
      const unpriced = meter.lateWarning(event);
      if (unpriced !== null) run.request.onEvent({ type: "warning", text: unpriced });
    } catch (error) {
      internalFailure ??= errorText(error);
      end(true);
    }
  };
  const usage = followUsage(run, tell);
  const emit = (said: WorkerEvent): void => {
    const event = usage.seen(said);
    if (event !== null) tell(event);
  };
  const output = readOutput(run, contained, emit, () => end(false));
  let isEndedAsReported = false;
  onReportable((reason) => {
    if (signal.reason !== null || isOwnEnd) return;
    isEndedAsReported = true;
    emit({ type: "warning", text: reason });
    end(false);
  });
  for (const text of [
    ...run.notices,
    ...vainRequests(run),
    ...limitsWithoutEffect(run.parts.containment, run.parts.runLimits),
  ])
    emit({ type: "warning", text });
  const [unpriced] = await Promise.all([meter.warning(), usage.prepare()]);
  if (unpriced !== null) emit({ type: "warning", text: unpriced });
  if (signal.reason === null && !isOwnEnd) release(run, contained);
  usage.start();

  const exited = exitOf(await contained.exited);
  // Events after its exit did not cause it.
  const causeAtExit = isOwnEnd ? null : signal.reason;
  const failureAtExit = internalFailure;
  const [receipt, probeSurvivors] = await Promise.all([contained.finish(), probes.end()]);
  contained.stdin.destroy();
  output.abandon();
  await output.ended;
  await usage.end();
  const read = await output.collect();
  return collectRun({
    ...supervised,
    cause: causeAtExit,
    isOwnEnd: isOwnEnd && !isEndedAsReported,
    isEndedAsReported,
    internalFailure: failureAtExit,
    exit: exited,
    limitsReached: limitsReached(contained.limitsReached(), exited, run.parts.runLimits),
    receipt,
    probeSurvivors,
    read,
    activity,
    meter,
    usage,
    emit,
  });
}

function vainRequests({ request: { adapter, task } }: Run): readonly string[] {
  return unsupportedOptions(adapter, task).map(
    (option) => `${option} has no effect: ${adapter.title} has no such setting`,
  );
}

/** Releases the payload and writes its input. A worker that never reads it, or is gone, is not an error of the run. */
function release(run: Run, contained: Contained): void {
  contained.stdin.on("error", (error) => ignore(error, "EPIPE: the worker did not want its input"));
  unmarkHeld(run.attempt.path);
  const { identity } = contained;
  run.request.onStarted?.(run.spendsOnlyByGate ? { ...identity, spendsOnlyByGate: true } : identity);
  contained.go();
  contained.stdin.end(run.plan.stdin);
}
