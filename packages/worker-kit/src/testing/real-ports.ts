/** The real clock and real ids, for tests and conformance runs, which drive real processes. */
import { randomUUID } from "node:crypto";
import type { Clock, Ids } from "@agentcore/contract";

export const realClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fire) {
    const handle = setTimeout(fire, Math.min(delayMs, 2 ** 31 - 1));
    return { cancel: () => clearTimeout(handle) };
  },
};

export const randomIds: Ids = { next: () => randomUUID() };
