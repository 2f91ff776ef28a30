/**
 * Runs the looks of a task's probe: its script, in parallel with the worker, in the workspace, contained like the worker,
 * with its environment except credentials and HOME. A look is killed at its own time limit, at too much output, and at the
 * end of the run.
 */
import { Cancellation, probeOutputBytesMax, type ProbeOutput } from "@agentcore/contract";
import { collectText, runContainedStep, type StepEnd } from "../program/contained-step.ts";
import type { Run } from "./prepare.ts";
import { masked } from "../secrets.ts";
import { startFailureOf } from "./start-failure.ts";
import { withScriptStep } from "./task-script.ts";

export interface Probes {
  /** Never rejects. Null: the run ended before the look did. */
  look(script: string, timeoutMs: number): Promise<ProbeOutput | null>;
  /** Ends the current look and refuses further ones; returns how many processes could not be killed. */
  end(): Promise<number>;
}

const stderrBytesMax = 16 * 1024;

const noLongerWanted = { reason: "no longer wanted", force: true };

const overBy = `the probe printed more than ${probeOutputBytesMax / 1024} KiB`;

export function createProbes(run: Run): Probes {
  const underWay = new Map<Promise<ProbeOutput>, Cancellation>();
  let looks = 0;
  let ended = false;
  let survivors = 0;
  const endAll = (): void => {
    ended = true;
    for (const look of underWay.values()) look.cancel(noLongerWanted);
  };
  run.request.permit.signal.onChange(endAll);
  return {
    async look(script, timeoutMs) {
      if (ended) return null;
      looks += 1;
      const cancellation = new Cancellation();
      const marker = `${run.marker}.probe${looks}`;
      const look = runLook(run, { script, timeoutMs, marker, cancellation }).then((done) => {
        survivors += done.survivors;
        return done.output;
      });
      underWay.set(look, cancellation);
      const output = await look;
      underWay.delete(look);
      return ended ? null : output;
    },
    async end() {
      endAll();
      await Promise.all(underWay.keys());
      return survivors;
    },
  };
}

interface Look {
  readonly script: string;
  readonly timeoutMs: number;
  readonly marker: string;
  readonly cancellation: Cancellation;
}

async function runLook(
  run: Run,
  { script, timeoutMs, marker, cancellation }: Look,
): Promise<{ readonly output: ProbeOutput; readonly survivors: number }> {
  const stdout = collectText(probeOutputBytesMax);
  const stderr = collectText(stderrBytesMax);
  const boundedStdout = {
    ...stdout,
    write(chunk: Buffer): boolean {
      const more = stdout.write(chunk);
      if (stdout.overflowed()) cancellation.cancel(noLongerWanted);
      return more;
    },
  };
  try {
    return await withScriptStep(run, script, async (step) => {
      const own = { marker, timeoutMs, stdout: masked(run, boundedStdout), stderr: masked(run, stderr) };
      const end = await runContainedStep(run.parts, { ...step, ...own }, cancellation);
      const failure = stdout.overflowed() ? overBy : failureOf(end, timeoutMs);
      const said = { stdout: stdout.text(), stderr: stderrText(stderr) };
      return { output: { exitCode: end.exit.code, ...said, failure }, survivors: end.receipt.survivors };
    });
  } catch (error) {
    const { message } = startFailureOf(error);
    return { output: unanswered(`the probe could not be started: ${message}`), survivors: 0 };
  }
}

function failureOf({ timedOut, exit, limitsReached }: StepEnd, timeoutMs: number): string | null {
  if (timedOut) return `the probe took longer than ${timeoutMs} ms`;
  const limits = limitsReached.map((text) => ` (${text})`).join("");
  return exit.code === null ? `the probe was ended by ${exit.signal}${limits}` : null;
}

function stderrText(stderr: ReturnType<typeof collectText>): string {
  return stderr.overflowed() ? `${stderr.text()}\n(more than ${stderrBytesMax} bytes)` : stderr.text();
}

function unanswered(failure: string): ProbeOutput {
  return { exitCode: null, stdout: "", stderr: "", failure };
}
