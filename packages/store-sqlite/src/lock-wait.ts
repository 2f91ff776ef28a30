/**
 * Waits for a lock that another process holds. SQLite's busy timeout would block the event loop, so it is off, and this
 * module waits with short, jittered pauses. SQLite's locks are not fair, so a process that has waited longer tries more
 * often. The wait fails only if the file does not change: as long as others commit, this process keeps waiting for its
 * turn.
 */
import { sleep, type Clock, type Random } from "@agentcore/contract";
import type { Sql } from "./sql.ts";
import { failureOf } from "./sqlite-error.ts";

export interface LockWait {
  readonly clock: Clock;
  readonly random: Random;
  /** Longest wait without a commit by anyone; then the call fails. */
  readonly lockTimeoutMs: number;
}

const pauseMsMin = 1;
const pauseMsMax = 8;
/** From this length on, a wait is checked at the highest rate. */
const longMs = 1000;
/** Longest total wait, in lock timeouts: a file that is always busy is reported eventually. */
const timeoutsMax = 10;

/**
 * Calls `attempt` until it does not fail because of a lock, or the wait is over. Throws any other failure at once. `sql`: the
 * connection, to see whether others commit; null if there is none yet.
 */
export async function retryWhileLocked<T>(wait: LockWait, sql: Sql | null, attempt: () => T): Promise<T> {
  const { clock, random, lockTimeoutMs } = wait;
  const startedAtMs = clock.monotonicMs();
  let movedAtMs = startedAtMs;
  let version: unknown;
  for (let pauseMs = pauseMsMin; ; pauseMs = Math.min(2 * pauseMs, pauseMsMax)) {
    let nowMs: number;
    try {
      return attempt();
    } catch (error) {
      nowMs = clock.monotonicMs();
      if (failureOf(error) !== "busy") throw error;
      const seen = versionOf(sql);
      if (version !== undefined && seen !== version) movedAtMs = nowMs;
      version = seen;
      const isOver = nowMs - movedAtMs >= lockTimeoutMs || nowMs - startedAtMs >= timeoutsMax * lockTimeoutMs;
      if (isOver) throw error;
    }
    const maxMs = nowMs - startedAtMs > longMs ? pauseMsMin : pauseMs;
    await sleep(clock, maxMs * (0.5 + random.next() / 2));
  }
}

/** Changes when another connection has committed. */
function versionOf(sql: Sql | null): unknown {
  if (sql === null) return null;
  try {
    return sql.values("PRAGMA data_version")?.[0] ?? null;
  } catch {
    return null;
  }
}
