/**
 * Who may launch now. A launch holds the event loop while it forks, and its box needs the processor to become ready: were all
 * launched at once that come at once, nothing else would be done meanwhile (beats, commits, the boxes' own words). So a few are
 * in flight, the others wait in line, and the loop goes round before each.
 */
import { AgentCoreError, type CancelSignal } from "@agentcore/contract";

/** Gives the place back. */
export type LeaveLaunch = () => void;

export interface LaunchLine {
  /** Resolves when it is the caller's turn. Rejects with `AC_CANCELLED` where `signal` cancels before. */
  enter(signal?: CancelSignal): Promise<LeaveLaunch>;
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
  return {
    async enter(signal) {
      if (signal !== undefined && signal.reason !== null) throw cancelledBefore();
      await place(signal);
      await new Promise<void>((resolve) => void setImmediate(resolve));
      return leave;
    },
  };
}

function cancelledBefore(): AgentCoreError {
  return new AgentCoreError("AC_CANCELLED", "the run was stopped before it was launched");
}
