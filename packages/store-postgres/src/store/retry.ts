/** Waits for failures that pass: a restart or a failover of the server, a deadlock, a timeout. */
import { type Clock, type Random, backOffMs, sleep } from "@agentcore/contract";
import { failureOf } from "./postgres-error.ts";

export interface Patience {
  readonly clock: Clock;
  readonly random: Random;
  /** How long in ms. */
  readonly timeoutMs: number;
}

const pause = { minMs: 10, maxMs: 1000 };

/** Calls `attempt` until it does not fail in a way that passes, or the wait is over. Throws any other failure at once. */
export async function retryWhilePassing<T>(
  { clock, random, timeoutMs }: Patience,
  attempt: () => Promise<T>,
): Promise<T> {
  const startedAtMs = clock.monotonicMs();
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (failureOf(error) !== "passing") throw error;
      if (clock.monotonicMs() - startedAtMs >= timeoutMs) throw error;
    }
    await sleep(clock, backOffMs(failures, pause) * (0.5 + random.next() / 2));
  }
}
