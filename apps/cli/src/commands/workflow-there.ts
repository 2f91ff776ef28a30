/**
 * `agentcore workflow run|resume|retry|cancel` of a daemon: it works on the run, and the command follows it to its end. The exit code
 * says how the run ended.
 */
import {
  AgentCoreError,
  omitUndefined,
  sleep,
  systemClock,
  type RunDetailsDocument,
  type StartedDocument,
} from "@agentcore/contract";
import type { RunResult } from "@agentcore/workflow";
import { resolve as absolute } from "node:path";
import { exitCodes } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import type { Io } from "../io.ts";
import { stepOf } from "../json/workflow-documents.ts";
import { shortId } from "../screen/short-id.ts";
import { goesOn } from "../target/goes-on.ts";
import { withTarget } from "../target/open-target.ts";
import { pathThere } from "../target/path-there.ts";
import type { Target, TargetDaemon, TargetOptions } from "../target/target.ts";
import { checkWritable, writeReport } from "../text-files.ts";
import { junitReport } from "../workflow/junit.ts";
import { exitCodeOf, writeCancel } from "../workflow/run-outcome.ts";
import { workflowJsonLines, workflowLines, type WorkflowPresenter } from "../workflow/workflow-presenter.ts";
import type { RetryWorkflowOptions, ShowOptions, WorkflowRunOptions } from "./workflow-run.ts";

export async function runThere(file: string, options: WorkflowRunOptions, io: Io): Promise<number> {
  refuseLocalOptions(options);
  return follow(options, io, ({ client, isHere }) => {
    const path = (what: string, where: string, given: string | undefined): string =>
      isHere ? absolute(io.cwd, given ?? ".") : pathThere(what, where, given);
    const { input: inputs, agents, maxCost: maxCostUsd, maxTokens } = options;
    return client.runWorkflow({
      file: path("the workflow file", "workflow run", file),
      workspace: path("the workspace", "--workspace", options.workspace),
      ...omitUndefined({
        inputs,
        agents: agents?.map((each) => path("the file of agents", "--agents", each)),
        maxCostUsd,
        maxTokens,
      }),
    });
  });
}

/** What is decided where the run is worked on, and has no place in the API. */
const localOptions = {
  baseBranch: "--base-branch",
  protectedBranches: "--protected-branches",
  allowProtectedBranch: "--allow-protected-branch",
  dryRun: "--dry-run",
  only: "--only",
} as const satisfies Partial<Record<keyof WorkflowRunOptions, string>>;

function refuseLocalOptions(options: WorkflowRunOptions): void {
  const given = Object.entries(localOptions).find(
    ([name]) => options[name as keyof typeof localOptions] !== undefined,
  )?.[1];
  const named = given ?? (options.cache === false ? "--no-cache" : undefined);
  if (named === undefined) return;
  throw new AgentCoreError(
    "AC_USAGE",
    `${named} does not work with a daemon: leave it out, or run the workflow on the daemon's machine with --state-dir`,
  );
}

export const resumeThere = (run: string, options: ShowOptions, io: Io): Promise<number> =>
  follow(options, io, ({ client }) => client.resumeWorkflowRun(run));

export const retryThere = (run: string, options: RetryWorkflowOptions, io: Io): Promise<number> =>
  follow(options, io, ({ client }) => client.retryWorkflowRun(run, omitUndefined({ from: options.from })));

export async function cancelThere(
  run: string,
  reason: string,
  options: TargetOptions,
  io: Io,
): Promise<number> {
  return withTarget(options, io, async (target) => {
    const id = await target.runs.find(run);
    const { outcome } = await daemonOf(target).client.cancelWorkflowRun(id, { reason });
    writeCancel(id, outcome, options, io);
    return exitCodes.succeeded;
  });
}

function daemonOf({ daemon }: Target): TargetDaemon {
  if (daemon === null) throw new AgentCoreError("AC_INTERNAL", "the target is no daemon");
  return daemon;
}

const lookMs = 500;

/** Starts the run and shows its changes until it ends. Ctrl-C ends the command, and not the run. */
async function follow(
  options: ShowOptions,
  io: Io,
  start: (daemon: TargetDaemon) => Promise<Pick<StartedDocument, "run">>,
): Promise<number> {
  if (options.verbose === true)
    throw new AgentCoreError(
      "AC_USAGE",
      "--verbose does not work with a daemon: `agentcore workflow logs RUN -f` prints the output",
    );
  if (options.junit !== undefined) checkWritable(options.junit, io.cwd);
  return withTarget({ ...options, isPatient: true }, io, async (target) => {
    const { run } = await start(daemonOf(target));
    const presenter =
      options.json === true ? workflowJsonLines(io) : workflowLines(io, { verbose: false, isToEnd: false });
    const left = leftWith(presenter, run, io);
    const details = await Promise.race([end(target, run, presenter), left]);
    if (details === null) return exitCodes.cancelled;
    const result = resultOf(details);
    presenter.end(result);
    const isReported = await writeReport(options.junit, () => junitReport(details.name, result), io);
    const exitCode = exitCodeOf(result);
    return isReported || exitCode !== exitCodes.succeeded ? exitCode : exitCodes.failed;
  });
}

/** Resolves with null when the user or the reader of the output goes away. */
function leftWith(presenter: WorkflowPresenter, run: string, io: Io): Promise<null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  onInterrupt(() => {
    const id = shortId(run);
    presenter.remark(
      `the daemon goes on with the run: agentcore workflow show ${id}, or agentcore workflow cancel ${id}`,
    );
    resolve(null);
  });
  io.stdout.onGone(() => resolve(null));
  return promise;
}

/** Resolves once no process works on the run. */
async function end(target: Target, run: string, presenter: WorkflowPresenter): Promise<RunDetailsDocument> {
  const seen = new Map<string, string>();
  const isGoing = goesOn(target);
  let isStarted = false;
  for (;;) {
    const details = await target.runs.show(run);
    const at = systemClock.now();
    const steps = details.steps ?? [];
    if (!isStarted) {
      const { name } = details;
      const ids = steps.map(({ id }) => id);
      presenter.event({ type: "run_started", at, run, name, resumed: details.stepsEnded > 0, steps: ids });
      isStarted = true;
    }
    for (const step of steps) {
      const text = JSON.stringify(step);
      if (seen.get(step.id) === text || (step.status === "PENDING" && !seen.has(step.id))) continue;
      seen.set(step.id, text);
      presenter.event({ type: "step_changed", at, run, step: stepOf(step) });
    }
    if (!isGoing(details.state)) return details;
    await sleep(systemClock, lookMs);
  }
}

function resultOf(details: RunDetailsDocument): RunResult {
  const { id, state, message, code, steps, costUsd, tokens, startedAt, endedAt, lastAt, downtimeMs } =
    details;
  return {
    run: id,
    outcome: state as RunResult["outcome"],
    reason: state === "SUCCEEDED" ? null : message,
    code,
    steps: (steps ?? []).map(stepOf),
    spent: { costUsd: costUsd ?? 0, tokens: tokens ?? 0 },
    costUsd,
    startedAt,
    endedAt: endedAt ?? lastAt,
    downtimeMs,
  };
}
