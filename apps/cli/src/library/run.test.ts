import shellAdapter from "@agentcore/adapter-shell";
import { errorCodes, isAgentCoreError, type RunEvent } from "@agentcore/contract";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createAgentCore, run, type JobInput, type RunOptions, type WorkerAdapter } from "../index.ts";
import { agentcore, makeScratch, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

const hostEnv = { PATH: process.env["PATH"] };
const shell = (instructions: string, more: Partial<RunOptions> = {}): RunOptions => ({
  worker: "shell",
  workspace: scratch.workspace,
  instructions,
  stateDir: scratch.stateDir,
  hostEnv,
  ...more,
});

it("run() resolves with the result of one task, tells its events, and leaves nothing open", async () => {
  const events: RunEvent["type"][] = [];
  const parts: number[] = [];
  const end = await run(
    shell("echo hi > hi.txt", {
      onEvent: (event) => {
        events.push(event.type);
        if (event.type === "attempt_ended") parts.push(event.result.durationMs);
      },
    }),
  );
  expect(end).toMatchObject({
    ok: true,
    outcome: "succeeded",
    attempts: 1,
    containment: { survivors: 0 },
  });
  const durations = [end.durationMs, end.containment?.emptyAfterMs, ...parts];
  expect({ durations, whole: durations.filter(Number.isInteger) }).toEqual({ durations, whole: durations });
  expect(durations).toHaveLength(3);
  expect(readFileSync(join(scratch.workspace, "hi.txt"), "utf8")).toBe("hi\n");
  expect(events[0]).toBe("job_submitted");
  expect(events).toContain("attempt_ended");
  expect(events.at(-1)).toBe("job_ended");
  expect(findSurvivors([scratch.root])).toEqual([]);
  const { stdout } = await agentcore(scratch, ["jobs", "show", end.jobId, "--state-dir", scratch.stateDir]);
  expect(stdout).toContain("succeeded");
});

it("a run that fails or is refused resolves as well, and says how", async () => {
  const failed = await run(
    shell("exit 7", {
      onEvent: () => {
        throw new Error("a listener that throws");
      },
    }),
  );
  expect(failed).toMatchObject({ ok: false, outcome: "failed", code: "AC_WORKER_EXIT", refused: false });
  const config = { limits: { global: { cost_usd: { total: 1 } } }, degrade: { when_budget_is_short: false } };
  const refused = await run(shell("touch no", { maxCostUsd: 5, config }));
  expect(refused).toMatchObject({ ok: false, code: "AC_BUDGET_COST", refused: true, attempts: 0 });
  expect(refused).toHaveProperty("cure", expect.stringContaining("with `maxCostUsd`"));
  expect(existsSync(join(scratch.workspace, "no"))).toBe(false);
});

it("an aborted signal cancels the run, before and after its start, and it still ends with a result", async () => {
  const controller = new AbortController();
  const end = await run(
    shell("sleep 300", {
      signal: controller.signal,
      onEvent: ({ type }) => type === "attempt_started" && controller.abort(),
    }),
  );
  expect(end).toMatchObject({ ok: false, outcome: "cancelled", errorClass: "cancelled" });
  const before = await run(shell("touch never", { signal: AbortSignal.abort() }));
  expect(before).toMatchObject({ ok: false, outcome: "cancelled" });
  expect(existsSync(join(scratch.workspace, "never"))).toBe(false);
  expect(findSurvivors([scratch.root])).toEqual([]);
});

it("an event of an adapter that is not one of the contract fails the run, and names event and field", async () => {
  const adapter: WorkerAdapter = {
    ...shellAdapter,
    name: "careless",
    createReader: (context) => ({
      ...shellAdapter.createReader(context),
      stdout: () => [{ type: "file_change", file: "a", change: "create" } as never],
    }),
  };
  const end = await run(shell("echo hi", { worker: "careless", adapters: [adapter] }));
  expect(end).toMatchObject({ ok: false, code: "AC_ADAPTER_INVALID", errorClass: "worker_protocol" });
  expect(end.summary).toContain('event "file_change": field "path" is missing');
});

it("the wait that a provider asked for is in whole ms, and never shorter", async () => {
  const adapter: WorkerAdapter = {
    ...shellAdapter,
    name: "limited",
    createReader: (context) => {
      const reader = shellAdapter.createReader(context);
      const error = {
        class: "rate_limited",
        message: "slow down",
        status: 429,
        retryAfterMs: 1200.25,
      } as const;
      return { ...reader, end: () => ({ ...reader.end(), error }) };
    },
  };
  const waits: unknown[] = [];
  const onEvent = (event: RunEvent): void => {
    if (event.type === "attempt_ended") waits.push(event.result.retryAfterMs);
  };
  const end = await run(shell("true", { worker: "limited", adapters: [adapter], onEvent }));
  expect(end).toMatchObject({ ok: false, errorClass: "rate_limited" });
  expect(waits).toEqual([1201]);
});

it("a worker whose program is missing is an end that says so, and no rejection", async () => {
  const adapter = {
    ...shellAdapter,
    name: "absent",
    program: { ...shellAdapter.program, command: "no-such-agent" },
  };
  const end = await run(shell("true", { worker: "absent", adapters: [adapter] }));
  expect(end).toMatchObject({ ok: false, outcome: "failed", code: "AC_WORKER_MISSING", attempts: 1 });
  expect(end).toHaveProperty("cure", expect.stringContaining("`workers.NAME.program` of `config`"));
});

it("a rejection that nobody catches shows the cure", async () => {
  const file = join(scratch.root, "program.mjs");
  const library = JSON.stringify(new URL("../index.ts", import.meta.url).href);
  const task = { worker: "shell", workspace: join(scratch.root, "nope"), instructions: "true" };
  writeFileSync(file, `import { run } from ${library}; await run(${JSON.stringify(task)});`);
  const program = [process.execPath, "--conditions=@agentcore/source", file];
  const { code, stderr } = await agentcore(scratch, [], { program });
  expect(code).toBe(1);
  expect(stderr).toContain("nope does not exist");
  expect(stderr).toContain(`cure: '${errorCodes.AC_WORKSPACE_MISSING.cure}'`);
});

const wrong = (more: object): RunOptions => ({ ...shell("true"), ...more });

it.each<[string, (workspace: string) => RunOptions, string, RegExp]>([
  [
    "a missing workspace",
    (at) => wrong({ workspace: join(at, "nope") }),
    "AC_WORKSPACE_MISSING",
    /nope does not exist/,
  ],
  [
    "an unknown worker",
    () => wrong({ worker: "shel" }),
    "AC_WORKER_UNKNOWN",
    /no worker "shel".*did you mean "?shell/,
  ],
  [
    "wrong fields, all of them at once",
    () => wrong({ instructions: 5, timeoutMs: "5m", capabilities: ["fly"] }),
    "AC_OPTION_INVALID",
    /instructions: must be a text, not 5.*capabilities\[0\]: "fly" is not one of.*timeoutMs: must be .*number, not the text "5m"/s,
  ],
  [
    "a wrong configuration",
    () => wrong({ config: { limits: { global: { concurrency: "many", week: 1 } } } }),
    "AC_CONFIG_INVALID",
    /limits\.global\.concurrency: must be .*number, not the text "many".*limits\.global\.week: unknown setting/s,
  ],
])("%s rejects with the field, the value and the cure", async (_name, make, code, message) => {
  const error: unknown = await run(make(scratch.workspace)).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!isAgentCoreError(error)) throw new Error(`not an AgentCoreError: ${String(error)}`);
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
  expect(error.message).not.toContain("Invalid input");
});

it("opens nothing for a signal that is none", async () => {
  await expect(run(shell("touch ran", { signal: 3 as unknown as AbortSignal }))).rejects.toMatchObject({
    code: "AC_OPTION_INVALID",
  });
  expect(existsSync(scratch.stateDir)).toBe(false);
});

it("submit refuses what run() refuses, and one directory has one name", async () => {
  const core = await createAgentCore({ stateDir: scratch.stateDir, env: hostEnv });
  try {
    const job = (workspace: string): JobInput => ({
      task: { worker: "shell", workspace, instructions: "pwd" },
    });
    await expect(core.submit(job(join(scratch.root, "nope")))).rejects.toMatchObject({
      code: "AC_WORKSPACE_MISSING",
    });
    const link = join(scratch.root, "link");
    symlinkSync(scratch.workspace, link);
    const handle = await core.submit(job(link));
    await handle.result();
    const { record } = await core.scheduler.why(handle.id);
    expect(record.job.task.workspace).toBe(scratch.workspace);
  } finally {
    await core.close();
  }
});
