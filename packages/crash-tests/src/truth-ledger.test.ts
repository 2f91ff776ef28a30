/** The workers' ledger, with real processes: what it says is what happened. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { makeTemporaryDirectory } from "@agentcore/worker-kit/testing";
import { expect, it } from "vitest";
import { makeJobDirectory, readTrueJob, writeEnterProgram } from "./truth-ledger.ts";

const root = makeTemporaryDirectory("truth-ledger");
const enter = writeEnterProgram(root);
const envOf = (attempt: number) => ({
  PATH: process.env["PATH"] ?? "",
  AGENTCORE_ATTEMPT: `${attempt}`,
  AGENTCORE_RUN_ID: `run-${attempt}`,
});

it("notes that an attempt ended, and hands on its exit code", () => {
  const directory = makeJobDirectory(root, "ends");
  expect(spawnSync(enter, [directory, "sh", "-c", "exit 3"], { env: envOf(1) }).status).toBe(3);
  expect(readTrueJob(directory)).toMatchObject({
    overlaps: 0,
    attempts: [{ attempt: 1, run: "run-1", ended: true, costUsd: 0 }],
  });
});

it("notices an attempt beside one that is only alive through a descendant", async () => {
  const directory = makeJobDirectory(root, "overlaps");
  const first = spawn(enter, [directory, "sh", "-c", "echo $$; exec sleep 600"], {
    env: envOf(1),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [pid] = (await once(first.stdout, "data")) as [Buffer];
  first.kill("SIGKILL");
  await once(first, "exit");
  spawnSync(enter, [directory, "true"], { env: envOf(2) });
  expect(readTrueJob(directory)).toMatchObject({
    overlaps: 1,
    attempts: [{ ended: false }, { ended: true }],
  });
  process.kill(Number(pid.toString()), "SIGKILL");
  await once(first, "close");
  spawnSync(enter, [directory, "true"], { env: envOf(3) });
  expect(readTrueJob(directory)).toMatchObject({ overlaps: 1, attempts: { length: 3 } });
});
