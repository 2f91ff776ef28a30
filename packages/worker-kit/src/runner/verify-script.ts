/**
 * Runs the task's verify script after a worker that claims success, in the workspace, contained like the worker, with the
 * worker's environment except credentials and HOME. Only exit code 0 passes. Its output is one log.
 */
import { join } from "node:path";
import type { VerifyOutcome } from "../verdict.ts";
import { runContainedStep, type StepEnd } from "../program/contained-step.ts";
import { createOutputLog, type LogFile } from "./output-log.ts";
import type { Run } from "./prepare.ts";
import type { StreamSink } from "../program/pump.ts";
import { masked } from "../secrets.ts";
import { startFailureOf } from "./start-failure.ts";
import { withScriptStep } from "./task-script.ts";

export interface VerifyRun {
  readonly outcome: VerifyOutcome;
  readonly log: LogFile | null;
  readonly survivors: number;
}

/** Never rejects. */
export async function runVerifyScript(
  run: Run,
  script: string,
  onNotice: (text: string) => void,
): Promise<VerifyRun> {
  const { parts, attempt, request } = run;
  const log = createOutputLog({
    path: join(attempt.path, "verify.log"),
    bytesMax: parts.limits.logBytesMax,
    onNotice,
  });
  const sink = (): StreamSink =>
    masked(run, { write: log.write, onDrain: log.onDrain, end: () => undefined });
  try {
    const { outcome, survivors } = await withScriptStep(run, script, async (step) => {
      const own = { marker: `${run.marker}.verify`, timeoutMs: null, stdout: sink(), stderr: sink() };
      const end = await runContainedStep(parts, { ...step, ...own }, request.permit.signal);
      return { outcome: outcomeOf(end), survivors: end.receipt.survivors };
    });
    return { outcome, log: await log.close(), survivors };
  } catch (error) {
    const outcome: VerifyOutcome = { kind: "not_started", failure: startFailureOf(error) };
    return { outcome, log: await log.close(), survivors: 0 };
  }
}

function outcomeOf(end: StepEnd): VerifyOutcome {
  const limits = end.limitsReached.map((text) => ` (${text})`).join("");
  const { code, signal } = end.exit;
  if (code === 0) return { kind: "passed" };
  const how = code === null ? `was ended by ${signal}` : `exited with code ${code}`;
  return { kind: "failed", reason: `${how}${limits}` };
}
