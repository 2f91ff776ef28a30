import { isAgentCoreError } from "@agentcore/contract";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createAgentCore, type AgentCore, type JobHandle } from "../index.ts";
import { makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import { createTestAgentCore } from "./testing.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

/** Every call of the interface that asks the store. */
const calls = (core: AgentCore, job: JobHandle): Record<string, () => Promise<unknown>> => ({
  "scheduler.attach": () => core.scheduler.attach(job.id),
  "scheduler.why": () => core.scheduler.why(job.id),
  "scheduler.cancel": () => core.scheduler.cancel(job.id),
  "scheduler.stats": () => core.scheduler.stats(),
  "deadLetters.list": () => core.scheduler.deadLetters.list(),
  "deadLetters.replay": () => core.scheduler.deadLetters.replay(job.id),
  "deadLetters.replayAll": () => core.scheduler.deadLetters.replayAll(),
  "deadLetters.purge": () => core.scheduler.deadLetters.purge(),
  "job.cancel": () => job.cancel(),
  "job.result": () => job.result(),
  submit: () =>
    core.submit({ task: { worker: "shell", workspace: scratch.workspace, instructions: "true" } }),
  "workflows.run": () => core.workflows.run("w.yaml", { workspace: scratch.workspace }),
  "workflows.resume": () => core.workflows.resume("some-run"),
  "workflows.retry": () => core.workflows.retry("some-run"),
  "workflows.cancel": () => core.workflows.cancel("some-run"),
  "workflows.approve": () => core.workflows.approve("some-run"),
  "workflows.reject": () => core.workflows.reject("some-run"),
  "workflows.show": () => core.workflows.show("some-run"),
  "workflows.list": () => core.workflows.list(),
});

const opened: readonly (readonly [string, () => Promise<AgentCore>])[] = [
  ["createAgentCore", () => createAgentCore({ stateDir: scratch.stateDir, claims: "own" })],
  ["createTestAgentCore", () => createTestAgentCore({ workers: { shell: () => {} } })],
];

it.each(opened)(
  "after close(), each call to what %s returned rejects with AC_DRAINING",
  async (_name, open) => {
    const core = await open();
    const later = { notBefore: Date.now() + 3_600_000 };
    const task = { worker: "shell", workspace: scratch.workspace, instructions: "true" };
    const job = await core.submit({ task, ...later });
    await core.close();
    const codes: Record<string, unknown> = {};
    for (const [name, call] of Object.entries(calls(core, job)))
      codes[name] = await call().then(
        () => "resolved",
        (error: unknown) => (isAgentCoreError(error) ? error.code : String(error)),
      );
    expect(codes).toEqual(Object.fromEntries(Object.keys(codes).map((name) => [name, "AC_DRAINING"])));
    await expect(core.close()).resolves.toBeUndefined();
  },
);
