/** Very many runs that are let in at once: all begin, each once, and the scheduler and the runtime stay alive meanwhile. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { expect, it, onTestFinished } from "vitest";
import { patienceMs, until } from "@agentcore/contract/testing";
import { burst, busyMsMax } from "./burst.ts";
import { queueOfTest, rigOfTest } from "./rig-of-test.ts";
import { SchedulerProcess } from "./scheduler-process.ts";
import { makeJobDirectory } from "./truth-ledger.ts";

/** More with `AGENTCORE_RUNS`. */
const runs = Number(process.env["AGENTCORE_RUNS"] ?? 100);

it(
  `${runs} sleeping runs that are let in at once all begin, no lease is lost and no runtime is restarted`,
  async () => {
    const rig = await rigOfTest({ concurrency: runs });
    const { store, client } = await queueOfTest(rig);
    const workspaces = Array.from({ length: runs }, (_, n) => makeJobDirectory(rig.root, `sleeper-${n}`));
    await client.submitAll(
      workspaces.map((workspace) => ({
        task: { worker: "shell", workspace, instructions: "echo x >began; exec sleep 600" },
      })),
    );
    const scheduler = new SchedulerProcess(rig, ["--concurrency", String(runs)]);
    onTestFinished(() => scheduler.stop());
    expect(await scheduler.heard(({ type }) => type === "attempt_started", 60_000)).toBe(true);
    const [runtime] = scheduler.runtimePids();
    const [owner] = await store.owners();
    const startedMs = performance.now();
    let begun = 0;
    const allBegan = (): boolean => {
      while (begun < runs && existsSync(join(workspaces[begun]!, "began"))) begun += 1;
      return begun === runs;
    };
    await until(allBegan, {
      what: "the start of every run",
      deadlineMs: 240_000,
    });
    const tookMs = performance.now() - startedMs;
    const [later] = await store.owners();
    expect(later?.owner).toBe(owner?.owner);
    // A beat each 2 s, and the lease ends after five that were missed.
    expect((later?.beat ?? 0) - (owner?.beat ?? 0)).toBeGreaterThanOrEqual(Math.floor(tookMs / 10_000));
    expect(scheduler.runtimePids()).toEqual([runtime]);
    const { jobs } = await store.list({ limit: 1000 });
    expect(jobs.filter(({ state, attempt }) => state.kind !== "running" || attempt !== 1)).toEqual([]);
    process.stdout.write(`${runs} runs began within ${Math.round(tookMs)} ms of the first\n`);
    await scheduler.stop();
    expect(findSurvivors([rig.root, ...rig.tags])).toEqual([]);
  },
  patienceMs(300_000),
);

it(
  `${runs} sleeping runs of one process all begin, each once, and leave the event loop to others meanwhile`,
  async () => {
    const report = await burst(runs);
    expect(report).toMatchObject({ begun: runs, strayed: [], survivors: [] });
    expect(report.owners).toHaveLength(1);
    // Processor time: the clock on the wall also counts what the tests beside this one take.
    expect(report.longestBusyMs).toBeLessThan(busyMsMax);
  },
  patienceMs(180_000),
);
