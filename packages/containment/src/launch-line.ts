/**
 * Limits concurrent launches. A launch blocks the event loop while it forks, and its box needs processor time to become
 * ready. If many started at once, beats, commits and the boxes' own messages would wait. So only a few are in flight, the
 * others queue, and each starts in its own turn of the event loop.
 */
import { AgentCoreError, type CancelSignal } from "@agentcore/contract";

export interface LaunchLine {
  /** Does the work when it is its turn. Rejects with `AC_CANCELLED` where `signal` cancels before. */
  inTurn<T>(work: () => Promise<T>, signal?: CancelSignal): Promise<T>;
}

export function createLaunchLine(inFlightMax: number): LaunchLine {
  let inFlight = 0;
  const waiting = new Set<() => void>();
  const leave = (): void => {
    inFlight -= 1;
    const [first] = waiting;
    first?.();
  };
  const place = (signal: CancelSignal | undefined): Promise<void> => {
    if (inFlight < inFlightMax) {
      inFlight += 1;
      return Promise.resolve();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onTurn = (): void => {
      waiting.delete(onTurn);
      unfollow?.();
      inFlight += 1;
      resolve();
    };
    waiting.add(onTurn);
    const unfollow = signal?.onChange(() => {
      if (waiting.delete(onTurn)) reject(cancelledBefore());
    });
    return promise;
  };
  let lastRound = Promise.resolve();
  const ownRound = (): Promise<void> => {
    lastRound = lastRound.then(() => new Promise((resolve) => void setImmediate(resolve)));
    return lastRound;
  };
  return {
    async inTurn(work, signal) {
      if (signal !== undefined && signal.reason !== null) throw cancelledBefore();
      await place(signal);
      try {
        await ownRound();
        return await work();
      } finally {
        leave();
      }
    },
  };
}

function cancelledBefore(): AgentCoreError {
  return new AgentCoreError("AC_CANCELLED", "the run was stopped before it was launched");
}
