import { isAgentCoreError, type ErrorCode } from "@agentcore/contract";
import shellAdapter from "@agentcore/adapter-shell";
import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAgentCore, run, type AgentCore } from "../index.ts";
import { makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import { createTestAgentCore } from "./testing.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

/** What a program without types may pass. */
const untyped = (value: unknown): never => value as never;

/** The error of a call that opens nothing; null if it succeeds. */
async function refusalOf(call: () => Promise<unknown>) {
  const error: unknown = await call().then(
    () => null,
    (reason: unknown) => reason,
  );
  return isAgentCoreError(error) ? { code: error.code, message: error.message } : error;
}

function refusal(code: ErrorCode, text: string | RegExp): unknown {
  const message: unknown =
    typeof text === "string" ? expect.stringContaining(text) : expect.stringMatching(text);
  return { code, message };
}

const option = "AC_OPTION_INVALID";
const adapter = "AC_ADAPTER_INVALID";
const renamed = { ...shellAdapter, name: "mine" };
type Row = readonly [options: unknown, code: ErrorCode, message: string | RegExp];

const both: readonly Row[] = [
  [undefined, option, "(): the options object is required"],
  [null, option, "(): the options object must be a mapping of names to values, not empty"],
  [{ statedir: "x" }, option, 'statedir: unknown option; did you mean "stateDir"?'],
  [{ stateDir: 5 }, option, "stateDir: must be a text, not 5"],
  [{ log: 5 }, option, "log: must be an object with the functions debug, info, warn and error"],
  [{ log: {} }, option, "log: must be an object with the functions"],
  [{ config: 5 }, "AC_CONFIG_INVALID", "config must be a mapping of names to values, not 5"],
  [{ adapters: {} }, option, "adapters: must be a list, not a mapping"],
  [{ adapters: [{}] }, adapter, "adapters[0] cannot be used: contractVersion: must be 1"],
  [{ adapters: [null] }, adapter, "adapters[0] cannot be used: must be an object, got null"],
  [{ adapters: [{ name: "x" }] }, adapter, 'adapters[0] ("x") cannot be used: contractVersion: must be 1'],
  [
    { adapters: [{ ...shellAdapter, title: undefined }] },
    adapter,
    'adapters[0] ("shell") cannot be used: title: is missing; it must be a string',
  ],
  [
    { adapters: [renamed, renamed] },
    adapter,
    'adapters[1] ("mine") cannot be used: adapters[0] has the same name',
  ],
  [
    { adapters: [shellAdapter] },
    adapter,
    'adapters[0] ("shell") cannot be used: a built-in worker has this name; give it another one, or set replaceBuiltIn: true',
  ],
  [{ adapters: [renamed], replaceBuiltIn: 1 }, option, "replaceBuiltIn: must be true or false, not 1"],
];

describe("createAgentCore() refuses", () => {
  it.each<Row>([
    ...both,
    [{ claims: "mine" }, option, 'claims: "mine" is not one of any, own'],
    [{ env: { PATH: 5 } }, option, "env: must be an object whose values are texts"],
  ])("%j", async (options, code, message) => {
    const { stateDir } = scratch;
    const given = typeof options === "object" && options !== null ? { stateDir, ...options } : options;
    expect(await refusalOf(() => createAgentCore(untyped(given)))).toEqual(refusal(code, message));
    expect(existsSync(scratch.stateDir)).toBe(false);
  });
});

describe("run() refuses", () => {
  it.each<Row>([
    ...both,
    [{ timeout: 5 }, option, "timeout: unknown option; it is called timeoutMs here"],
    [{ limits: {} }, option, "limits: unknown option; write its fields as options of their own"],
    [{ timeoutMs: "5m" }, option, /timeoutMs: must be .*number, not the text "5m"/],
    [{ timeoutMs: 1e12 }, option, "timeoutMs: must be at most 7d"],
    [{ timeoutMs: 0 }, option, /timeoutMs: must be greater than 0$/],
    [{ silenceTimeoutMs: -5 }, option, /silenceTimeoutMs: must be greater than 0$/],
    [{ timeoutMs: Number.NaN }, option, "timeoutMs: must be a number, not NaN"],
    [{ maxCostUsd: 0 }, option, "maxCostUsd: is 0; write more than 0"],
    [{ maxTokens: 1.5 }, option, "maxTokens: must be a whole number, not 1.5"],
    [{ maxAttempts: 0 }, option, "maxAttempts: is 0; write at least 1"],
    [{ maxCostUsd: Infinity }, option, "maxCostUsd: must be a number, not Infinity"],
    [{ onEvent: "x" }, option, "onEvent: must be a function"],
    [{ signal: 3 }, option, "signal: must be an AbortSignal"],
    [
      { capabilities: "edit" },
      option,
      /^run\(\): capabilities: must be a list, not the text "edit"; write \["edit"\]$/,
    ],
    [{ outputs: "a" }, option, "outputs: must be a list"],
    [{ wait: "no" }, option, "wait: must be true or false"],
    [{ instructions: 5, workspace: 6 }, option, /instructions: must be a text.*|workspace: must be a text/],
    [{ claims: "own" }, option, "claims: unknown option"],
  ])("%j", async (options, code, message) => {
    const { stateDir, workspace } = scratch;
    const valid = { worker: "shell", instructions: "true", stateDir, workspace };
    const given = typeof options === "object" && options !== null ? { ...valid, ...options } : options;
    expect(await refusalOf(() => run(untyped(given)))).toEqual(refusal(code, message));
    expect(existsSync(scratch.stateDir)).toBe(false);
  });
});

describe("createTestAgentCore() refuses", () => {
  it.each<readonly [options: unknown, message: string]>([
    [undefined, "the options object is required"],
    [{}, "workers: is required"],
    [{ workers: { a: 5 } }, "workers.a: must be a function"],
    [{ workers: {}, adapters: [] }, "adapters: unknown option"],
  ])("%j", async (options, message) => {
    expect(await refusalOf(() => createTestAgentCore(untyped(options)))).toEqual(refusal(option, message));
  });
});

it("every other function with options refuses what it does not know", async () => {
  const core: AgentCore = await createTestAgentCore({ workers: {} });
  const { workflows } = core;
  const wrong = untyped({ stpe: "a", sginal: 1, finishRuning: true, before: 5 });
  expect(await refusalOf(() => core.close(wrong))).toEqual(
    refusal(option, 'finishRuning: unknown option; did you mean "finish'),
  );
  expect(await refusalOf(() => workflows.run("x", wrong))).toEqual(
    refusal(option, /workspace: is required.*"signal"/),
  );
  expect(await refusalOf(() => workflows.resume("x", wrong))).toEqual(
    refusal(option, 'sginal: unknown option; did you mean "sig'),
  );
  expect(await refusalOf(() => workflows.retry("x", wrong))).toEqual(refusal(option, "workflows.retry(): "));
  expect(await refusalOf(() => workflows.approve("x", wrong))).toEqual(
    refusal(option, 'stpe: unknown option; did you mean "step"'),
  );
  expect(await refusalOf(() => workflows.reject("x", wrong))).toEqual(refusal(option, "an answer: "));
  expect(await refusalOf(() => workflows.list(wrong))).toEqual(
    refusal(option, "before: must be a text, not 5"),
  );
  const submit = (job: unknown) => core.submit(untyped(job));
  expect(await refusalOf(() => submit(undefined))).toEqual(refusal("AC_JOB_INVALID", "the job is required"));
  expect(await refusalOf(() => submit({ job: {} }))).toEqual(refusal("AC_JOB_INVALID", "job: unknown field"));
  const task = { worker: "a", workspace: scratch.workspace, instructions: "x" };
  const flat = { task, timeoutMs: 5, maxAttempts: 2, tenant: "t", worker: "a" };
  const said = [
    "timeoutMs: unknown field; write it in limits: { timeoutMs: … }",
    "maxAttempts: unknown field; write it in limits: { maxAttempts: … }",
    "tenant: unknown field; write it in context: { tenant: … }",
    "worker: unknown field; write it in task: { worker: … }",
  ];
  for (const words of said)
    expect(await refusalOf(() => submit(flat))).toEqual(refusal("AC_JOB_INVALID", words));
  const zero = { task, limits: { timeoutMs: 0 } };
  expect(await refusalOf(() => submit(zero))).toEqual(
    refusal("AC_JOB_INVALID", /^limits\.timeoutMs: must be greater than 0$/),
  );
  await core.close();
});

it("an end by request refuses what it does not know, and ends nothing then", async () => {
  const core = await createTestAgentCore({ workers: { waits: ({ signal }) => untilAborted(signal) } });
  const job = await core.submit({
    task: { worker: "waits", workspace: scratch.workspace, instructions: "x" },
  });
  const wrong = refusal(option, "cancel(): resaon: unknown option; there are reason, force");
  expect(await refusalOf(() => job.cancel(untyped({ resaon: "x" })))).toEqual(wrong);
  expect(await refusalOf(() => core.scheduler.cancel(job.id, untyped({ resaon: "x" })))).toEqual(wrong);
  for (const [given, words] of [
    ["enough", 'cancel(): the options object must be a mapping of names to values, not the text "enough"'],
    [{ reason: 5 }, "cancel(): reason: must be a text, not 5"],
    [{ force: "yes" }, 'cancel(): force: must be true or false, not the text "yes"'],
  ] as const)
    expect(await refusalOf(() => job.cancel(untyped(given)))).toEqual(refusal(option, words));
  expect(await refusalOf(() => core.scheduler.close(untyped({ finishRuning: true })))).toEqual(
    refusal(option, "close(): finishRuning: unknown option; there are finishRunning, storeWaitMs"),
  );
  expect((await core.scheduler.why(job.id)).record.state.kind).not.toBe("cancelled");
  expect(await job.cancel({ reason: "enough" })).toMatch(/requested|cancelled/);
  expect(await job.result()).toMatchObject({ state: "cancelled", reason: { message: "enough" } });
  await core.close();
});

it("an adapter replaces a built-in worker if it is asked for", async () => {
  const { stateDir, workspace } = scratch;
  const own = { adapters: [shellAdapter], replaceBuiltIn: true };
  const end = await run({ worker: "shell", workspace, instructions: "true", stateDir, ...own });
  expect(end).toMatchObject({ outcome: "succeeded" });
});

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
