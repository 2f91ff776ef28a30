/**
 * Group commit: writes that arrive in one turn of the event loop, or while the transaction before is under way, are committed in
 * one transaction, in order, and each caller's promise settles after that commit. If one of them fails, the transaction is rolled
 * back and each write gets its own, so that only the failing one is rejected.
 */
import { AgentCoreError, loopWentRound } from "@agentcore/contract";
import { type CommitOptions, createCommit } from "./commit.ts";
import { failureOf, storeErrorOf } from "./postgres-error.ts";
import type { WriteSql } from "./sql.ts";

export interface WriteQueue {
  /** Resolves with the return value of `write` once that is durable. Rejects with `AgentCoreError`. */
  add<T>(write: (sql: WriteSql) => Promise<T>): Promise<T>;
  /** Whether the database could not be used at the last try. */
  readonly isFailing: boolean;
  /** Resolves once everything added so far is settled. */
  settled(): Promise<void>;
}

/** Writes in one transaction: enough to share its round trips, few enough to hold the lock for only some ms. */
const batchMax = 512;
/** Calls that may wait at once. Above this number, further calls are refused. */
const waitingMax = 100_000;

interface Waiting {
  readonly write: (sql: WriteSql) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export function createWriteQueue(options: CommitOptions & { readonly place: string }): WriteQueue {
  const { place } = options;
  const commit = createCommit(options);
  let waiting: Waiting[] = [];
  let running: Promise<void> | undefined;
  let last = Promise.resolve();

  const settle = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const answers = await commit.run(batch.map(({ write }) => write));
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index]);
    } catch (error) {
      if (batch.length > 1 && failureOf(error) === "statement") {
        for (const one of batch) await settle([one]);
        return;
      }
      for (const { reject } of batch) reject(storeErrorOf(error, place));
    }
  };

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      await loopWentRound();
      const batch = waiting.slice(0, batchMax);
      waiting = waiting.slice(batch.length);
      await settle(batch);
    }
    running = undefined;
  };

  return {
    add: <T>(write: (sql: WriteSql) => Promise<T>) => {
      if (waiting.length >= waitingMax) return Promise.reject(overflow(place));
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      waiting.push({ write, resolve: resolve as (value: unknown) => void, reject });
      running ??= run();
      // They settle in the order in which they were added.
      last = promise.then(nothing, nothing);
      return promise;
    },
    get isFailing() {
      return commit.isFailing;
    },
    settled: () => last,
  };
}

const nothing = (): void => undefined;

function overflow(place: string): AgentCoreError {
  return new AgentCoreError(
    "AC_STORE_UNAVAILABLE",
    `${waitingMax} calls are waiting for ${place}; send the next ones when some have been answered`,
    { evidence: { place, waitingMax } },
  );
}
