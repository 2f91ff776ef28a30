/** Upkeep of a state directory: at once, and then once an hour. */
import { ignore, type Clock, type Log, type Timer } from "@agentcore/contract";

const everyMs = 3_600_000;

export interface Upkeep {
  readonly clock: Clock;
  readonly log: Log;
  /** Such as `delete old events`, for the log. */
  readonly what: string;
  /** `isStopped`: whether a long pass is to end. */
  readonly pass: (isStopped: () => boolean) => Promise<void>;
}

/** Returns a function that stops it. A failed pass is logged, and the next one tries again. */
export function everyHour({ clock, log, what, pass }: Upkeep): () => void {
  let timer: Timer | undefined;
  let stopped = false;
  const run = async (): Promise<void> => {
    try {
      await pass(() => stopped);
    } catch (error) {
      if (stopped) ignore(error, "the store was closed meanwhile; the next process continues");
      else log.warn({ error }, `could not ${what}; trying again in an hour`);
    }
    if (!stopped) timer = clock.setTimer(everyMs, () => void run());
  };
  timer = clock.setTimer(0, () => void run());
  return () => {
    stopped = true;
    timer?.cancel();
  };
}
