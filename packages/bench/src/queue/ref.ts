/**
 * The floor of the queue benchmark: about the least that a durable queue on SQLite can do. One table, a full sync, and one commit
 * for all that is asked for in one turn of the event loop. It has no permits, workspaces, retries or history.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Contender, payload, priorityOf } from "./contender.ts";

export const ref: Contender = {
  name: "floor: one table of node:sqlite",
  async open() {
    const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
    const database = new DatabaseSync(join(directory, "queue.db"));
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      CREATE TABLE jobs (number INTEGER PRIMARY KEY, state TEXT, priority INTEGER, payload TEXT);
      CREATE INDEX queued ON jobs (priority DESC, number) WHERE state = 'queued';`);
    const insert = database.prepare("INSERT INTO jobs (state, priority, payload) VALUES ('queued', ?, ?)");
    const end = database.prepare("UPDATE jobs SET state = 'done' WHERE number = ?");
    const claim = database.prepare(`UPDATE jobs SET state = 'running' WHERE number IN (SELECT number FROM jobs
      WHERE state = 'queued' ORDER BY priority DESC, number LIMIT ?) RETURNING number, payload`);
    const commit = groupCommit(database);
    let wake = (): void => {};
    const submitMany = async (from: number, count: number): Promise<void> => {
      await commit(() => {
        for (let at = 0; at < count; at += 1) insert.run(priorityOf(from + at), payload);
      });
      wake();
    };
    return {
      submit: (index) => submitMany(index, 1),
      submitMany,
      async work(concurrency, { started, done }) {
        let running: { number: number }[] = [];
        let [working, wanted, open] = [false, false, true];
        let worked: Promise<void> | undefined;
        const turn = async (): Promise<void> => {
          const ended = running;
          running = await commit(() => {
            for (const { number } of ended) end.run(number);
            return open ? (claim.all(concurrency) as { number: number }[]) : [];
          });
          for (const _ of running) started();
          for (const _ of ended) done();
        };
        const turns = async (): Promise<void> => {
          working = true;
          while (wanted || running.length > 0) {
            wanted = false;
            await turn();
          }
          working = false;
        };
        wake = () => {
          wanted = true;
          if (!working) worked = turns();
        };
        wake();
        return {
          async stop() {
            open = false;
            await worked;
          },
        };
      },
      async close() {
        database.close();
        rmSync(directory, { recursive: true });
      },
    };
  },
};

/** What is asked for in one turn of the event loop is one transaction. */
function groupCommit(database: DatabaseSync): <T>(write: () => T) => Promise<T> {
  let waiting: (() => () => void)[] = [];
  const commitAll = (): void => {
    const batch = waiting;
    waiting = [];
    database.exec("BEGIN IMMEDIATE");
    const answers = batch.map((write) => write());
    database.exec("COMMIT");
    for (const answer of answers) answer();
  };
  return (write) =>
    new Promise((resolve) => {
      if (waiting.length === 0) setImmediate(commitAll);
      waiting.push(() => {
        const value = write();
        return () => resolve(value);
      });
    });
}
