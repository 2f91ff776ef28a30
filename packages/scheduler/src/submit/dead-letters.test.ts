import { describe, expect, it } from "vitest";
import { runLabel } from "../piece.ts";
import { testFailure, testResult } from "../testing/fixtures.ts";
import { createRig, simpleJob, type Rig } from "../testing/rig.ts";

const failing = (overrides: Parameters<typeof simpleJob>[0] = {}) =>
  simpleJob({
    ...overrides,
    task: { worker: "shell", workspace: "/w/failing", instructions: "false" },
  });

async function rigWithDead(count: number): Promise<{ rig: Rig; ids: string[] }> {
  const rig = await createRig({
    execute: ({ task }) => (task.instructions === "false" ? testFailure : testResult()),
  });
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const handle = await rig.scheduler.submit(failing({ context: { labels: { n: String(n) } } }));
    await handle.result();
    ids.push(handle.id);
  }
  return { rig, ids };
}

describe("dead letters", () => {
  it("are no steps of workflow runs: those are neither listed, replayed nor purged, and their run is named", async () => {
    const { rig } = await rigWithDead(0);
    const { deadLetters } = rig.scheduler;
    const piece = await rig.scheduler.submit(failing({ context: { labels: { [runLabel]: "run-1" } } }));
    expect(await piece.result()).toMatchObject({ state: "dead" });
    expect((await deadLetters.list()).jobs).toEqual([]);
    expect(await deadLetters.purge()).toBe(0);
    await expect(deadLetters.replay(piece.id)).rejects.toMatchObject({
      code: "AC_JOB_IN_RUN",
      message: expect.stringContaining("workflow run run-1; resume that run") as string,
    });
    await rig.scheduler.close();
  });

  it("are listed, and replayed as new jobs, edited", async () => {
    const { rig, ids } = await rigWithDead(2);
    const { deadLetters } = rig.scheduler;
    expect((await deadLetters.list()).jobs.map(({ job }) => job.id)).toEqual([...ids].reverse());
    const fix = (job: Parameters<Parameters<typeof deadLetters.replay>[1] & object>[0]) => ({
      ...job,
      task: { ...job.task, instructions: "true" },
    });
    const { jobId, isNew } = await deadLetters.replay(ids[0]!, fix);
    expect(isNew).toBe(true);
    expect(await (await rig.scheduler.attach(jobId)).result()).toMatchObject({
      state: "succeeded",
      attempts: 1,
    });
    expect((await deadLetters.list()).jobs.map(({ job }) => job.id)).toEqual([ids[1]]);
    expect((await rig.store.get(ids[0]!))?.state).toMatchObject({ kind: "dead", replayedAs: jobId });
    await rig.scheduler.close();
  });

  it("are replayed once, however often it is asked for", async () => {
    const { rig, ids } = await rigWithDead(1);
    const first = await rig.scheduler.deadLetters.replay(ids[0]!);
    const second = await rig.scheduler.deadLetters.replay(ids[0]!);
    expect(second).toEqual({ ...first, isNew: false });
    await rig.clock.advance(10);
    expect(rig.runtime.ledger.length).toBe(2);
    await rig.scheduler.close();
  });

  it("are replayed in bulk; what cannot be is reported and does not stop the others", async () => {
    const { rig, ids } = await rigWithDead(5);
    const { replayed, failed } = await rig.scheduler.deadLetters.replayAll({ limit: 2 }, (job) =>
      job.id === ids[2] ? { ...job, limits: { ...job.limits, maxAttempts: 0 } } : job,
    );
    expect(replayed.map(({ deadJobId }) => deadJobId)).toEqual([ids[4], ids[3], ids[1], ids[0]]);
    expect(failed).toMatchObject([{ deadJobId: ids[2], error: { code: "AC_JOB_INVALID" } }]);
    await rig.scheduler.close();
  });

  it("are replayed and purged in batches, and each is told of once it is stored", async () => {
    const { rig, ids } = await rigWithDead(5);
    const { deadLetters } = rig.scheduler;
    const batches: string[][] = [];
    const { replayed } = await deadLetters.replayAll({ limit: 2 }, undefined, (batch) =>
      batches.push(batch.replayed.map(({ deadJobId }) => deadJobId)),
    );
    expect(batches).toEqual([[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]);
    expect(replayed).toHaveLength(5);
    await rig.clock.advance(10_000);
    const purged: (readonly string[])[] = [];
    expect(await deadLetters.purge({}, (batch) => purged.push(batch))).toBe(10);
    expect(purged.flat().toSorted()).toEqual([...ids, ...replayed.map(({ jobId }) => jobId)].toSorted());
    await rig.scheduler.close();
  });

  it("are purged by what they match, and never dropped otherwise", async () => {
    const { rig, ids } = await rigWithDead(3);
    expect(await rig.scheduler.deadLetters.purge({ labels: { n: "1" } })).toBe(1);
    rig.clock.setWall(rig.clock.now() + 30 * 86_400_000);
    await rig.clock.advance(120_000);
    expect((await rig.scheduler.deadLetters.list()).jobs.map(({ job }) => job.id)).toEqual([ids[2], ids[0]]);
    await rig.scheduler.close();
  });

  it("are only what is dead", async () => {
    const { rig } = await rigWithDead(0);
    const good = await rig.scheduler.submit(simpleJob());
    await good.result();
    const { deadLetters } = rig.scheduler;
    await expect(deadLetters.replay(good.id)).rejects.toMatchObject({ code: "AC_JOB_NOT_FOUND" });
    await expect(deadLetters.replay("nobody")).rejects.toMatchObject({ code: "AC_JOB_NOT_FOUND" });
    await rig.scheduler.close();
  });

  it("wait where an unfinished job has taken their key meanwhile", async () => {
    const { rig } = await rigWithDead(0);
    const dead = await rig.scheduler.submit(failing({ key: "k" }));
    await dead.result();
    const holder = await rig.scheduler.submit(simpleJob({ key: "k", notBefore: rig.clock.now() + 1000 }));
    await expect(rig.scheduler.deadLetters.replay(dead.id)).rejects.toMatchObject({
      code: "AC_KEY_HELD",
      evidence: { heldBy: holder.id },
    });
    await rig.clock.advance(2000);
    expect((await rig.scheduler.deadLetters.replay(dead.id)).isNew).toBe(true);
    await rig.scheduler.close();
  });
});
