/**
 * Group commit: writes that arrive in one turn of the event loop are committed in one transaction, in the order in which
 * they were made, and each caller's promise settles after that commit. A lock held by another process is waited for; any
 * other failure of the file is reported to the callers at once, and the next write tries anew, so that work resumes by
 * itself. The number of waiting writes is bounded.
 */
import { AgentCoreError } from "@agentcore/contract";
import { type Settlement, type TransactionPart, type Write, commitBatch } from "./commit-batch.ts";
import { type LockWait, retryWhileLocked } from "./lock-wait.ts";
import type { Sql } from "./sql.ts";
import { storeErrorOf } from "./sqlite-error.ts";

export interface WriteQueueOptions extends LockWait {
  /** Path of the file, for messages. */
  readonly path: string;
  readonly parts: Iterable<TransactionPart>;
  /** Called after each commit. Must not throw. */
  readonly onCommit: () => void;
}

export interface WriteQueue {
  /** Settles with what `write` returned once that is durable. Rejects with `AgentCoreError`. */
  add<T>(write: (sql: Sql) => T): Promise<T>;
  /** Writes not settled yet. */
  readonly size: number;
  /** Resolves once everything added so far is settled. */
  idle(): Promise<void>;
}

/** Writes in one transaction: enough to share one sync widely, few enough to hold the event loop for some ms only. */
export const batchMax = 512;
/** Writes waiting at once, beyond which callers are refused. */
export const waitingMax = 100_000;

interface Waiting {
  readonly write: Write;
  readonly settle: (settlement: Settlement) => void;
}

export function createWriteQueue(sql: Sql, options: WriteQueueOptions): WriteQueue {
  const { path, parts, onCommit } = options;
  let waiting: Waiting[] = [];
  let inCommit = 0;
  let running = false;
  let whenIdle: (() => void)[] = [];

  /** Commits what waits, batch after batch, with a turn of the event loop before each. */
  const run = async (): Promise<void> => {
    for (;;) {
      await nextTurn();
      const batch = waiting.length <= batchMax ? waiting : waiting.slice(0, batchMax);
      waiting = waiting.slice(batch.length);
      inCommit = batch.length;
      await commit(batch);
      inCommit = 0;
      if (waiting.length === 0) break;
    }
    running = false;
    const listeners = whenIdle;
    whenIdle = [];
    for (const listener of listeners) listener();
  };

  const commit = async (batch: readonly Waiting[]): Promise<void> => {
    const writes = batch.map(({ write }) => write);
    let settlements: readonly Settlement[];
    try {
      settlements = await retryWhileLocked(options, () => commitBatch(sql, writes, parts));
    } catch (error) {
      for (const { settle } of batch) settle({ ok: false, error });
      return;
    }
    for (const [index, { settle }] of batch.entries()) settle(settlements[index]!);
    onCommit();
  };

  return {
    add: <T>(write: (sql: Sql) => T) =>
      new Promise<T>((resolve, reject) => {
        if (waiting.length >= waitingMax) {
          reject(overflow(path));
          return;
        }
        waiting.push({
          write,
          settle: (settlement) => {
            if (settlement.ok) resolve(settlement.value as T);
            else reject(storeErrorOf(settlement.error, path));
          },
        });
        if (running) return;
        running = true;
        void run();
      }),
    get size() {
      return waiting.length + inCommit;
    },
    idle: () =>
      running
        ? new Promise((resolve) => {
            whenIdle.push(resolve);
          })
        : Promise.resolve(),
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function overflow(path: string): AgentCoreError {
  return new AgentCoreError(
    "AC_STORE_UNAVAILABLE",
    `${waitingMax} writes are waiting for ${path}; send the next ones when some have been answered`,
    { evidence: { path, waitingMax } },
  );
}
