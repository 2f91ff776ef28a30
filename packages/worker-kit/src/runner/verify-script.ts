/**
 * The task's verify script: run after a worker that claims success, in the workspace, contained like the worker, with
 * the worker's environment except its credentials. Exit code 0 and nothing else passes. Its output is one log.
 */
import { join } from "node:path";
import { findProgram } from "../program/find-program.ts";
import type { VerifyOutcome } from "../verdict.ts";
import { runContainedStep, type ContainedStep, type StepEnd } from "./contained-step.ts";
import { createOutputLog, type LogFile } from "./output-log.ts";
import type { Run } from "./prepare.ts";
import type { StreamSink } from "./pump.ts";
import { startFailureOf } from "./start-failure.ts";
import type { StopWatch } from "./stop-watch.ts";

export interface VerifyRun {
  readonly outcome: VerifyOutcome;
  readonly log: LogFile | null;
  readonly survivors: number;
}

/**
 * Command and arguments that run a script as the shell worker does: `bash -e -c`, or `sh` where there is no bash. Without
 * `--norc`, bash reads its start-up files where stdin is a socket, as it is under Node: it takes that for a remote login.
 */
export function scriptCommand(
  script: string,
  pathVariable: string | undefined,
): { readonly command: string; readonly args: readonly string[] } {
  const bash = findProgram("bash", pathVariable);
  return bash === null
    ? { command: "/bin/sh", args: ["-e", "-c", script] }
    : { command: bash, args: ["--norc", "-e", "-c", script] };
}

/** What every script of a task has: it runs in the workspace, with the worker's environment but for its credentials. */
export function scriptStep(run: Run, script: string) {
  return {
    ...scriptCommand(script, run.verifyEnv["PATH"]),
    cwd: run.request.task.workspace,
    env: run.verifyEnv,
    label: run.label,
    visible: [run.attempt.home, run.attempt.tmp],
    drainQuietMs: run.parts.limits.drainQuietMs,
  } as const satisfies Partial<ContainedStep>;
}

/** Never rejects. */
export async function runVerifyScript(
  run: Run,
  script: string,
  stop: StopWatch,
  onNotice: (text: string) => void,
): Promise<VerifyRun> {
  const { parts, attempt } = run;
  const log = createOutputLog({
    path: join(attempt.path, "verify.log"),
    bytesMax: parts.limits.logBytesMax,
    onNotice,
  });
  const sink: StreamSink = { write: log.write, onDrain: log.onDrain, end: () => undefined };
  try {
    const end = await runContainedStep(
      parts,
      {
        ...scriptStep(run, script),
        marker: `${run.marker}.verify`,
        timeoutMs: null,
        stdout: sink,
        stderr: sink,
      },
      stop,
    );
    return { outcome: outcomeOf(end), log: await log.close(), survivors: end.receipt.survivors };
  } catch (error) {
    const outcome: VerifyOutcome = { kind: "not_started", failure: startFailureOf(error) };
    return { outcome, log: await log.close(), survivors: 0 };
  }
}

function outcomeOf(end: StepEnd): VerifyOutcome {
  const { code, signal } = end.exit;
  if (code === 0) return { kind: "passed" };
  return { kind: "failed", reason: code === null ? `was ended by ${signal}` : `exited with ${code}` };
}
