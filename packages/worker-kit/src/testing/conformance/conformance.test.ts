import type { OutputReader, PlanContext, WorkerAdapter, WorkerPlan } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { scriptedAdapter } from "../scripted-adapter.ts";
import type { AdapterConformanceOptions } from "./options.ts";
import {
  adapterConformanceChecks,
  formatConformanceReport,
  runAdapterConformance,
} from "./run-conformance.ts";

const options: AdapterConformanceOptions = {
  adapter: scriptedAdapter,
  beginning: ['{"type":"started","session":"s","model":"m"}'],
  success: {
    stdout: [
      '{"type":"started","session":"s","model":"m"}',
      '{"type":"tool_call","id":"1","tool":"sh","summary":"ls","command":"ls"}',
      '{"type":"tool_result","id":"1","ok":true,"exitCode":0,"summary":""}',
      '{"type":"usage","usage":{"inputTokens":10,"cachedInputTokens":0,"outputTokens":5},"costUsd":0.1}',
      '{"type":"result","ok":true,"summary":"done","costUsd":0.1}',
    ],
  },
  failures: [
    {
      name: "rate limited",
      errorClass: "rate_limited",
      stdout: [
        '{"type":"result","ok":false,"class":"rate_limited","status":429,"retryAfterMs":5,"summary":"wait"}',
      ],
    },
    { name: "failed", errorClass: "task_failed", stdout: ['{"type":"result","ok":false,"summary":"no"}'] },
  ],
};

describe("an adapter that conforms", () => {
  it.each(adapterConformanceChecks(options).map((check) => [check.name, check.run] as const))(
    "%s",
    async (_name, run) => {
      await expect(run()).resolves.toBeUndefined();
    },
  );
});

/** Adapters that each break one rule, with part of the name of the check that must catch it, and of what it says. */
const broken: readonly [what: string, check: string, message: string, adapter: Partial<WorkerAdapter>][] = [
  ["lacks a name", "has the shape", "name: must be lower case", { name: "" }],
  [
    "plans by chance",
    "same plan",
    "two plans of one task differ",
    planning(() => ({ args: [String(Math.random())] })),
  ],
  [
    "changes its task",
    "same plan",
    "read only",
    {
      plan(task, context) {
        (task as { instructions: string }).instructions = "other";
        return scriptedAdapter.plan(task, context);
      },
    },
  ],
  [
    "puts a key on the command line",
    "no credential",
    "pass it in `env`",
    {
      program: { ...scriptedAdapter.program, credentialEnv: ["KEY"] },
      ...planning((env) => ({ args: [`--key=${env["KEY"]}`] })),
    },
  ],
  [
    "plans a forbidden variable",
    "may have",
    "may not set SSH_AUTH_SOCK",
    planning(() => ({ env: { SSH_AUTH_SOCK: "x" } })),
  ],
  [
    "throws on odd input",
    "never throws",
    "JSON",
    reading((reader) => withStdout(reader, (line) => void JSON.parse(line))),
  ],
  [
    "invents events",
    "never throws",
    'event 1 "text": field "extra" is not part of the contract; leave it out',
    reading((reader) => ({ ...reader, stdout: (text) => [{ type: "text", text, extra: 1 } as never] })),
  ],
  [
    "gives a field of another type",
    "understands its own success",
    'event 1 "text": field "text" must be a string, got number',
    reading((reader) => ({ ...reader, stdout: () => [{ type: "text", text: 5 } as never] })),
  ],
  [
    "forgets a field",
    "understands its own success",
    'event 1 "tool_call": field "tool" is missing; it must be a string',
    reading((reader) => ({
      ...reader,
      stdout: () => [{ type: "tool_call", id: "1", summary: "" } as never],
    })),
  ],
  [
    "writes a value that does not exist",
    "understands its own success",
    'event 1 "file_change": field "change" must be one of create, modify, delete, got "rename"',
    reading((reader) => ({
      ...reader,
      stdout: () => [{ type: "file_change", path: "a", change: "rename" } as never],
    })),
  ],
  [
    "gives an event of a type that does not exist",
    "understands its own success",
    'event 1 must be an object whose "type" is one of started, text,',
    reading((reader) => ({ ...reader, stdout: () => [{ type: "txt", text: "a" } as never] })),
  ],
  [
    "names a field otherwise in an event that only a failure has",
    "of each failure",
    'failed: event 1 "file_change": field "path" is missing; it must be a string; field "file" is not part of',
    reading((reader) => ({
      ...reader,
      stdout: (text, oversized) =>
        text.includes('"summary":"no"')
          ? [{ type: "file_change", file: "a", change: "create" } as never]
          : reader.stdout(text, oversized),
    })),
  ],
  [
    "counts tokens as a text",
    "understands its own success",
    'report: field "usage.inputTokens" must be a number, got string',
    reading((reader) =>
      withEnd(reader, { usage: { inputTokens: "5", cachedInputTokens: null, outputTokens: null } }),
    ),
  ],
  [
    "believes exit code 0",
    "without a result",
    "it succeeded",
    reading((reader) => withEnd(reader, { terminal: "success" })),
  ],
  [
    "believes everything",
    "told apart: rate limited",
    "its class is worker_crashed",
    reading((reader) => withEnd(reader, { terminal: "success", error: null })),
  ],
  [
    "passes a secret of the caller on",
    "leaks",
    "the worker got KEY",
    planning((env) => ({ env: { KEY: env["AWS_SECRET_ACCESS_KEY"] ?? "" } })),
  ],
  [
    "keeps its credential although it uses the spend gate",
    "with the spend gate",
    "KEY: the plan has a credential of the caller beside the gate's key",
    gated(({ hostEnv, spendGate }) => ({
      KEY: hostEnv["KEY"] ?? "",
      GATE: `${spendGate?.url} ${spendGate?.key}`,
    })),
  ],
  [
    "does not use the gate that it asked for",
    "with the spend gate",
    "KEY: no variable of the plan has the key of the gate",
    gated(() => ({})),
  ],
  [
    "goes to its provider directly",
    "with the spend gate",
    "KEY: the address of the gate is not in the plan",
    gated(({ spendGate }) => ({ KEY: spendGate?.key ?? "" })),
  ],
  [
    "never uses the gate",
    "with the spend gate",
    "returns null for every credential variable",
    { spendGateUpstream: () => null },
  ],
];

function gated(env: (context: PlanContext) => Record<string, string>): Partial<WorkerAdapter> {
  return {
    program: { ...scriptedAdapter.program, credentialEnv: ["KEY"] },
    spendGateUpstream: (_task, { hostEnv }) => ({
      provider: "house",
      protocol: "openai-chat",
      baseUrl: "https://house.example",
      credential: { kind: "header", name: "x-api-key", value: hostEnv["KEY"] ?? "" },
    }),
    plan: (task, context) => ({ ...scriptedAdapter.plan(task, context), env: env(context) }),
  };
}

function planning(change: (env: PlanContext["hostEnv"]) => Partial<WorkerPlan>): Partial<WorkerAdapter> {
  return {
    plan: (task, context) => ({ ...scriptedAdapter.plan(task, context), ...change(context.hostEnv) }),
  };
}

function reading(change: (reader: OutputReader) => OutputReader): Partial<WorkerAdapter> {
  return { createReader: (context) => change(scriptedAdapter.createReader(context)) };
}

function withStdout(reader: OutputReader, look: (line: string) => void): OutputReader {
  return {
    ...reader,
    stdout(line, oversized) {
      look(line);
      return reader.stdout(line, oversized);
    },
  };
}

function withEnd(reader: OutputReader, members: object): OutputReader {
  return { ...reader, end: () => ({ ...reader.end(), ...members }) };
}

describe("the suite catches an adapter that", () => {
  it.each(broken)("%s", async (_what, name, message, members) => {
    const adapter = { ...scriptedAdapter, ...members };
    const checks = adapterConformanceChecks({ ...options, adapter, seed: 1 });
    await expect(checks.find((check) => check.name.includes(name))?.run()).rejects.toThrow(message);
  });
});

it("a report names what is not met, and the seed to repeat it with", async () => {
  const adapter = { ...scriptedAdapter, name: "Not A Name" };
  const report = await runAdapterConformance({ ...options, adapter, failures: [], seed: 7, fuzzRounds: 5 });
  expect(report).toMatchObject({ adapter: "Not A Name", seed: 7, passed: false });
  expect(report.checks.filter(({ failure }) => failure !== null)).toHaveLength(1);
  expect(formatConformanceReport(report)).toMatch(
    /^FAIL the adapter has the shape[\s\S]*name: must be lower case[\s\S]*, seed 7$/,
  );
});
