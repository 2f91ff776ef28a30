/**
 * Computes backpressure (`accept`, `degrade`, `defer`, `reject`) from the last state and a sample of the machine. Pure. The
 * level rises at once to that of the worst signal. It falls by one step only after every signal has stayed better than its
 * threshold, by the recovery margin, for the recovery time, so that it does not oscillate.
 */
import { type PressureLevel, pressureLevels } from "@agentcore/contract";
import type { BackpressureConfig } from "../config/pressure-config.ts";

/** One measurement of the machine; null for values that the system does not report. */
export interface PressureSample {
  readonly eventLoopDelayMs: number;
  readonly memoryAvailableBytes: number | null;
  /** Percent of time in which some task waited for memory, over 10 s. */
  readonly memoryPressurePercent: number | null;
  readonly diskFreeBytes: number | null;
  /** Runs in progress as a share of the global concurrency. */
  readonly inFlightShare: number;
  /** Wait of the oldest queued job, as the scheduler last reported it. */
  readonly queueLagMs: number | null;
}

export interface PressureState {
  readonly level: PressureLevel;
  /** The signal that decided (named) in the configuration; null at `accept`. */
  readonly signal: string | null;
  /** Since when a lower level would be sufficient, on the monotonic clock; null while it is not. */
  readonly betterSinceMs: number | null;
}

export const noPressure: PressureState = { level: "accept", signal: null, betterSinceMs: null };

type Direction = "high" | "low";

const signals: readonly {
  readonly name: Exclude<keyof BackpressureConfig, "sample_every" | "recovery" | "recovery_margin">;
  /** The direction that is bad. */
  readonly bad: Direction;
  readonly read: (sample: PressureSample) => number | null;
}[] = [
  { name: "event_loop_delay", bad: "high", read: (sample) => sample.eventLoopDelayMs },
  { name: "memory_available", bad: "low", read: (sample) => sample.memoryAvailableBytes },
  { name: "memory_pressure", bad: "high", read: (sample) => sample.memoryPressurePercent },
  { name: "disk_free", bad: "low", read: (sample) => sample.diskFreeBytes },
  { name: "in_flight_share", bad: "high", read: (sample) => sample.inFlightShare },
  { name: "queue_lag", bad: "high", read: (sample) => sample.queueLagMs },
];

const severe: readonly ("reject" | "defer" | "degrade")[] = ["reject", "defer", "degrade"];

/** The level for a sample alone, with thresholds moved by `margin` towards the good side. */
export function levelOf(
  sample: PressureSample,
  config: BackpressureConfig,
  margin: number,
): { readonly level: PressureLevel; readonly signal: string | null } {
  for (const level of severe) {
    for (const { name, bad, read } of signals) {
      const [value, threshold] = [read(sample), config[name][level]];
      if (value === null || threshold === undefined) continue;
      const isBad = bad === "high" ? value >= threshold * (1 - margin) : value <= threshold * (1 + margin);
      if (isBad) return { level, signal: name };
    }
  }
  return { level: "accept", signal: null };
}

const rank = (level: PressureLevel): number => pressureLevels.indexOf(level);

export function nextPressure(
  state: PressureState,
  sample: PressureSample,
  config: BackpressureConfig,
  nowMs: number,
): PressureState {
  const strict = levelOf(sample, config, 0);
  if (rank(strict.level) >= rank(state.level)) return { ...strict, betterSinceMs: null };
  const recovered = levelOf(sample, config, config.recovery_margin);
  if (rank(recovered.level) >= rank(state.level)) return { ...state, betterSinceMs: null };
  const betterSinceMs = state.betterSinceMs ?? nowMs;
  if (nowMs - betterSinceMs < config.recovery) return { ...state, betterSinceMs };
  const level = pressureLevels[rank(state.level) - 1] ?? "accept";
  return {
    level,
    signal: level === "accept" ? null : (recovered.signal ?? state.signal),
    betterSinceMs: nowMs,
  };
}
