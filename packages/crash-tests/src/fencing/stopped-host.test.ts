/** A host whose processes are stopped (SIGSTOP) keeps no worker running: it is dead before another machine begins its job. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "@agentcore/contract";
import { patienceMs, until } from "@agentcore/contract/testing";
import { createScheduler } from "@agentcore/scheduler";
import { createFakeRuntime, testResult } from "@agentcore/scheduler/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { childrenWith } from "../processes.ts";
import type { Rig } from "../rig.ts";
import { queueOfTest, rigOfTest } from "../rig-of-test.ts";
import { stopBetweenCommits } from "../stop-between-commits.ts";
import type { HostProcessOptions } from "./host-process.ts";

const leaseMs = 4000;
const hostProgram = fileURLToPath(new URL("./host-process.ts", import.meta.url));

async function startHost(rig: Rig): Promise<ChildProcess> {
  const { program, stateDir, configPath } = rig;
  const options: HostProcessOptions = { program, stateDir, configPath, leaseMs };
  const args = ["--conditions=@agentcore/source", hostProgram, JSON.stringify(options)];
  const child = spawn(process.execPath, args, { env: rig.env, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const over = once(child, "exit");
    child.kill("SIGCONT");
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs(10_000));
    await over;
    clearTimeout(timer);
  });
  await once(child.stdout, "data");
  return child;
}

describe("a host that is stopped while a worker runs", () => {
  it.each(["scheduler", "scheduler and runtime"] as const)(
    "leaves no worker when another machine takes over: %s",
    async (what) => {
      const rig = await rigOfTest();
      const { database, store, client } = await queueOfTest(rig);
      const workspace = join(rig.root, "jobs/slow");
      mkdirSync(workspace);
      /** How much the worker has written so far: it never ends on its own. */
      const written = (): number => statSync(join(workspace, "beats"), { throwIfNoEntry: false })?.size ?? 0;
      const instructions = "while :; do echo . >> beats; sleep 0.02; done";
      await client.submit({
        id: "slow",
        task: { worker: "shell", workspace, instructions, capabilities: ["edit"] },
        limits: { maxAttempts: 2 },
        retry: { baseDelayMs: 0 },
      });
      const host = await startHost(rig);
      await until(() => written() > 0, { what: "the worker" });

      const whileOtherRuns: number[] = [];
      const other = await createScheduler({
        store,
        runtime: createFakeRuntime({
          clock: systemClock,
          execute: async () => {
            whileOtherRuns.push(written());
            await pause(500);
            whileOtherRuns.push(written());
            return testResult();
          },
        }),
        leaseMs,
        process: { host: "other", bootId: "other", pid: 1, startTicks: 1, place: "other:/state" },
      });
      onTestFinished(() => other.close());
      const [runtime = -1] = childrenWith(host.pid!, "runtime");
      await stopBetweenCommits((name) => host.kill(name), database.path);
      if (what === "scheduler and runtime") {
        await stopBetweenCommits((name) => process.kill(runtime, name), database.path);
        onTestFinished(() => void host.kill("SIGCONT"));
      }

      expect(await (await other.attach("slow")).result()).toMatchObject({ state: "succeeded", attempts: 2 });
      const [first, second] = whileOtherRuns;
      expect(second).toBe(first);
      expect(whileOtherRuns.length).toBe(2);

      host.kill("SIGCONT");
      const isThere = async () => (await store.owners()).some(({ process }) => process?.host === "host");
      await until(isThere, { what: "the host as a new owner" });
      expect(await store.get("slow")).toMatchObject({ state: { kind: "succeeded" }, attempt: 2 });
      expect((await store.attempts("slow")).map(({ attempt }) => attempt)).toEqual([1, 2]);
    },
    patienceMs(60_000),
  );
});
