/**
 * Commits writes in one transaction. A failure that passes, such as a restart of the server, is waited for, and the transaction
 * runs again. Each commit notes its number in the row of its writer; if the answer to a COMMIT is lost, that row tells whether it
 * took effect, so that nothing is lost and nothing is done twice.
 */
import { CommitUnknown } from "./postgres-error.ts";
import { type Patience, retryWhilePassing } from "./retry.ts";
import { type Session, inTransaction } from "./session.ts";
import type { WriteSql } from "./sql.ts";

export type Write = (sql: WriteSql) => Promise<unknown>;

export interface CommitOptions {
  readonly session: Session;
  readonly patience: Patience;
  /** Identifies the queue among those of all hosts: letters, digits, hyphens and slashes. */
  readonly writer: string;
  /** Transactions with the same lock exclude each other. */
  readonly lock: string;
  /** A statement that goes with each COMMIT that changed something. */
  readonly ending?: string;
  /** Called after each commit. Must not throw. */
  readonly onCommit?: () => void;
}

export interface Commit {
  /** The return values of the writes, once they are durable. Rejects with the driver's error; none took effect then. */
  run(writes: readonly Write[]): Promise<readonly unknown[]>;
  /** Whether the database could not be used at the last try. */
  readonly isFailing: boolean;
}

export function createCommit({ session, patience, writer, lock, ending, onCommit }: CommitOptions): Commit {
  let number = 0;
  let failing = false;

  const isDone = (wanted: number): Promise<boolean> =>
    retryWhilePassing(patience, () =>
      // Under the same lock: the server may still be working on the transaction whose connection was lost.
      inTransaction(session, { lock }, async (sql) => {
        const row = await sql.get("SELECT commits FROM writers WHERE writer = $1", writer);
        return Number(row?.["commits"] ?? 0) >= wanted;
      }),
    );

  const attempt = async (writes: readonly Write[]): Promise<readonly unknown[]> => {
    number += 1;
    const remembered: (() => void)[] = [];
    const answers: unknown[] = [];
    const commitsNow = number;
    try {
      await inTransaction(
        session,
        { lock, ending: endingOf(writer, commitsNow, patience, ending) },
        async (sql) => {
          const writeSql: WriteSql = { ...sql, afterCommit: (action) => void remembered.push(action) };
          for (const write of writes) answers.push(await write(writeSql));
        },
      );
    } catch (error) {
      failing = true;
      if (!(error instanceof CommitUnknown) || !(await isDone(commitsNow))) throw error;
    }
    failing = false;
    for (const action of remembered) action();
    return answers;
  };

  return {
    async run(writes) {
      const answers = await retryWhilePassing(patience, () => attempt(writes));
      onCommit?.();
      return answers;
    },
    get isFailing() {
      return failing;
    },
  };
}

/** A transaction that changed nothing has no id: it notes nothing, and its commit costs no sync. */
const changedSomething = "pg_current_xact_id_if_assigned() IS NOT NULL";

function endingOf(writer: string, commits: number, { clock }: Patience, ending: string | undefined): string {
  const note = `
    INSERT INTO writers (writer, commits, changes, used_at)
    SELECT '${writer}', ${commits}, 1, ${clock.now()} WHERE ${changedSomething}
    ON CONFLICT (writer)
    DO UPDATE SET commits = excluded.commits, changes = writers.changes + 1, used_at = excluded.used_at`;
  return ending === undefined ? note : `${ending} WHERE ${changedSomething};${note}`;
}
