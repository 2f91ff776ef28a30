/**
 * One short command beside the worker, contained like it: git, the verify script. It is contained because what it runs
 * is decided by files that a worker may have written (git filters, hooks, test scripts). It ends with the run's stop or
 * its own time limit, and nothing of it stays behind.
 */
import type { Contained, Containment, PayloadExit, RunLimits } from "@agentcore/containment";
import type { Clock, ContainmentReceipt, StopCause } from "@agentcore/contract";
import { limitsReached } from "./limits-reached.ts";
import { exitOf } from "./worker-exit.ts";
import type { RunnerLimits } from "../runner-options.ts";
import { pumpStream, type StreamSink } from "./pump.ts";
import type { FirstStopCause } from "./stop-cause.ts";

export interface ContainedStep {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Mark of its processes: the run's own, and a suffix. */
  readonly marker: string;
  /** The run's own. */
  readonly label: string;
  /** See `ContainedCommand`. */
  readonly visible?: readonly string[];
  readonly termTo?: "process" | "group";
  /** What it reads from its stdin. Default: nothing. */
  readonly input?: string;
  /** Null: no limit of its own. */
  readonly timeoutMs: number | null;
  readonly stdout: StreamSink;
  readonly stderr: StreamSink;
  /** What it may use of the machine. Default: no limits. */
  readonly runLimits?: RunLimits | undefined;
  /** See `RunnerLimits`. `secondTermAfterMs` and `graceMs` are for a step that ends with the run's stop. */
  readonly limits: Pick<RunnerLimits, "drainQuietMs" | "graceMs" | "secondTermAfterMs">;
}

export interface StepEnd {
  readonly exit: PayloadExit;
  readonly timedOut: boolean;
  readonly receipt: ContainmentReceipt;
  /** In words; see `VerdictInput`. */
  readonly limitsReached: readonly string[];
}

/** Rejects only where the step could not be started. `endsWith`: what of the run's stop ends it too. */
export async function runContainedStep(
  parts: { readonly containment: Containment; readonly clock: Clock },
  step: ContainedStep,
  stop: FirstStopCause,
  endsWith: "stop" | "haste" = "stop",
): Promise<StepEnd> {
  const contained = await startStep(parts.containment, step, stop, endsWith);
  let timedOut = false;
  const pumps = [pumpStream(contained.stdout, step.stdout), pumpStream(contained.stderr, step.stderr)];
  contained.stdin.on("error", () => undefined); // a step that reads no input need not take it
  const onTimeout = (): void => {
    timedOut = true;
    contained.kill();
  };
  const timer = step.timeoutMs === null ? null : parts.clock.setTimer(step.timeoutMs, onTimeout);
  const { graceMs, secondTermAfterMs, drainQuietMs } = step.limits;
  const onCause = ({ immediate = false }: StopCause): void =>
    void contained.stop({ graceMs, secondTermAfterMs, immediate });
  const watches = [
    ...(endsWith === "stop" ? [stop.onCause(onCause)] : []),
    stop.onHaste(() => contained.kill()),
  ];
  contained.go();
  contained.stdin.end(step.input);
  const exit = await contained.exited;
  const receipt = await contained.finish();
  for (const pump of pumps) pump.abandon(parts.clock, drainQuietMs);
  await Promise.all(pumps.map((pump) => pump.ended));
  timer?.cancel();
  for (const unwatch of watches) unwatch();
  const reached = limitsReached(contained.limitsReached(), exitOf(exit), step.runLimits);
  return { exit, timedOut, receipt, limitsReached: reached };
}

/** A step that waits for its turn to start ends with the run's stop as one that runs. */
async function startStep(
  containment: Containment,
  step: ContainedStep,
  stop: FirstStopCause,
  endsWith: "stop" | "haste",
): Promise<Contained> {
  const { command, args, cwd, env, marker, label, visible = [], termTo = "process", runLimits = {} } = step;
  const waiting = new AbortController();
  const giveUp = (): void => waiting.abort();
  const unwatch = endsWith === "stop" ? stop.onCause(giveUp) : stop.onHaste(giveUp);
  const { signal } = waiting;
  try {
    const about = { command, args, cwd, env, marker, label, visible, termTo, signal };
    return await containment.start({ ...about, limits: runLimits });
  } finally {
    unwatch();
  }
}

/** Collects a step's output in memory. What does not fit is dropped, and `overflowed` says so. */
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
