/**
 * Samples the machine on demand and keeps the gate's restriction up to date. It has no timer: the runtime calls it while
 * something runs, and before a permit if the last sample is too old, so that an idle runtime costs nothing.
 */
import type { Clock, Log } from "@agentcore/contract";
import type { BackpressureConfig } from "../config/pressure-config.ts";
import type { Gate } from "../gate/gate.ts";
import { nextPressure, noPressure, type PressureSample, type PressureState } from "./backpressure.ts";
import type { MachineSample, MachineSignals } from "./machine-signals.ts";

/** After this time without a report, the scheduler counts as having no queue. */
const queueReportMsMax = 60_000;

const unknownMachine: MachineSample = {
  eventLoopDelayMs: 0,
  memoryAvailableBytes: null,
  memoryPressurePercent: null,
  diskFreeBytes: null,
};

export interface PressureMonitorOptions {
  /** Default: only the runtime's own values and the scheduler's reports count. */
  readonly signals?: MachineSignals | undefined;
  readonly config: BackpressureConfig;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly log: Log;
}

export class PressureMonitor {
  readonly #options: PressureMonitorOptions;
  #state: PressureState = noPressure;
  #sampledAtMs = -Infinity;
  #queue = { oldestWaitMs: 0, atMs: -Infinity };
  #sampling: Promise<void> | null = null;
  /** The last measurement. */
  machine: MachineSample = unknownMachine;

  constructor(options: PressureMonitorOptions) {
    this.#options = options;
  }

  reportQueue(oldestWaitMs: number): void {
    this.#queue = { oldestWaitMs, atMs: this.#options.clock.monotonicMs() };
  }

  get #isStale(): boolean {
    return this.#options.clock.monotonicMs() - this.#sampledAtMs >= this.#options.config.sample_every;
  }

  /** Ensures that the last measurement is recent. Null if it is; otherwise the measurement to wait for. */
  bringUpToDate(): Promise<void> | null {
    return this.#sampling ?? (this.#isStale ? this.#refresh() : null);
  }

  /** Measures now; several callers share one measurement. */
  #refresh(): Promise<void> {
    this.#sampling ??= this.#sample().finally(() => {
      this.#sampling = null;
    });
    return this.#sampling;
  }

  /** If a measurement fails, the last one stays valid. */
  async #look(signals: MachineSignals): Promise<void> {
    try {
      this.machine = await signals.sample();
    } catch (error) {
      this.#options.log.warn({ error }, "the machine could not be looked at");
    }
  }

  async #sample(): Promise<void> {
    const { signals, config, gate, clock, log } = this.#options;
    this.#sampledAtMs = clock.monotonicMs();
    if (signals !== undefined) await this.#look(signals);
    const nowMs = clock.monotonicMs();
    const { running, concurrencyLimit } = gate.targets.root;
    const queueIsKnown = nowMs - this.#queue.atMs < queueReportMsMax;
    const sample: PressureSample = {
      ...this.machine,
      inFlightShare: running / concurrencyLimit,
      queueLagMs: queueIsKnown ? this.#queue.oldestWaitMs : null,
    };
    const before = this.#state;
    this.#state = nextPressure(before, sample, config, nowMs);
    if (this.#state.level !== before.level) {
      log.info(
        { from: before.level, to: this.#state.level, signal: this.#state.signal, sample },
        "backpressure changed",
      );
    }
    const { restrictions } = gate;
    restrictions.pressure = this.#state.level;
    restrictions.pressureSignal = this.#state.signal;
    const calmMs = this.#state.betterSinceMs === null ? 0 : nowMs - this.#state.betterSinceMs;
    restrictions.pressureRetryMs = Math.max(config.sample_every, config.recovery - calmMs);
  }
}
