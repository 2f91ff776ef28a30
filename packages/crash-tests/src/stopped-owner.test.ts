/** A scheduler that is stopped past its lease lives: nobody takes its jobs, and what ended meanwhile counts when it wakes. */
import { join } from "node:path";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { expect, it, onTestFinished } from "vitest";
import { patienceMs, until } from "@agentcore/contract/testing";
import { agentTask } from "./job-plan.ts";
import { queueOfTest, rigOfTest } from "./rig-of-test.ts";
import { SchedulerProcess } from "./scheduler-process.ts";
import { stopBetweenCommits } from "./stop-between-commits.ts";
import { makeJobDirectory, readTrueJob } from "./truth-ledger.ts";

const spentUsd = 0.02;

it(
  "a stopped owner keeps its job past its lease, and the result counts when it goes on",
  async () => {
    const rig = await rigOfTest();
    const { database, store, client } = await queueOfTest(rig);
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
    await stopBetweenCommits((name) => stopped.signal(name), database.path);
    const before = await store.get("slow");
    const heir = new SchedulerProcess(rig);
    onTestFinished(() => heir.stop());
    // Five beats are a lease; the heir has seen the other's first beat by its own second one.
    const heirBeats = async () =>
      Math.max(
        ...(await store.owners()).filter(({ process }) => process?.pid === heir.pid).map(({ beat }) => beat),
      );
    await until(async () => (await heirBeats()) >= 8, { what: "the end of the lease", deadlineMs: 60_000 });
    expect(await store.get("slow")).toEqual(before);

    stopped.signal("SIGCONT");
    expect(await job.result()).toMatchObject({
      state: "succeeded",
      attempts: 1,
      spent: { costUsd: spentUsd },
    });
    expect(await store.lateResults("slow")).toEqual([]);
    expect(readTrueJob(join(rig.root, "jobs/slow"))).toMatchObject({
      overlaps: 0,
      attempts: [{ attempt: 1 }],
    });
    await Promise.all([stopped.stop(), heir.stop()]);
    expect(findSurvivors([rig.root, ...rig.tags])).toEqual([]);
  },
  patienceMs(120_000),
);
