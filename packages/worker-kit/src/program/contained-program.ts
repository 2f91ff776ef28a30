/**
 * Runs a program for AgentCore itself, outside of any run (git, `--version`): contained like a worker, limited in time and
 * output, and ended with its caller.
 */
import type { Containment } from "@agentcore/containment";
import { Cancellation, type Clock, type Ids } from "@agentcore/contract";
import { collectText, runContainedStep, type StepEnd } from "./contained-step.ts";
import { defaultRunnerLimits } from "../runner-options.ts";

export interface ProgramOptions {
  readonly containment: Containment;
  readonly clock: Clock;
  readonly ids: Ids;
}

export interface ProgramRequest {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Label in the registry of runs. */
  readonly label: string;
  readonly timeoutMs: number;
  /** Maximum output; more ends the program. */
  readonly stdoutBytesMax: number;
  /** The output that is kept. */
  readonly stderrBytesMax: number;
  readonly input?: string | undefined;
  /** Ends the program at once. */
  readonly signal?: AbortSignal | undefined;
}

export interface ProgramEnd extends StepEnd {
  readonly stdout: string;
  readonly stderr: string;
  readonly overflowed: boolean;
}

/**
 * Rejects only if the program could not be started. When this settles, none of its processes is running; see
 * `StepEnd.receipt`.
 */
export async function runContainedProgram(
  parts: ProgramOptions,
  request: ProgramRequest,
): Promise<ProgramEnd> {
  const { stdoutBytesMax, stderrBytesMax, input, signal, ...program } = request;
  const stdout = collectText(stdoutBytesMax);
  const stderr = collectText(stderrBytesMax);
  const cancellation = new Cancellation<string>();
  const end = (): void => cancellation.cancel({ reason: "no longer wanted", force: true });
  if (signal?.aborted === true) end();
  else signal?.addEventListener("abort", end, { once: true });
  const bounded = {
    ...stdout,
    write(chunk: Buffer): boolean {
      const more = stdout.write(chunk);
      if (stdout.overflowed()) end();
      return more;
    },
  };
  try {
    const step = {
      ...program,
      marker: parts.ids.next(),
      stdout: bounded,
      stderr,
      limits: defaultRunnerLimits,
      input,
    };
    const ended = await runContainedStep(parts, step, cancellation);
    return { ...ended, stdout: stdout.text(), stderr: stderr.text(), overflowed: stdout.overflowed() };
  } finally {
    signal?.removeEventListener("abort", end);
  }
}
