/**
 * Handles Ctrl-C: the first requests a clean cancel, the second forces it, the third exits this process at once (its
 * containers die with it, or are swept at the next start). SIGTERM and SIGHUP count as the first, and as the second if
 * repeated.
 *
 * One event often sends the same signal several times: `timeout` signals its program and then the whole group, the kernel
 * and the shell both signal a closing terminal, and wrappers pass on signals that the group also got. So a SIGTERM or
 * SIGHUP shortly after another signal counts as the same request.
 */
import { type CancelRequest, systemClock } from "@agentcore/contract";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** SIGTERM and SIGHUP within this time after another signal are the same request. SIGINT is not: people repeat it to hurry. */
const echoMs = 1000;

/** Listens until the process ends: a signal must not interrupt closing after the work. */
export function onInterrupt(
  act: (request: Required<CancelRequest<string>>, signal: NodeJS.Signals) => void,
): void {
  let count = 0;
  let lastMs = -Infinity;
  const listener = (signal: NodeJS.Signals): void => {
    const nowMs = systemClock.monotonicMs();
    if (signal !== "SIGINT" && nowMs - lastMs < echoMs) return;
    lastMs = nowMs;
    count += 1;
    if (count > 2) process.exit(130);
    act({ reason: `stopped by ${signal}`, force: count > 1 }, signal);
  };
  for (const signal of signals) process.on(signal, listener);
}
