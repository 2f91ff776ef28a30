/**
 * Group commit: writes that arrive in one turn of the event loop are committed in one transaction, in order, and each
 * caller's promise settles after that commit. Reads that were requested after them follow, each on its own snapshot: a
 * query is never part of a writing transaction. The queue waits for a lock of another process. Any other failure of the
 * file is reported to the callers at once, and the next write tries again, so that work resumes automatically. The number
 * of waiting calls is bounded.
 */
import { AgentCoreError, sleep } from "@agentcore/contract";
import {
  type WriteOutcome,
  type Write,
  type WriteSql,
  createCommitBatch,
  inSnapshot,
} from "./commit-batch.ts";
import { type LockWait, retryWhileLocked } from "./lock-wait.ts";
import type { Sql } from "./sql.ts";
import { CommitFailure, storeErrorOf } from "./sqlite-error.ts";

export interface WriteQueueOptions extends LockWait {
  /** Path of the file, for messages. */
  readonly path: string;
  /** Called before each commit and each read; an error that it throws rejects them. */
  readonly beforeUse: () => void;
  /** Called after each commit. Must not throw. */
  readonly onCommit: () => void;
}

export interface WriteQueue {
  /**
   * Resolves with the return value of `write` once that is durable. Rejects with `AgentCoreError`. If the commit itself failed,
   * `confirm` reads the current state: its result is the answer, and undefined means that the write was not done.
   */
  add<T>(write: (sql: WriteSql) => T, confirm?: (sql: Sql) => T | undefined): Promise<T>;
  /** Resolves with the result of `query` on a view that includes every write added before, even if some of them failed. */
  addRead<T>(query: (sql: Sql) => T): Promise<T>;
  /** Whether the last commit failed, such as on a full disk. */
  readonly isFailing: boolean;
  /** Calls that are not settled yet. */
  readonly size: number;
  /** Resolves once everything added so far is settled. */
  idle(): Promise<void>;
}

/** Writes in one transaction: enough to share the cost of a sync, few enough to block the event loop for only some ms. */
export const batchMax = 512;
/** Calls that may wait at once. Above this number, further calls are refused. */
export const waitingMax = 100_000;
/** After it had to wait for another process's lock, a process rests this long after its commit: others wait too. */
const restAfterWaitMs = 2;

interface Waiting {
  readonly kind: "write" | "read";
  readonly call: Write;
  readonly confirm: ((sql: Sql) => unknown) | undefined;
  readonly settle: (outcome: WriteOutcome) => void;
}

export function createWriteQueue(sql: Sql, options: WriteQueueOptions): WriteQueue {
  const { path, clock } = options;
  const file = createFileWork(sql, options);
  let waiting: Waiting[] = [];
  let inWork = 0;
  let running = false;
  let whenIdle: (() => void)[] = [];

  /** Processes the waiting calls, batch after batch, with a turn of the event loop before each. */
  const run = async (): Promise<void> => {
    for (;;) {
      await nextTurn();
      if (file.hasWaited()) await sleep(clock, restAfterWaitMs);
      const batch = waiting.length <= batchMax ? waiting : waiting.slice(0, batchMax);
      waiting = waiting.slice(batch.length);
      inWork = batch.length;
      await file.commit(batch.filter(({ kind }) => kind === "write"));
      for (const read of batch) if (read.kind === "read") await file.answer(read);
      inWork = 0;
      if (waiting.length === 0) break;
    }
    running = false;
    const listeners = whenIdle;
    whenIdle = [];
    for (const listener of listeners) listener();
  };

  const enqueue = <T>(call: Omit<Waiting, "settle">): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (waiting.length >= waitingMax) {
        reject(overflow(path));
        return;
      }
      waiting.push({
        ...call,
        settle: (settlement) => {
          if (settlement.ok) resolve(settlement.value as T);
          else reject(storeErrorOf(settlement.error, path));
        },
      });
      if (running) return;
      running = true;
      void run();
    });

  return {
    add: (write, confirm) => enqueue({ kind: "write", call: write, confirm }),
    addRead: (query) => enqueue({ kind: "read", call: query, confirm: undefined }),
    get isFailing() {
      return file.isFailing();
    },
    get size() {
      return waiting.length + inWork;
    },
    idle: () =>
      running
        ? new Promise((resolve) => {
            whenIdle.push(resolve);
          })
        : Promise.resolve(),
  };
}

interface FileWork {
  /** Commits the writes and settles them. Never rejects. */
  commit(batch: readonly Waiting[]): Promise<void>;
  /** Settles a read. Never rejects. */
  answer(read: Waiting): Promise<void>;
  /** Whether the last commit had to wait for another process's lock. */
  hasWaited(): boolean;
  /** Whether the last commit failed. */
  isFailing(): boolean;
}

function createFileWork(sql: Sql, options: WriteQueueOptions): FileWork {
  const { beforeUse, onCommit } = options;
  const commitBatch = createCommitBatch(sql);
  let waited = false;
  let failing = false;

  const commit = async (batch: readonly Waiting[]): Promise<void> => {
    if (batch.length === 0) return;
    const writes = batch.map(({ call }) => call);
    let tries = 0;
    let outcomes: readonly WriteOutcome[];
    try {
      outcomes = await retryWhileLocked(options, sql, () => {
        tries += 1;
        waited = tries > 1;
        beforeUse();
        return commitBatch(writes);
      });
      failing = false;
    } catch (error) {
      failing = true;
      for (const write of batch) write.settle(settledAfter(error, write));
      return;
    }
    for (const [index, { settle }] of batch.entries()) settle(outcomes[index]!);
    onCommit();
  };

  /** A failed COMMIT has been rolled back, according to the file. A write that `confirm` finds there is done all the same. */
  const settledAfter = (error: unknown, { confirm }: Waiting): WriteOutcome => {
    if (!(error instanceof CommitFailure) || confirm === undefined) return { ok: false, error };
    try {
      const value = inSnapshot(sql, confirm);
      return value === undefined ? { ok: false, error: error.cause } : { ok: true, value };
    } catch {
      return { ok: false, error };
    }
  };

  const answer = async ({ call, settle }: Waiting): Promise<void> => {
    try {
      const query = call as (sql: Sql) => unknown;
      beforeUse();
      settle({ ok: true, value: await retryWhileLocked(options, sql, () => inSnapshot(sql, query)) });
    } catch (error) {
      settle({ ok: false, error });
    }
  };

  return { commit, answer, hasWaited: () => waited, isFailing: () => failing };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function overflow(path: string): AgentCoreError {
  return new AgentCoreError(
    "AC_STORE_UNAVAILABLE",
    `${waitingMax} calls are waiting for ${path}; send the next ones when some have been answered`,
    { evidence: { path, waitingMax } },
  );
}
