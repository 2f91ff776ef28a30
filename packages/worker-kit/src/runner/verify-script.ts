/**
 * Runs the task's verify script after a worker that claims success, in the workspace, contained like the worker, with the
 * worker's environment except credentials and HOME. Only exit code 0 passes. Its output is one log.
 */
import { join } from "node:path";
import type { VerifyOutcome } from "../verdict.ts";
import { runContainedStep, type StepEnd } from "../program/contained-step.ts";
import { createLineFramer } from "../line-framer.ts";
import { createOutputLog, type LogFile } from "./output-log.ts";
import type { Run } from "./prepare.ts";
import type { StreamSink } from "../program/pump.ts";
import { logAndFrame } from "./read-output.ts";
import { masked } from "../secrets.ts";
import { startFailureOf } from "./start-failure.ts";
import { createTextTail } from "./text-tail.ts";
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
  const tail = createTextTail(tailLines);
  const sink = (): StreamSink =>
    masked(
      run,
      logAndFrame(
        log,
        createLineFramer((line) => tail.add(line), parts.limits.lineCharsMax),
      ),
    );
  try {
    const { outcome, survivors } = await withScriptStep(run, script, async (step) => {
      const own = { marker: `${run.marker}.verify`, timeoutMs: null, stdout: sink(), stderr: sink() };
      const end = await runContainedStep(parts, { ...step, ...own }, request.permit.signal);
      return { outcome: outcomeOf(end, tail.text()), survivors: end.receipt.survivors };
    });
    return { outcome, log: await log.close(), survivors };
  } catch (error) {
    const outcome: VerifyOutcome = { kind: "not_started", failure: startFailureOf(error) };
    return { outcome, log: await log.close(), survivors: 0 };
  }
}

/** Test runners end with a summary. The log has the rest. */
const tailLines = 5;

function outcomeOf(end: StepEnd, tail: string): VerifyOutcome {
  const limits = end.limitsReached.map((text) => ` (${text})`).join("");
  const { code, signal } = end.exit;
  if (code === 0) return { kind: "passed" };
  const how = code === null ? `was ended by ${signal}` : `exited with code ${code}`;
  const words = tail === "" ? " and printed nothing" : `: ${tail}`;
  return { kind: "failed", reason: `${how}${limits}${words}` };
}
