/**
 * Limits restarts of a runtime: at most `max` in `windowMs`, then no more (escalation), as in the supervisors of
 * Erlang/OTP. Repeated restarts wait longer each time, so that a runtime that dies at once costs little.
 */
import { backOffMs } from "@agentcore/contract";

export interface RestartIntensity {
  /** Default 5. */
  readonly max: number;
  /** Default 30 s. */
  readonly windowMs: number;
}

export const defaultIntensity: RestartIntensity = { max: 5, windowMs: 30_000 };

const delayMsMin = 100;
const delayMsMax = 5000;

export type RestartDecision =
  | { readonly kind: "restart"; readonly delayMs: number; readonly restarts: readonly number[] }
  | { readonly kind: "escalate" };

/** `restarts` are the times of the restarts so far, on the monotonic clock. */
export function decideRestart(
  restarts: readonly number[],
  nowMs: number,
  { max, windowMs }: RestartIntensity = defaultIntensity,
): RestartDecision {
  const recent = restarts.filter((at) => nowMs - at < windowMs);
  if (recent.length >= max) return { kind: "escalate" };
  const delayMs = backOffMs(recent.length + 1, { minMs: delayMsMin, maxMs: delayMsMax });
  return { kind: "restart", delayMs, restarts: [...recent, nowMs] };
}
