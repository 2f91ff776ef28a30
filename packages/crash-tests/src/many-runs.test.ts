/**
 * Many `agentcore run` at once on one state directory, with more work than the machine has cores, and a stranger that holds
 * the database's write lock for a while: each runs its own job once and says so.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { patienceMs, until } from "@agentcore/contract/testing";
import type { Rig } from "./rig.ts";
import { queueOfTest, rigOfTest } from "./rig-of-test.ts";
import { makeJobDirectory } from "./truth-ledger.ts";

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

async function runOnce(rig: Rig, name: string): Promise<Ended> {
  const workspace = makeJobDirectory(rig.root, name);
  const state = ["--state-dir", rig.stateDir, "--config", rig.configPath, "--json"];
  const args = [
    rig.program,
    "run",
    ...state,
    "--worker",
    "shell",
    "--workspace",
    workspace,
    "echo x >>ran; sleep 1",
  ];
  const child = spawn(process.execPath, args, {
    cwd: rig.root,
    env: rig.env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stderr };
}

/** More with `AGENTCORE_RUNS`. */
const runs = Number(process.env["AGENTCORE_RUNS"] ?? 24);

it(
  `${runs} runs at once on one state directory end well, each once, also where the database is locked for longer than a lease`,
  async () => {
    const rig = await rigOfTest();
    const { store } = await queueOfTest(rig);
    const running = Array.from({ length: runs }, (_, n) => runOnce(rig, `run-${n}`));

    await until(async () => (await store.stats(Date.now())).running >= 3, { what: "the first runs" });
    const locker = new DatabaseSync(join(rig.stateDir, "state.db"), { timeout: 10_000 });
    onTestFinished(() => locker.close());
    locker.exec("BEGIN IMMEDIATE");
    // Longer than the lease of 10 s.
    await sleep(12_000);
    locker.exec("ROLLBACK");

    const ended = await Promise.all(running);
    expect(ended.filter(({ code }) => code !== 0)).toEqual([]);
    const { jobs } = await store.list({ limit: 1000 });
    expect(jobs.map(({ state, attempt }) => [state.kind, attempt])).toEqual(
      Array.from({ length: runs }, () => ["succeeded", 1]),
    );
    for (const { job } of jobs) expect(await store.lateResults(job.id)).toEqual([]);
  },
  patienceMs(180_000),
);
