/** A scheduler that is stopped past its lease and wakes: what it says then changes nothing, and is kept. */
import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { silentLog, systemClock, systemIds } from "@agentcore/contract";
import { QueueClient } from "@agentcore/scheduler";
import { createSqliteJobStore, openStateDatabase } from "@agentcore/store-sqlite";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { expect, onTestFinished, test } from "vitest";
import { agentTask } from "./job-plan.ts";
import { makeRig } from "./rig.ts";
import { SchedulerProcess } from "./scheduler-process.ts";
import { makeJobDirectory, readTrueJob } from "./truth-ledger.ts";

const spentUsd = 0.02;

/** A process stopped in the middle of a commit would keep the file locked, and nobody could write until it goes on. */
async function stopBetweenCommits(scheduler: SchedulerProcess, path: string): Promise<void> {
  const other = new DatabaseSync(path, { timeout: 0 });
  onTestFinished(() => other.close());
  for (;;) {
    scheduler.signal("SIGSTOP");
    try {
      other.exec("BEGIN IMMEDIATE; ROLLBACK");
      return;
    } catch (error) {
      expect(error).toMatchObject({ errcode: 5 });
      scheduler.signal("SIGCONT");
      await pause(5);
    }
  }
}

test("the late result of a stopped owner touches no row and is kept, and the attempts do not overlap", async () => {
  const rig = await makeRig();
  onTestFinished(() => rig.remove());
  const database = await openStateDatabase({ directory: rig.stateDir });
  onTestFinished(() => database.close());
  const store = createSqliteJobStore(database);
  const client = new QueueClient({ store, clock: systemClock, ids: systemIds, log: silentLog });
  onTestFinished(() => client.closeClient());
  const workspace = makeJobDirectory(rig.root, "slow");
  const task = agentTask(rig, workspace, [
    { do: "ledger", event: "cost", usd: spentUsd },
    { do: "wait", ms: 1500 },
    {
      do: "print",
      stream: "stdout",
      lines: [JSON.stringify({ type: "result", ok: true, costUsd: spentUsd })],
    },
  ]);

  const stopped = new SchedulerProcess(rig);
  onTestFinished(() => stopped.stop());
  const limits = { maxAttempts: 2 };
  const retry = { baseDelayMs: 0 };
  const job = await client.submit({ id: "slow", task: { ...task, workspace }, limits, retry });
  expect(await stopped.heard(({ type }) => type === "attempt_started", 30_000)).toBe(true);
  // Its runtime goes on: the worker comes to its end, and nobody hears of it.
  await stopBetweenCommits(stopped, database.path);
  const heir = new SchedulerProcess(rig);
  onTestFinished(() => heir.stop());
  expect(await job.result()).toMatchObject({ state: "succeeded", attempts: 2 });
  expect(await store.lateResults("slow")).toEqual([]);
  const before = await store.get("slow");
  const attemptsBefore = await store.attempts("slow");

  stopped.signal("SIGCONT");
  const deadline = Date.now() + 30_000;
  while ((await store.lateResults("slow")).length === 0 && Date.now() < deadline) await pause(50);
  expect(await store.lateResults("slow")).toMatchObject([
    { ref: { jobId: "slow", attempt: 1 }, result: { outcome: "succeeded", costUsd: spentUsd } },
  ]);
  expect(await store.get("slow")).toEqual(before);
  expect(await store.attempts("slow")).toEqual(attemptsBefore);
  // The attempt that nobody saw end counts with what its worker said before it ended.
  expect(before?.spent.costUsd).toBeCloseTo(2 * spentUsd, 6);
  const truth = readTrueJob(join(rig.root, "jobs/slow"));
  expect(truth).toMatchObject({ overlaps: 0, attempts: [{ attempt: 1 }, { attempt: 2 }] });
  expect(truth.attempts[1]?.startedAt).toBeGreaterThan(truth.attempts[0]?.lastSeenAt ?? Infinity);
  await Promise.all([stopped.stop(), heir.stop()]);
  expect(findSurvivors([rig.root, ...rig.tags])).toEqual([]);
}, 120_000);
