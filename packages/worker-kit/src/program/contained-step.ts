/**
 * Runs one short command beside the worker, contained like it: git, the verify script. It is contained because files that a
 * worker may have written (git filters, hooks, test scripts) decide what it executes. It ends with the run's cancel or its
 * own time limit, and leaves no process behind.
 */
import type { Containment, PayloadExit, RunLimits } from "@agentcore/containment";
import { Cancellation, type CancelSignal, type Clock, type ContainmentReceipt } from "@agentcore/contract";
import { limitsReached } from "./limits-reached.ts";
import { exitOf } from "./worker-exit.ts";
import type { RunnerLimits } from "../runner-options.ts";
import { pumpStream, type StreamSink } from "./pump.ts";

export interface ContainedStep {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Marker of its processes: the run's marker and a suffix. */
  readonly marker: string;
  /** The run's own. */
  readonly label: string;
  /** See `ContainedCommand`. */
  readonly visible?: readonly string[];
  readonly termTo?: "process" | "group";
  /** Text for its stdin. Default: none. */
  readonly input?: string;
  /** Null: no limit of its own. */
  readonly timeoutMs: number | null;
  readonly stdout: StreamSink;
  readonly stderr: StreamSink;
  /** Limits of machine resources. Default: none. */
  readonly runLimits?: RunLimits | undefined;
  /** See `RunnerLimits`. `secondTermAfterMs` and `graceMs` apply to a step that is cancelled without force. */
  readonly limits: Pick<RunnerLimits, "drainQuietMs" | "graceMs" | "secondTermAfterMs">;
}

export interface StepEnd {
  readonly exit: PayloadExit;
  readonly timedOut: boolean;
  readonly receipt: ContainmentReceipt;
  /** As text; see `VerdictInput`. */
  readonly limitsReached: readonly string[];
}

/**
 * Rejects only if the step could not be started. `endsWith`: whether any cancel of the run ends the step, or only one with
 * force.
 */
export async function runContainedStep(
  parts: { readonly containment: Containment; readonly clock: Clock },
  step: ContainedStep,
  signal: CancelSignal,
  endsWith: "cancel" | "force" = "cancel",
): Promise<StepEnd> {
  const { timeoutMs, stdout, stderr, input, runLimits, limits, ...command } = step;
  const { graceMs, secondTermAfterMs, drainQuietMs } = limits;
  const contained = await parts.containment.start({
    ...command,
    limits: runLimits,
    signal: endsWith === "cancel" ? signal : forceOf(signal),
    graceMs,
    secondTermAfterMs,
  });
  let timedOut = false;
  const pumps = [pumpStream(contained.stdout, stdout), pumpStream(contained.stderr, stderr)];
  contained.stdin.on("error", () => undefined); // a step that reads no input need not take it
  const onTimeout = (): void => {
    timedOut = true;
    void contained.cancel({ force: true });
  };
  const timer = timeoutMs === null ? null : parts.clock.setTimer(timeoutMs, onTimeout);
  contained.go();
  contained.stdin.end(input);
  const exit = await contained.exited;
  const receipt = await contained.finish();
  for (const pump of pumps) pump.abandon(parts.clock, drainQuietMs);
  await Promise.all(pumps.map((pump) => pump.ended));
  timer?.cancel();
  const reached = limitsReached(contained.limitsReached(), exitOf(exit), runLimits);
  return { exit, timedOut, receipt, limitsReached: reached };
}

/** Only what is asked for with force. */
function forceOf(signal: CancelSignal): CancelSignal {
  const forced = new Cancellation();
  signal.onChange((request) => request.force && forced.cancel(request));
  return forced;
}

/** Collects a step's output in memory. Output above the limit is dropped, and `overflowed` is set. */
export function collectText(bytesMax: number): StreamSink & { text(): string; overflowed(): boolean } {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let overflowed = false;
  return {
    write(chunk) {
      if (bytes + chunk.length <= bytesMax) chunks.push(chunk);
      else overflowed = true;
      bytes += chunk.length;
      return true;
    },
    onDrain: (resume) => resume(),
    end: () => undefined,
    text: () => Buffer.concat(chunks).toString("utf8"),
    overflowed: () => overflowed,
  };
}
