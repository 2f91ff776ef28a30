/** The real clock, chance, ids and silence, for those who do not bring their own. The only place that reaches for them. */
import type { Clock, Ids, Log, Random } from "@agentcore/contract";
import { v7 } from "uuid";

/** Longest delay that the platform's timers take. */
const timerMsMax = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fire) {
    const dueAtMs = performance.now() + delayMs;
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const leftMs = dueAtMs - performance.now();
      handle = leftMs > timerMsMax ? setTimeout(arm, timerMsMax) : setTimeout(fire, Math.max(0, leftMs));
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
};

export const systemRandom: Random = { next: () => Math.random() };

export const systemIds: Ids = { next: () => v7() };

const nothing = (): void => {};
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
