/** What a run is doing by its evidence: the watchdog and the live views decide alike. Pure. */

export type RunPhase = "starting" | "working" | "waiting" | "streaming" | "tool" | "finished";

export interface PhaseEvidence {
  /** The worker's terminal event came, and it has not worked on since. */
  readonly hasEnded: boolean;
  readonly toolsInFlight: number;
  /** Calls to the provider before the first byte of their response. */
  readonly waiting: number;
  /** Calls whose response is being received. */
  readonly streaming: number;
  /** The worker has said something, or the spend gate has seen a call. */
  readonly hasSign: boolean;
}

export function runPhaseOf(evidence: PhaseEvidence): RunPhase {
  const { hasEnded, toolsInFlight, waiting, streaming, hasSign } = evidence;
  if (hasEnded && waiting + streaming === 0) return "finished";
  if (toolsInFlight > 0) return "tool";
  if (streaming > 0) return "streaming";
  if (waiting > 0) return "waiting";
  return hasSign ? "working" : "starting";
}
