/** Builds the job's stall limits and probe from a step's `stall`; the runtime enforces them (`docs/adr/0007`). Pure. */
import type { ProbeSpec } from "@agentcore/contract";
import type { Stall } from "../definition.ts";

export interface StallRequest {
  readonly probe?: ProbeSpec;
  /** Absent: the runtime's default. */
  readonly silenceTimeoutMs?: number;
}

/** `timeoutMs`: the job's wall-clock limit. A silence that long is no reason for the job to request a stop. */
export function stallRequest(stall: Stall | null, timeoutMs: number): StallRequest {
  if (stall === null) return {};
  const { probe } = stall;
  return {
    ...silenceOf(stall, timeoutMs),
    ...(probe === null ? {} : { probe: probeSpec(stall, probe) }),
  };
}

function silenceOf(stall: Stall, timeoutMs: number): Pick<StallRequest, "silenceTimeoutMs"> {
  const { noOutputTimeoutMs, activitySource, onStall } = stall;
  // The runtime has its own limit. A job may raise it as far as the runtime allows, but not remove it.
  if (activitySource === "probe_only") return { silenceTimeoutMs: timeoutMs };
  if (noOutputTimeoutMs === null) return {};
  return { silenceTimeoutMs: onStall.action === "ignore" ? timeoutMs : noOutputTimeoutMs };
}

function probeSpec(stall: Stall, probe: NonNullable<Stall["probe"]>): ProbeSpec {
  const { onStall, onTerminal, activitySource } = stall;
  return {
    command: probe.command,
    intervalMs: probe.intervalMs,
    timeoutMs: probe.timeoutMs,
    stallThreshold: probe.stallThreshold,
    requireZeroExit: probe.requireZeroExit,
    onError: probe.onProbeError,
    errorThreshold: probe.probeErrorThreshold,
    stopsOn: [
      ...(onStall.action === "ignore" ? [] : ["stalled" as const]),
      ...(onTerminal.action === "ignore" ? [] : ["terminal" as const]),
    ],
    countsAsActivity: activitySource === "any_event",
    keepStderr: probe.captureStderr,
  };
}
