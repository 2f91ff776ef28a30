/** Many callers with one key, while schedulers are killed and started again: one job, one answer. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { testSeed, patienceMs } from "@agentcore/contract/testing";
import type { JobHandle, QueueClient } from "@agentcore/scheduler";
import { expect, it, onTestFinished } from "vitest";
import { createDraws } from "./draws.ts";
import { shellTask } from "./job-plan.ts";
import type { Rig } from "./rig.ts";
import { queueOfTest, rigOfTest } from "./rig-of-test.ts";
import { SchedulerProcess } from "./scheduler-process.ts";
import { makeJobDirectory, readTrueJob } from "./truth-ledger.ts";

const [callers, kills, connections] = [100, 5, 4];

async function openClients(rig: Rig): Promise<QueueClient[]> {
  const queues = await Promise.all(Array.from({ length: connections }, () => queueOfTest(rig)));
  return queues.map(({ client }) => client);
}

it(
  `${callers} callers with one key get one answer from one run, through ${kills} kills`,
  async () => {
    const draws = createDraws(testSeed("callers with one key"));
    const rig = await rigOfTest();
    const clients = await openClients(rig);
    const workspace = makeJobDirectory(rig.root, "shared");
    // It cannot end before the last caller was acknowledged.
    const task = {
      ...shellTask(rig, workspace, "until [ -e go ]; do sleep 0.02; done; echo done"),
      workspace,
    };
    const job = { key: "one", task, limits: { maxAttempts: kills + 2 }, retry: { baseDelayMs: 10 } } as const;

    let scheduler = new SchedulerProcess(rig);
    onTestFinished(() => scheduler.stop());
    const handles: JobHandle[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      const submits = Array.from({ length: callers / kills }, async (_, index) => {
        await pause(draws.whole(0, 300));
        handles.push(await clients[index % connections]!.submit(job));
      });
      if (draws.chance(0.7)) await scheduler.heard(({ type }) => type === "attempt_started", 10_000);
      await pause(draws.whole(0, 200));
      scheduler.signal("SIGKILL");
      await scheduler.closed;
      scheduler = new SchedulerProcess(rig);
      await Promise.all(submits);
    }
    writeFileSync(join(workspace, "go"), "");
    const answers = await Promise.all(handles.map((handle) => handle.result()));
    expect(answers).toHaveLength(callers);
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toHaveLength(1);
    expect(answers[0]).toMatchObject({ state: "succeeded", result: { summary: "done" } });
    expect(handles.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);
    const { attempts, overlaps } = readTrueJob(workspace);
    expect(overlaps).toBe(0);
    expect(attempts.filter(({ ended }) => ended)).toHaveLength(1);
    expect(attempts.length).toBeLessThanOrEqual(kills + 1);
  },
  patienceMs(180_000),
);
