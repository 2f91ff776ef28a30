/** The wait before another attempt at a step. Pure. */
import { backOffMs } from "@agentcore/contract";
import { createHash } from "node:crypto";
import type { RetryRules } from "./definition.ts";

/** Longest wait between two attempts. */
export const retryDelayMsMax = 3_600_000;
/** Part of an exponential wait that is left out at most. */
const jitterMax = 0.25;

/**
 * In ms, after that many failed attempts. Steps that failed together do not start again together: a part of an exponential wait,
 * different for each job, is left out.
 */
export function retryDelayMs({ delayMs, backoff }: RetryRules, failures: number, jobId: string): number {
  if (backoff === "fixed") return delayMs;
  const whole = backOffMs(failures, { minMs: delayMs, maxMs: retryDelayMsMax });
  return Math.round(whole * (1 - jitterMax * fractionOf(jobId)));
}

/** From 0 to 1, the same for the same text. */
function fractionOf(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE() / 2 ** 32;
}
