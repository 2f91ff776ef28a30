/**
 * Runs the looks of one run's probe: starts each when it is due, one at a time, emits what it found, and stops the run if
 * `probe-watch.ts` says so. It has no timer: the watchdog calls `tick`. Nothing happens after `end`.
 */
import {
  errorText,
  type Clock,
  type ProbeFinding,
  type ProbeOutput,
  type ProbeSpec,
  type StopCause,
  type WorkerEvent,
} from "@agentcore/contract";
import { startProbeWatch, stepProbe, type ProbeInput, type ProbeWatch } from "./probe-watch.ts";

export interface ProbingOptions {
  readonly spec: ProbeSpec;
  /** Runs the probe's script once. Never rejects. Null: the run has ended, and the look has no consequence. */
  readonly look: () => Promise<ProbeOutput | null>;
  readonly clock: Clock;
  readonly tell: (event: WorkerEvent) => void;
  readonly stop: (cause: StopCause) => void;
  /** A look has found progress that counts as activity of the worker. */
  readonly onActivity: () => void;
  /** `nextDueMs` may have become earlier. */
  readonly onDue: () => void;
}

export class Probing {
  readonly #options: ProbingOptions;
  #watch: ProbeWatch;
  #ended = false;
  /** Why the run was stopped; null unless the probe stopped it. */
  finding: ProbeFinding | null = null;

  constructor(options: ProbingOptions) {
    this.#options = options;
    this.#watch = startProbeWatch(options.spec, options.clock.monotonicMs());
  }

  nextDueMs(): number {
    return this.#ended ? Infinity : this.#watch.dueMs;
  }

  tick(): void {
    if (!this.#ended) this.#step({ kind: "tick" });
  }

  end(): void {
    this.#ended = true;
  }

  #step(input: ProbeInput): void {
    const options = this.#options;
    const { spec } = options;
    const { watch, looks, report, stop } = stepProbe(this.#watch, input, options.clock.monotonicMs());
    this.#watch = watch;
    if (looks) void this.#look();
    if (report !== null) {
      const stderr = input.kind === "looked" && spec.keepStderr ? { stderr: input.output.stderr } : {};
      options.tell({ type: "probe", ...report, ...stderr });
      if (report.found === "progressing" && spec.countsAsActivity) options.onActivity();
    }
    if (stop === null) return;
    this.#ended = true;
    this.finding = stop.finding;
    options.stop(stop.cause);
  }

  async #look(): Promise<void> {
    const output = await this.#options.look().catch(failedLook);
    if (output === null || this.#ended) return;
    this.#step({ kind: "looked", output });
    this.#options.onDue();
  }
}

/** A runner that rejects breaks its contract. The run that it checks must not suffer for that. */
function failedLook(error: unknown): ProbeOutput {
  const why = errorText(error);
  return { exitCode: null, stdout: "", stderr: "", failure: `the probe could not be run: ${why}` };
}
