import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { AgentCore } from "../index.ts";
import { createTestAgentCore, type TestAgentCoreOptions, type TestRun, type TestWorker } from "./testing.ts";

let workspace: string;
let core: AgentCore | undefined;
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), "agentcore-test-core-"));
});
afterEach(async () => {
  await core?.close();
  rmSync(workspace, { recursive: true });
});

async function openWith(
  agent: TestAgentCoreOptions["workers"][string],
  config: TestAgentCoreOptions["config"] = {},
): Promise<AgentCore> {
  core = await createTestAgentCore({ workers: { agent }, config });
  return core;
}
const task = () => ({ worker: "agent", workspace, instructions: "Say hello" });

it("runs a job with the function as its worker, and tells its events, cost and summary", async () => {
  const opened = await openWith(({ task: { instructions }, emit }) => {
    emit({ type: "text", text: "hello" });
    return { summary: instructions, costUsd: 0.25 };
  });
  const job = await opened.submit({ task: task() });
  const texts: string[] = [];
  for await (const event of job.events()) {
    if (event.type === "worker_event" && event.event.type === "text") texts.push(event.event.text);
  }
  expect(texts).toEqual(["hello"]);
  expect(await job.result()).toMatchObject({
    state: "succeeded",
    result: { summary: "Say hello", costUsd: 0.25, costBasis: "reported" },
  });
});

it("repeats an attempt that threw, as often as the job allows", async () => {
  const attempts: number[] = [];
  const opened = await openWith(({ attempt }) => {
    attempts.push(attempt);
    if (attempt === 1) throw new Error("not yet");
  });
  const once = await opened.submit({ task: task() });
  expect(await once.result()).toMatchObject({ state: "dead", result: { summary: "not yet" } });
  const twice = await opened.submit({ task: task(), limits: { maxAttempts: 2 } });
  expect(await twice.result()).toMatchObject({ state: "succeeded" });
  expect(attempts).toEqual([1, 1, 2]);
});

it.each<[what: string, worker: (run: TestRun) => unknown, message: string]>([
  [
    "an event",
    ({ emit }) => emit({ type: "txt", text: "a" } as never),
    'whose "type" is one of started, text',
  ],
  [
    "a field of an event",
    ({ emit }) => emit({ type: "file_change", file: "a", change: "create" } as never),
    '"file_change": field "path" is missing',
  ],
  ["an outcome", () => ({ outcome: "fine" }), 'field "outcome" must be one of succeeded, failed'],
  ["a field of the end", () => ({ cost: 1 }), 'field "cost" is not part of the contract'],
])("fails the attempt of a worker that gives %s that does not exist", async (_what, worker, message) => {
  const opened = await openWith(worker as TestWorker);
  const { result } = await (await opened.submit({ task: task() })).result();
  expect(result).toMatchObject({
    outcome: "failed",
    code: "AC_ADAPTER_INVALID",
    errorClass: "worker_protocol",
  });
  expect(result?.summary).toContain(message);
});

it("stops a run at its ceiling and at its time limit, whatever the function does", async () => {
  const usage = { inputTokens: 10, cachedInputTokens: 0, outputTokens: 10 };
  const opened = await openWith(({ emit, task: { instructions } }) => {
    if (instructions === "spend") emit({ type: "usage", usage, costUsd: 3 });
    return new Promise(() => {});
  });
  const costly = await opened.submit({
    task: { ...task(), instructions: "spend" },
    limits: { maxCostUsd: 1 },
  });
  expect(await costly.result()).toMatchObject({ result: { outcome: "budget_exhausted" } });
  const slow = await opened.submit({ task: task(), limits: { timeoutMs: 20 } });
  expect(await slow.result()).toMatchObject({ result: { outcome: "timed_out" } });
});

it("holds the limits of the configuration, and refuses what the real one refuses", async () => {
  let atOnce = 0;
  let most = 0;
  const opened = await openWith(
    async () => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
    },
    { limits: { global: { concurrency: 1 } }, workspace_lock: false },
  );
  const jobs = await Promise.all([1, 2, 3].map(() => opened.submit({ task: task() })));
  await Promise.all(jobs.map((job) => job.result()));
  expect(most).toBe(1);
  await expect(opened.submit({ task: { ...task(), worker: "nobody" } })).rejects.toMatchObject({
    code: "AC_WORKER_UNKNOWN",
  });
  const config = { limits: { global: { concurrency: -1 } } };
  await expect(createTestAgentCore({ workers: {}, config })).rejects.toMatchObject({
    code: "AC_CONFIG_INVALID",
  });
});

it("a cancel aborts the signal of the function, and the job ends once", async () => {
  const started = Promise.withResolvers<AbortSignal>();
  const opened = await openWith(({ signal }) => {
    started.resolve(signal);
    return new Promise(() => {});
  });
  const job = await opened.submit({ task: task() });
  const signal = await started.promise;
  await job.cancel();
  expect(await job.result()).toMatchObject({ state: "cancelled", result: { outcome: "cancelled" } });
  expect(signal.aborted).toBe(true);
});

const approval = `name: release
version: "1"
timeout: 1m
steps:
  build: { worker: agent, instructions: build, capabilities: [READ] }
  ask: { approval: { message: "Release it?" }, depends_on: [build] }
  publish: { worker: agent, instructions: publish, capabilities: [READ], depends_on: [ask] }
`;

it("a workflow waits for an approval, and goes on or fails by the answer", async () => {
  const done: string[] = [];
  const { workflows } = await openWith(({ task: { instructions } }) => void done.push(instructions));
  const file = join(workspace, "release.yaml");
  writeFileSync(file, approval);
  const begin = async () => {
    const waits = Promise.withResolvers<void>();
    const run = await workflows.run(file, {
      workspace,
      onEvent: (event) => {
        if (event.type === "step_changed" && event.step.id === "ask" && event.step.status === "WAITING")
          waits.resolve();
      },
    });
    await waits.promise;
    return run;
  };
  const approved = await begin();
  expect(done).toEqual(["build"]);
  await workflows.approve(approved.id, { step: "ask", by: "ada", message: "fine" });
  expect(await approved.result()).toMatchObject({ outcome: "SUCCEEDED" });
  expect(done).toEqual(["build", "publish"]);

  const rejected = await begin();
  await workflows.reject(rejected.id, { by: "ada", message: "not today" });
  expect(await rejected.result()).toMatchObject({ outcome: "FAILED" });
  expect(done).toEqual(["build", "publish", "build"]);
  await expect(workflows.approve(rejected.id)).rejects.toMatchObject({
    code: "AC_WORKFLOW_ENDED",
  });
});
