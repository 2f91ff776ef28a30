import type { WorkerEvent } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { createCodexReader } from "./reader.ts";

function read(lines: readonly unknown[], stderr: readonly string[] = []) {
  const task = { worker: "codex", workspace: "/workspace", instructions: "x", capabilities: [] };
  const reader = createCodexReader({ task, model: "gpt-x" });
  const events = lines.flatMap((line) => reader.stdout(JSON.stringify(line), false));
  const fromStderr = stderr.flatMap((line) => reader.stderr(line, false));
  return { events: [...events, ...fromStderr] as WorkerEvent[], reader };
}

const item = (type: string, rest: object) => ({ id: "i1", type, ...rest });
const started = (type: string, rest: object) => ({ type: "item.started", item: item(type, rest) });
const completed = (type: string, rest: object) => ({ type: "item.completed", item: item(type, rest) });
const usage = { input_tokens: 100, cached_input_tokens: 40, output_tokens: 7 };
const turnCompleted = { type: "turn.completed", usage };

describe("items", () => {
  const command = { command: "/bin/bash -lc 'npm test'" };

  it.each([
    [0, "completed", true],
    [1, "failed", false],
    [null, "declined", false],
  ])("a command that exits with %s is ok: %s %s", (exitCode, status, ok) => {
    const { events } = read([
      started("command_execution", { ...command, exit_code: null, status: "in_progress" }),
      completed("command_execution", { ...command, exit_code: exitCode, status, aggregated_output: "out\n" }),
    ]);
    expect(events.slice(0, 2)).toEqual([
      { type: "tool_call", id: "i1", tool: "shell", summary: "npm test", command: "npm test" },
      { type: "tool_result", id: "i1", ok, exitCode, summary: "out" },
    ]);
  });

  it("a declined command is a refused tool", () => {
    const { reader } = read([completed("command_execution", { ...command, status: "declined" })]);
    expect(reader.end().deniedTools).toEqual(["shell"]);
  });

  it("an item that only completes is a call and its result", () => {
    const { events } = read([completed("web_search", { query: "how" })]);
    expect(events.map((event) => event.type)).toEqual(["tool_call", "tool_result"]);
  });

  it.each([
    ["completed", ["create", "modify", "delete"]],
    ["failed", []],
  ])("a patch that %s changes files: %j", (status, expected) => {
    const changes = ["add", "update", "delete", "copy"].map((kind) => ({ path: `/workspace/${kind}`, kind }));
    const { events } = read([completed("file_change", { changes, status })]);
    expect(events.flatMap((event) => (event.type === "file_change" ? [event.change] : []))).toEqual(expected);
  });

  it.each([
    ["agent_message", { text: "Hello" }, { type: "text", text: "Hello" }],
    ["reasoning", { text: "Hm" }, { type: "progress", text: "Hm" }],
    [
      "error",
      { message: "Model metadata not found" },
      { type: "progress", text: "Model metadata not found" },
    ],
    [
      "todo_list",
      { items: [{ completed: true }, { completed: false }] },
      { type: "progress", text: "to-do list: 1 of 2 done" },
    ],
  ])("%s is words", (type, rest, event) => {
    expect(read([completed(type, rest)]).events).toEqual([event]);
  });

  it.each([
    ["mcp_tool_call", { server: "files", tool: "list", arguments: { a: 1 } }, "files.list"],
    ["collab_tool_call", { tool: "spawn_agent", prompt: "x" }, "spawn_agent"],
  ])("%s is a tool call", (type, rest, tool) => {
    expect(read([started(type, rest)]).events).toMatchObject([{ type: "tool_call", tool }]);
  });

  it("an unknown item is raw", () => {
    expect(read([completed("hologram", {})]).events).toMatchObject([{ type: "raw" }]);
  });
});

describe("the report", () => {
  it("counts cached input once, and claims no cost", () => {
    expect(read([{ type: "thread.started", thread_id: "th" }, turnCompleted]).reader.end()).toEqual({
      terminal: "success",
      error: null,
      deniedTools: [],
      summary: "",
      session: "th",
      model: "gpt-x",
      usage: { inputTokens: 60, cachedInputTokens: 40, outputTokens: 7 },
      costUsd: null,
      costBasis: "none",
      malformedLines: 0,
    });
  });

  it("has the last error of a run that ended without saying more", () => {
    const { reader } = read([{ type: "error", message: "Reconnecting... 1/2 (unexpected status 500 x)" }]);
    expect(reader.end()).toMatchObject({ terminal: "none", error: { class: "provider_unavailable" } });
  });

  it("forgets an error that was overcome", () => {
    const { reader } = read([
      { type: "error", message: "Reconnecting... 1/2 (unexpected status 500 x)" },
      completed("agent_message", { text: "on with it" }),
    ]);
    expect(reader.end().error).toBeNull();
  });

  it.each([
    ["error: unexpected argument '--bogus' found", "invalid_request"],
    ["Error: thread/resume failed: no rollout found for thread id 0", "invalid_request"],
    ["Error: something fell over", "worker_crashed"],
  ])("reads %j on stderr as %s", (line, errorClass) => {
    expect(read([], [line]).reader.end().error?.class).toBe(errorClass);
  });

  const broken = "WARNING: proceeding, even though we could not create PATH aliases: Refusing";
  const ran = completed("command_execution", { command: "true", exit_code: 0, status: "completed" });

  it.each([
    ["no command worked", [turnCompleted], "worker_crashed"],
    ["a command worked all the same", [ran, turnCompleted], null],
  ])("of a run whose sandbox complained, when %s", (_, lines, errorClass) => {
    expect(read(lines, [broken]).reader.end().error?.class ?? null).toBe(errorClass);
  });
});

describe("hopeless runs", () => {
  const again = (attempt: number, words: string) => ({
    type: "error",
    message: `Reconnecting... ${attempt}/5 (${words})`,
  });

  it.each([
    ["a wait of unknown length", again(1, "exceeded retry limit, last status: 429 Too Many Requests"), null],
    ["a long wait", again(1, "status: 429 Too Many Requests, try again in 20m"), "rate_limited"],
    ["an empty account", again(1, "unexpected status 402 Payment Required"), "quota_exhausted"],
    ["an unknown model", again(1, "unexpected status 404 Not Found"), "invalid_request"],
    ["a credential refused twice", again(2, "unexpected status 401 Unauthorized"), "auth"],
    ["a credential refused once", again(1, "unexpected status 401 Unauthorized"), null],
    ["a server error", again(5, "unexpected status 500 x"), null],
    ["a broken connection", again(5, "Connection failed: error sending request"), null],
    ["an error that is not retried", { type: "error", message: "unexpected status 402 x" }, null],
  ])("%s", (_, line, errorClass) => {
    expect(read([line]).reader.fatal?.()?.class ?? null).toBe(errorClass);
  });
});

it("waits a little for a provider that asks for it, until Codex says something", () => {
  const again = {
    type: "error",
    message: "Reconnecting... 1/5 (last status: 429 Too Many Requests, try again in 2s)",
  };
  const { reader } = read([again]);
  expect(reader.waiting?.()).toMatchObject({
    error: { class: "rate_limited", retryAfterMs: 2000 },
    forMs: 17_000,
  });
  expect(reader.waiting?.()).toBe(reader.waiting?.());
  reader.stdout('{"type":"item.started","item":{"id":"i","type":"agent_message"}}', false);
  expect([reader.waiting?.(), reader.fatal?.()]).toEqual([null, null]);
});

it("keeps nothing without bound", () => {
  const line = "x ERROR codex_core::tools::router: error=tool rejected";
  const declined = Array.from({ length: 300 }, (_, n) => ({
    type: "item.completed",
    item: { id: `i${n}`, type: "mcp_tool_call", server: "s", tool: `t${n}`, status: "declined" },
  }));
  expect(read(declined, [line]).reader.end().deniedTools).toHaveLength(100);
});

it.each([[turnCompleted], [{ type: "turn.failed", error: { message: "no" } }]])(
  "says that the run has ended with %o, and not before",
  (last) => {
    const before = [{ type: "turn.started" }, { type: "error", message: "Reconnecting... 1/5" }];
    expect(read(before).events).not.toContainEqual({ type: "ended" });
    expect(read([...before, last]).events.at(-1)).toEqual({ type: "ended" });
  },
);
