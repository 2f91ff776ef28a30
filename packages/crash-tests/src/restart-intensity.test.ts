/** A runtime that keeps dying: given up after exactly the configured number of restarts, at no cost, and with no job lost. */
import { defaultIntensity } from "@agentcore/scheduler";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { patienceMs } from "@agentcore/contract/testing";
import { shellTask } from "./job-plan.ts";
import { processorMs } from "./processes.ts";
import { queueOfTest, rigOfTest } from "./rig-of-test.ts";
import { SchedulerProcess } from "./scheduler-process.ts";
import { makeJobDirectory, readTrueJob } from "./truth-ledger.ts";

const measuredMs = 3000;

function isEscalated({ events }: SchedulerProcess): boolean {
  return events.some(({ type }) => type === "escalation");
}

it(
  "a runtime killed again and again is given up after exactly its restarts, and the wait costs no processor time",
  async () => {
    const rig = await rigOfTest();
    const scheduler = new SchedulerProcess(rig);
    onTestFinished(() => scheduler.stop());
    const killed = new Set<number>();
    const deadline = Date.now() + patienceMs(60_000);
    while (!isEscalated(scheduler) && Date.now() < deadline) {
      for (const pid of scheduler.runtimePids()) {
        if (killed.has(pid)) continue;
        killed.add(pid);
        process.kill(pid, "SIGKILL");
      }
      await pause(20);
    }
    const escalations = scheduler.events.filter(({ type }) => type === "escalation");
    expect(escalations).toMatchObject([{ code: "AC_RESTART_INTENSITY", target: "runtime" }]);
    expect(killed.size).toBe(defaultIntensity.max + 1);

    const { client } = await queueOfTest(rig);
    const workspace = makeJobDirectory(rig.root, "waits");
    const job = await client.submit({ task: { ...shellTask(rig, workspace, "true"), workspace } });
    await scheduler.heard(({ type }) => type === "permit_deferred", 10_000);
    const before = processorMs(scheduler.pid);
    await pause(measuredMs);
    const share = (processorMs(scheduler.pid) - before) / measuredMs;
    console.info(`the scheduler without a runtime took ${(share * 100).toFixed(1)} % of a processor`);
    expect(share).toBeLessThan(0.05);
    expect(scheduler.runtimePids()).toEqual([]);
    expect(readTrueJob(workspace).attempts).toEqual([]);

    await scheduler.stop();
    const next = new SchedulerProcess(rig, ["--drain"]);
    onTestFinished(() => next.stop());
    expect(await job.result()).toMatchObject({ state: "succeeded", attempts: 1 });
  },
  patienceMs(180_000),
);
