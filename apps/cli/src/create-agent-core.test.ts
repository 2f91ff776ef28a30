import { afterEach, beforeEach, expect, it } from "vitest";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { WorkerAdapter } from "@agentcore/contract";
import { createAgentCore, type JobInput } from "./create-agent-core.ts";
import { agentcore, makeScratch, type Scratch } from "./testing/agentcore-process.ts";
import {
  makeMeteredWorker,
  realKey,
  responseUsage,
  startProvider,
  workerEnviron,
} from "./testing/metered-worker.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

const shellJob = (instructions: string) => ({
  task: { worker: "shell", workspace: scratch.workspace, instructions },
});

it("a service runs jobs in its own process, and shares them with the command line", async () => {
  const core = await createAgentCore({ stateDir: scratch.stateDir, env: { PATH: process.env["PATH"] } });
  const job = await core.submit(shellJob("echo hi > hi.txt"));
  const end = await job.result();
  expect(end).toMatchObject({ state: "succeeded", attempts: 1 });
  expect(end.result?.containment).toMatchObject({ survivors: 0 });
  expect(readFileSync(join(scratch.workspace, "hi.txt"), "utf8")).toBe("hi\n");
  const { stdout } = await agentcore(scratch, ["jobs", "show", job.id, "--state-dir", scratch.stateDir]);
  expect(stdout).toContain("succeeded");
  await core.close();
  await core.close();
});

it("a worker of a service reaches its provider through the spend gate", async () => {
  await using provider = await startProvider();
  makeMeteredWorker(scratch, { url: provider.url });
  const { default: adapter } = (await import(join(scratch.root, "house.js"))) as { default: WorkerAdapter };
  const settings = { base_url: provider.url, model: "claude-sonnet-4-5" };
  const core = await createAgentCore({
    stateDir: scratch.stateDir,
    env: { PATH: process.env["PATH"], HOUSE_KEY: realKey },
    adapters: [adapter],
    config: { workers: { house: { program: join(scratch.root, "house-agent.mjs"), settings } } },
  });
  const task = { worker: "house", workspace: scratch.workspace, instructions: "1", capabilities: ["edit"] };
  const end = await (await core.submit({ task: task as JobInput["task"] })).result();
  expect(end.result).toMatchObject({ outcome: "succeeded", costBasis: "metered" });
  expect(end.result?.costUsd).toBeCloseTo(responseUsage.costUsd, 9);
  expect(workerEnviron(scratch)["HOUSE_KEY"]).not.toBe(realKey);
  await core.close();
});

it("its configuration is checked like the file's", async () => {
  const config = { limits: { global: { concurrency: 0 } } };
  await expect(createAgentCore({ stateDir: scratch.stateDir, config })).rejects.toThrow(
    /limits\.global\.concurrency: /,
  );
});

it("closing lets what runs finish where that is asked for", async () => {
  const core = await createAgentCore({ stateDir: scratch.stateDir, claims: "own" });
  const job = await core.submit(shellJob("sleep 0.5; touch finished"));
  const result = job.result();
  const started = new Promise<void>((resolve) => {
    core.scheduler.subscribe(({ type }) => type === "attempt_started" && resolve());
  });
  await started;
  await core.close({ finishRunning: true });
  expect((await result).state).toBe("succeeded");
});

it("a submit after close() says that it was closed, and that nothing was submitted", async () => {
  const core = await createAgentCore({ stateDir: scratch.stateDir });
  await core.close();
  await expect(core.submit(shellJob("touch never"))).rejects.toMatchObject({
    code: "AC_DRAINING",
    message: "the scheduler was closed; nothing was submitted",
    evidence: { submitted: false },
  });
});
