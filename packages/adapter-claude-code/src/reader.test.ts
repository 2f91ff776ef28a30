import { omitUndefined, type WorkerEvent } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { createClaudeReader } from "./reader.ts";

function reader(session?: string) {
  const common = { worker: "claude-code", workspace: "/workspace", instructions: "x", capabilities: [] };
  const task = session === undefined ? common : { ...common, session };
  return createClaudeReader({ task, model: "asked-for" });
}

/** Feeds objects as lines and returns all events. */
function read(lines: readonly unknown[], into = reader()): { events: WorkerEvent[]; into: typeof into } {
  const events = lines.flatMap((line) =>
    into.stdout(typeof line === "string" ? line : JSON.stringify(line), false),
  );
  return { events, into };
}

const init = { type: "system", subtype: "init", session_id: "s1", model: "claude-x" };

function retry(attempt: number, status: number | null, error: string) {
  const numbers = { attempt, max_retries: 10, retry_delay_ms: 1500, error_status: status };
  return { type: "system", subtype: "api_retry", error, ...numbers };
}

function toolUse(name: string, input: unknown, id = "t1") {
  return {
    type: "assistant",
    message: { id: `m-${id}`, content: [{ type: "tool_use", id, name, input }] },
  };
}

function toolResult(content: unknown, isError: boolean, extra: unknown = {}, id = "t1") {
  const part = { type: "tool_result", tool_use_id: id, content, is_error: isError };
  return { type: "user", message: { content: [part] }, tool_use_result: extra };
}

describe("tool calls", () => {
  it.each([
    ["a command that succeeds", false, "ok", 0],
    ["a command that fails", true, "Exit code 127\nnot found", 127],
    ["a command that was interrupted", true, "The user doesn't want to proceed", null],
  ])("gives the exit code of %s", (_, isError, content, exitCode) => {
    const { events } = read([toolUse("Bash", { command: "npm test" }), toolResult(content, isError)]);
    expect(events).toEqual([
      { type: "tool_call", id: "t1", tool: "Bash", summary: "npm test", command: "npm test" },
      { type: "tool_result", id: "t1", ok: !isError, exitCode, summary: expect.any(String) },
    ]);
  });

  it.each([
    ["Write", { type: "create" }, "create"],
    ["Write", { type: "update" }, "modify"],
    ["Edit", {}, "modify"],
  ])("reports a file changed by %s", (tool, extra, change) => {
    const { events } = read([
      toolUse(tool, { file_path: "/workspace/a.txt" }),
      toolResult("done", false, extra),
    ]);
    expect(events.at(-1)).toEqual({ type: "file_change", path: "/workspace/a.txt", change });
  });

  it("reports no file changed by a failed edit, nor by reading", () => {
    const failed = read([toolUse("Edit", { file_path: "/workspace/a" }), toolResult("no match", true)]);
    const seen = read([toolUse("Read", { file_path: "/workspace/a" }), toolResult("text", false)]);
    for (const { events } of [failed, seen])
      expect(events.map((event) => event.type)).not.toContain("file_change");
  });

  it("reads results that come in parts", () => {
    const { events } = read([
      toolUse("Task", { prompt: "x" }),
      toolResult([{ type: "text", text: "one" }, { type: "image" }, { type: "text", text: "two" }], false),
    ]);
    expect(events.at(-1)).toMatchObject({ summary: "one two" });
  });

  it.each([
    [
      "Bash",
      "<tool_use_error>Error: No such tool available: Bash. Bash is disabled for this session",
      ["Bash"],
    ],
    ["bash", "<tool_use_error>Error: No such tool available: bash</tool_use_error>", ["bash"]],
    ["Frobnicate", "<tool_use_error>Error: No such tool available: Frobnicate</tool_use_error>", []],
    ["Bash", "Exit code 1\nNo such file", []],
  ])("counts a call of %s answered %j as refusing %j", (tool, text, denied) => {
    const { events, into } = read([toolUse(tool, {}), toolResult(text, true)]);
    expect(into.end().deniedTools).toEqual(denied);
    expect(events.filter((event) => event.type === "denied")).toHaveLength(denied.length);
  });
});

describe("waiting for the provider", () => {
  it("is progress, in words", () => {
    expect(read([retry(1, 529, "overloaded")]).events).toEqual([
      { type: "progress", text: "provider: 529 overloaded; retry 1 of 10 in 1.5 s" },
    ]);
  });

  it.each([
    ["a refused credential, at the third try", [retry(3, 401, "authentication_failed")], "auth"],
    ["a refused credential, at first", [retry(2, 401, "authentication_failed")], null],
    ["an overloaded provider", [retry(9, 529, "overloaded")], null],
    ["a connection that fails", [retry(9, null, "unknown")], null],
  ])("is hopeless for %s: %s", (_, lines, errorClass) => {
    const { into } = read([init, ...lines]);
    expect(into.fatal?.()?.class ?? null).toBe(errorClass);
  });

  it("is the error of a run that ended meanwhile, and not of one that went on", () => {
    const ended = read([init, retry(1, 500, "server_error")]).into;
    expect(ended.end().error).toMatchObject({ class: "provider_unavailable", status: 500 });
    const wentOn = read([init, retry(1, 500, "server_error"), toolUse("Bash", {})]).into;
    expect(wentOn.end().error).toBeNull();
  });
});

describe("the report", () => {
  it("has what is known so far of a run without a result", () => {
    const usage = {
      input_tokens: 5,
      cache_creation_input_tokens: 2,
      cache_read_input_tokens: 3,
      output_tokens: 1,
    };
    const message = { id: "m1", content: [{ type: "text", text: "Hello" }], usage };
    const { into } = read([init, { type: "assistant", message }, { type: "assistant", message }]);
    expect(into.end()).toEqual({
      terminal: "none",
      error: null,
      deniedTools: [],
      summary: "Hello",
      session: "s1",
      model: "claude-x",
      usage: { inputTokens: 7, cachedInputTokens: 3, outputTokens: 1 },
      costUsd: null,
      costBasis: "none",
      malformedLines: 0,
    });
  });

  it("has the tokens of the answers where the last line has none that can be used", () => {
    const message = { id: "m1", content: [], usage: { input_tokens: 5, output_tokens: 1 } };
    const result = { type: "result", is_error: false, usage: { input_tokens: -5 }, total_cost_usd: null };
    expect(read([init, { type: "assistant", message }, result]).into.end()).toMatchObject({
      usage: { inputTokens: 5, outputTokens: 1 },
      costUsd: null,
      costBasis: "none",
    });
  });

  it.each([
    ["what it spent since the last result", { m: { inputTokens: 9, costUSD: 0.25 } }, 0.25],
    ["nothing where it spent nothing since", {}, 0],
    ["no cost where it says only that of the whole session", undefined, null],
  ])("of a resumed session has %s", (_what, since, costUsd) => {
    const result = {
      type: "result",
      is_error: false,
      total_cost_usd: 5.25,
      usage: { input_tokens: 9, output_tokens: 0 },
      ...omitUndefined({ model_usage_since_last_result: since }),
    };
    const { into } = read([init, result], reader("s1"));
    expect(into.end()).toMatchObject({ costUsd, usage: { inputTokens: 9 } });
  });

  it("counts lines that are no JSON objects", () => {
    const { events, into } = read(["not json", "[1]", "", "  "]);
    expect(events).toEqual([
      { type: "raw", text: "not json" },
      { type: "raw", text: "[1]" },
    ]);
    expect(into.end().malformedLines).toBe(2);
  });

  it("takes a result without is_error for a failure", () => {
    expect(read([{ type: "result", subtype: "success" }]).into.end()).toMatchObject({
      terminal: "error",
      error: { class: "worker_protocol" },
    });
  });

  it("says that a flag was refused", () => {
    const into = reader();
    into.stderr("error: unknown option '--bogus'", false);
    expect(into.end().error).toMatchObject({ class: "invalid_request", message: /bogus/ });
  });
});

describe("pieces of an answer", () => {
  const piece = '{"type":"stream_event","event":{"type":"content_block_delta","index":0}}';

  it("are a sign of life, one in eight", () => {
    expect(read(Array.from({ length: 17 }, () => piece)).events).toHaveLength(3);
  });

  it("end the waiting", () => {
    const { into } = read([retry(1, 500, "server_error"), piece]);
    expect(into.end().error).toBeNull();
  });
});

it("keeps nothing without bound", () => {
  const { into } = read(
    Array.from({ length: 5000 }, (_, n) => toolUse(`Tool${n}`, { file_path: "/workspace/x" }, `t${n}`)),
  );
  // The oldest calls are forgotten: their results name no file any more.
  expect(into.stdout(JSON.stringify(toolResult("ok", false, {}, "t0")), false)).toHaveLength(1);
  for (let n = 0; n < 500; n += 1) {
    into.stdout(JSON.stringify({ type: "system", subtype: "permission_denied", tool_name: `T${n}` }), false);
  }
  expect(into.end().deniedTools).toHaveLength(100);
});

describe("the tokens of a run that has no last line", () => {
  const usage = (input: number, output: number) => ({ input_tokens: input, output_tokens: output });
  const streamed = (id: string, input: number, output: number, agent: string | null = null) => {
    const event = (body: object) => ({ type: "stream_event", event: body, parent_tool_use_id: agent });
    const message = { id, usage: usage(input, 1), content: [] };
    return [
      event({ type: "message_start", message }),
      { type: "assistant", message, parent_tool_use_id: agent },
      event({ type: "message_delta", usage: { output_tokens: output } }),
    ];
  };

  it("are those that each answer says at its end, not those that it began with", () => {
    const { events, into } = read([init, ...streamed("m1", 1000, 500), ...streamed("m2", 2000, 700)]);
    const totals = events.filter(({ type }) => type === "usage");
    expect(totals).toMatchObject([
      { usage: { inputTokens: 1000, outputTokens: 500 } },
      { usage: { inputTokens: 3000, outputTokens: 1200 } },
    ]);
    expect(into.end()).toMatchObject({ terminal: "none", usage: { inputTokens: 3000, outputTokens: 1200 } });
  });

  it("are told apart where two agents answer at the same time", () => {
    const [one, other] = [streamed("m1", 100, 50, "a"), streamed("m2", 200, 70, "b")];
    const { into } = read([init, one[0], other[0], one[1], other[1], one[2], other[2]]);
    expect(into.end().usage).toMatchObject({ inputTokens: 300, outputTokens: 120 });
  });

  it("hold the input of an answer that never ended, and no end that belongs to none", () => {
    const lines = [...streamed("m1", 100, 50), streamed("m2", 200, 70)[0], streamed("m3", 1, 9, "other")[2]];
    expect(read([init, ...lines]).into.end().usage).toMatchObject({ inputTokens: 300, outputTokens: 51 });
  });
});

describe("a run that ended while a request was tried again", () => {
  it.each([
    [null, "unknown", "network"],
    [null, "authentication_failed", "auth"],
    [529, "overloaded", "provider_unavailable"],
    [429, "rate_limit", "rate_limited"],
  ])("with status %s and reason %s is %s", (status, reason, errorClass) => {
    const { into } = read([init, retry(1, status, reason)]);
    expect(into.end()).toMatchObject({ terminal: "none", error: { class: errorClass } });
  });
});

it("says that the run has ended with its result, and not before", () => {
  const { events } = read([init, toolUse("Bash", { command: "npm test" }), toolResult("ok", false)]);
  expect(events).not.toContainEqual({ type: "ended" });
  expect(read([init, { type: "result", subtype: "success", is_error: false }]).events.at(-1)).toEqual({
    type: "ended",
  });
});
