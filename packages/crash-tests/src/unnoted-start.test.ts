/** Attempts whose start nobody noted: where the worker began, nothing runs beside it; where it did not, nothing is used up. */
import { DatabaseSync } from "node:sqlite";
import type { QueueClient } from "@agentcore/scheduler";
import { expect, it, onTestFinished } from "vitest";
import { patienceMs, until } from "@agentcore/contract/testing";
import { deaf, shellTask } from "./job-plan.ts";
import type { Rig } from "./rig.ts";
import { queueOfTest, rigOfTest } from "./rig-of-test.ts";
import { SchedulerProcess } from "./scheduler-process.ts";
import { makeJobDirectory, readTrueJob } from "./truth-ledger.ts";

/** A scheduler whose runtime stands still, before the worker of the next job. */
async function stopRuntime(rig: Rig, client: QueueClient) {
  const victim = new SchedulerProcess(rig);
  onTestFinished(() => victim.stop());
  // Once one job is done, the runtime is there and the next one is claimed at once.
  const place = makeJobDirectory(rig.root, "first");
  const first = await client.submit({ task: { ...shellTask(rig, place, "true"), workspace: place } });
  await first.result();
  const [runtimePid = -1] = victim.runtimePids();
  process.kill(runtimePid, "SIGSTOP");
  return { victim, runtimePid };
}

it(
  "an attempt whose start nobody noted is not followed by another while its runtime still ends it",
  async () => {
    // The worker does not listen to TERM, so the orphaned runtime needs its whole grace to end it.
    const rig = await rigOfTest({ graceMs: 4000 });
    const { database, store, client } = await queueOfTest(rig);
    const workspace = makeJobDirectory(rig.root, "deaf");
    const script = `[ "$AGENTCORE_ATTEMPT" -gt 1 ] || sleep 60`;
    const task = { ...deaf(shellTask(rig, workspace, script)), workspace };

    const { victim, runtimePid } = await stopRuntime(rig, client);
    const job = await client.submit({
      id: "deaf",
      task,
      limits: { maxAttempts: 2 },
      retry: { baseDelayMs: 0 },
    });
    await until(async () => (await store.get("deaf"))?.state.kind === "running");
    // The runtime goes on once nothing can be written any more, the start of the worker included.
    const lock = new DatabaseSync(database.path, { timeout: 1000 });
    lock.exec("BEGIN IMMEDIATE");
    process.kill(runtimePid, "SIGCONT");
    await until(() => readTrueJob(workspace).attempts.length > 0);
    victim.signal("SIGKILL");
    await victim.closed;
    lock.exec("ROLLBACK");
    lock.close();
    expect((await store.get("deaf"))?.state).toMatchObject({ kind: "running", started: null });

    const heir = new SchedulerProcess(rig);
    onTestFinished(() => heir.stop());
    expect(await job.result()).toMatchObject({ state: "succeeded", attempts: 2 });
    expect(readTrueJob(workspace)).toMatchObject({ overlaps: 0, attempts: [{ attempt: 1 }, { attempt: 2 }] });
  },
  patienceMs(90_000),
);

it.each([["its runtime"], ["its runtime and its scheduler"]])(
  "an attempt that was claimed when %s died, and whose worker never began, costs the job nothing",
  async (died) => {
    const rig = await rigOfTest();
    const { store, client } = await queueOfTest(rig);
    const workspace = makeJobDirectory(rig.root, "once");
    const { victim, runtimePid } = await stopRuntime(rig, client);
    const task = { ...shellTask(rig, workspace, "true"), workspace };
    const job = await client.submit({ id: "once", task, limits: { maxAttempts: 1 } });
    await until(async () => (await store.get("once"))?.state.kind === "running");
    if (died !== "its runtime") victim.signal("SIGKILL");
    process.kill(runtimePid, "SIGKILL");
    if (died !== "its runtime") {
      await victim.closed;
      const heir = new SchedulerProcess(rig);
      onTestFinished(() => heir.stop());
    }
    expect(await job.result()).toMatchObject({ state: "succeeded", attempts: 1 });
    expect(readTrueJob(workspace)).toMatchObject({ attempts: [{ attempt: 1 }] });
  },
  30_000,
);
