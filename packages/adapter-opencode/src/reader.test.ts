import type { WorkerEvent } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { createOpenCodeReader } from "./reader.ts";

function read(lines: readonly unknown[], stderr: readonly string[] = [], maxSteps?: number) {
  const common = { worker: "opencode", workspace: "/workspace", instructions: "x", capabilities: [] };
  const task = maxSteps === undefined ? common : { ...common, maxSteps };
  const reader = createOpenCodeReader({ task, model: "acme/big" });
  const events = lines.flatMap((line) => reader.stdout(JSON.stringify(line), false));
  const fromStderr = stderr.flatMap((line) => reader.stderr(line, false));
  return { events: [...events, ...fromStderr] as WorkerEvent[], reader };
}

const line = (type: string, part: object) => ({ type, sessionID: "ses_1", part });
const start = line("step_start", {});
const text = (words: string) => line("text", { text: words });
const finish = (reason: string, tokens: object = {}, cost = 0) =>
  line("step_finish", {
    reason,
    tokens: { input: 0, output: 0, cache: { read: 0, write: 0 }, ...tokens },
    cost,
  });
const tool = (name: string, state: object) => line("tool_use", { tool: name, callID: "c1", state });
const failure = (error: object) => ({ type: "error", sessionID: "ses_1", error });
const some = { input: 10, output: 2 };

describe("the steps that the task allows", () => {
  const working = [start, tool("bash", {}), finish("tool-calls", some)];
  const answering = [start, text("Done."), finish("stop", some)];

  it.each<[string, unknown[], number | undefined, string | null]>([
    ["goes on below them", [...working, ...working], 3, null],
    ["is given up after the last one", [...working, ...working], 2, "not done after 2 steps"],
    ["has succeeded with the last one", [...working, ...answering], 2, null],
    ["has no limit of its own", Array.from({ length: 99 }, () => working).flat(), undefined, null],
  ])("a run %s", (_what, lines, maxSteps, message) => {
    const { reader } = read(lines, [], maxSteps);
    if (message === null) expect(reader.fatal?.()).toBeNull();
    else {
      expect(reader.fatal?.()).toMatchObject({
        class: "task_failed",
        message: expect.stringContaining(message),
      });
      expect(reader.end()).toMatchObject({ terminal: "error", error: { class: "task_failed" } });
    }
  });
});

it("counts a cost that comes without tokens, and takes such an answer for one", () => {
  const odd = [start, finish("tool-calls", { input: -1, output: "2" }, 0.003)];
  const { events, reader } = read([...odd, ...odd, ...odd, ...odd, ...odd, ...odd]);
  expect(reader.fatal?.()).toBeNull();
  expect(events.at(-1)).toMatchObject({ type: "usage", costUsd: 0.018 });
  expect(reader.end()).toMatchObject({ costUsd: 0.018, costBasis: "reported" });
});

describe("tools", () => {
  it.each([
    [0, true],
    [3, false],
    [null, true],
  ])("a command with exit %s is ok: %s", (exit, ok) => {
    const { events } = read([
      tool("bash", {
        status: "completed",
        input: { command: "npm test" },
        output: "out",
        metadata: { exit },
      }),
    ]);
    expect(events.slice(1)).toEqual([
      { type: "tool_call", id: "c1", tool: "bash", summary: "npm test", command: "npm test" },
      { type: "tool_result", id: "c1", ok, exitCode: exit, summary: "out" },
    ]);
  });

  it.each([
    ["write", { filePath: "/workspace/a" }, { exists: false }, ["create /workspace/a"]],
    ["write", { filePath: "/workspace/a" }, { exists: true }, ["modify /workspace/a"]],
    ["edit", { filePath: "/workspace/a" }, {}, ["modify /workspace/a"]],
    ["read", { filePath: "/workspace/a" }, {}, []],
    [
      "apply_patch",
      {
        patchText:
          "*** Begin Patch\n*** Add File: a\n+x\n*** Update File: b\n*** Delete File: c\n*** End Patch",
      },
      {},
      ["create a", "modify b", "delete c"],
    ],
  ])("%s of %j with %j changes %j", (name, input, metadata, expected) => {
    const { events } = read([tool(name, { status: "completed", input, output: "", metadata })]);
    const changes = events.flatMap((event) =>
      event.type === "file_change" ? [`${event.change} ${event.path}`] : [],
    );
    expect(changes).toEqual(expected);
  });

  it.each([
    [
      "write",
      {
        status: "error",
        input: { filePath: "a" },
        error: "The user has specified a rule which prevents you",
      },
      "write",
    ],
    [
      "bash",
      { status: "error", input: { command: "x" }, error: "The user rejected permission to use this" },
      "bash",
    ],
    [
      "invalid",
      {
        status: "completed",
        input: { tool: "bash" },
        output: "Model tried to call unavailable tool 'bash'.",
      },
      "bash",
    ],
    [
      "invalid",
      {
        status: "completed",
        input: { tool: "hologram" },
        output: "Model tried to call unavailable tool 'hologram'.",
      },
      null,
    ],
    ["read", { status: "error", input: { filePath: "a" }, error: "File not found: a" }, null],
  ])("%s with %j is refused: %s", (name, state, denied) => {
    const { events, reader } = read([tool(name, state)]);
    expect(reader.end().deniedTools).toEqual(denied === null ? [] : [denied]);
    expect(events.filter((event) => event.type === "denied")).toHaveLength(denied === null ? 0 : 1);
    expect(events.find((event) => event.type === "tool_result")).toMatchObject({ ok: false });
  });

  it("reads a refusal on stderr through its colors", () => {
    const { reader } = read(
      [],
      ["\u001B[93m\u001B[1m! \u001B[0mpermission requested: bash (ls); auto-rejecting"],
    );
    expect(reader.end().deniedTools).toEqual(["bash"]);
  });
});

describe("the report", () => {
  it("sums the steps; output includes thinking, input what was written to the cache", () => {
    const { reader, events } = read([
      start,
      text("Hello"),
      finish("tool-calls", { input: 10, output: 2, reasoning: 3, cache: { read: 5, write: 1 } }, 0.1),
      start,
      text("Done."),
      finish("stop", { input: 20, output: 4, cache: { read: 6, write: 0 } }, 0.2),
    ]);
    expect(events.at(-2)).toEqual({
      type: "usage",
      usage: { inputTokens: 31, cachedInputTokens: 11, outputTokens: 9 },
      costUsd: 0.3,
    });
    expect(reader.end()).toEqual({
      terminal: "success",
      error: null,
      deniedTools: [],
      summary: "Done.",
      session: "ses_1",
      model: "acme/big",
      usage: { inputTokens: 31, cachedInputTokens: 11, outputTokens: 9 },
      costUsd: 0.3,
      costBasis: "reported",
      malformedLines: 0,
    });
  });

  it("takes a cost of 0 for an unknown price", () => {
    expect(read([start, text("x"), finish("stop", some, 0)]).reader.end()).toMatchObject({
      costUsd: null,
      costBasis: "none",
    });
  });

  it.each([
    ["stop", "success", null],
    ["tool-calls", "none", null],
    ["length", "error", "task_failed"],
    ["content-filter", "error", "task_failed"],
  ])("of a run whose last step ended with %s is %s, %s", (reason, terminal, errorClass) => {
    const report = read([start, text("x"), finish(reason, some)]).reader.end();
    expect([report.terminal, report.error?.class ?? null]).toEqual([terminal, errorClass]);
  });

  it.each([
    [{ name: "APIError", data: { message: "no", statusCode: 401 } }, "auth", null],
    [
      {
        name: "APIError",
        data: { message: "slow", statusCode: 429, responseHeaders: { "retry-after": "2" } },
      },
      "rate_limited",
      2000,
    ],
    [{ name: "APIError", data: { message: "Cannot connect to API", isRetryable: true } }, "network", null],
    [{ name: "UnknownError", data: { message: "The operation timed out." } }, "network", null],
    [
      { name: "UnknownError", data: { message: "JSON parsing failed: Text: <html>" } },
      "provider_unavailable",
      null,
    ],
    [{ name: "ProviderAuthError", data: { message: "x" } }, "auth", null],
    [{ name: "ProviderModelNotFoundError", data: {} }, "invalid_request", null],
    [{ name: "UnknownError", data: { message: "Unexpected server error." } }, "invalid_request", null],
    [{ name: "__proto__", data: { message: "x" } }, "worker_protocol", null],
    [{}, "worker_protocol", null],
  ])("of a run that ended with %j is %s", (error, errorClass, retryAfterMs) => {
    expect(read([failure(error)]).reader.end().error).toMatchObject({ class: errorClass, retryAfterMs });
  });

  it("blames OpenCode for a server error in the middle of a run", () => {
    const lines = [
      start,
      text("x"),
      finish("tool-calls", some),
      failure({ data: { message: "Unexpected server error." } }),
    ];
    expect(read(lines).reader.end().error?.class).toBe("worker_crashed");
  });

  it("forgets an error that a further step overcame", () => {
    const lines = [
      failure({ name: "APIError", data: { statusCode: 500 } }),
      start,
      text("x"),
      finish("stop", some),
    ];
    expect(read(lines).reader.end()).toMatchObject({ terminal: "success", error: null });
  });

  it.each([
    ["\u001B[91m\u001B[1mError: \u001B[0mSession not found", "invalid_request"],
    ["Error: Unknown argument: bogus", "invalid_request"],
    ["opencode run [message..]", "invalid_request"],
    ["Error: something fell over", "worker_crashed"],
  ])("reads %j on stderr as %s", (words, errorClass) => {
    expect(read([], [words]).reader.end().error?.class).toBe(errorClass);
  });
});

describe("answers that are none", () => {
  const empty = [start, finish("unknown")];
  const times = (count: number) => Array.from({ length: count }, () => empty).flat();

  it.each([
    [4, null],
    [5, "provider_unavailable"],
    [50, "provider_unavailable"],
  ])("%i of them in a row: %s", (count, errorClass) => {
    const { reader } = read(times(count));
    expect(reader.fatal?.()?.class ?? null).toBe(errorClass);
    expect(reader.end().error?.class).toBe("provider_unavailable");
  });

  it("give no events, so that they are no sign of life", () => {
    expect(read(times(50)).events).toEqual([{ type: "started", session: "ses_1", model: "acme/big" }]);
  });

  it("are forgotten once there is an answer", () => {
    const { reader } = read([
      ...times(4),
      start,
      text("x"),
      finish("tool-calls", some),
      ...times(4),
      start,
      text("y"),
      finish("stop", some),
    ]);
    expect(reader.fatal?.()).toBeNull();
    expect(reader.end()).toMatchObject({ terminal: "success", error: null });
  });
});

describe("requests that failed, as the log tells", () => {
  const log = (words: string) =>
    `timestamp=2026-11-24T11:29:11.591Z level=ERROR run=d2 message="stream error" small=false agent=build mode=primary error.error="AI_APICallError: ${words}"`;

  it.each([
    ["Internal server error", 2, null],
    ["Internal server error", 3, "provider_unavailable"],
    ["Cannot connect to API", 3, "network"],
    ["Rate limit exceeded", 2, null],
    ["Rate limit exceeded", 3, "rate_limited"],
    ["Rate limit exceeded, please try again in 30 minutes", 1, "rate_limited"],
    ["words that say nothing", 10, null],
  ])("%j %i times: %s", (words, count, errorClass) => {
    const { reader } = read(
      [],
      Array.from({ length: count }, () => log(words)),
    );
    expect(reader.fatal?.()?.class ?? null).toBe(errorClass);
    expect(reader.end().error?.class ?? null).toBe(errorClass);
  });

  it("of which a rate limit is waited for a little, until a step goes on", () => {
    const { reader } = read([], [log("Rate limit exceeded")]);
    expect(reader.waiting?.()).toMatchObject({ error: { class: "rate_limited" }, forMs: 15_000 });
    reader.stdout(JSON.stringify(finish("stop", some)), false);
    expect(reader.waiting?.()).toBeNull();
  });

  it("are progress, with the provider's words", () => {
    expect(read([], [log("Overloaded"), log("Overloaded")]).events).toEqual([
      { type: "progress", text: "provider: Overloaded; failure 1" },
      { type: "progress", text: "provider: Overloaded; failure 2" },
    ]);
  });

  it("are forgotten once a step has ended", () => {
    const { reader } = read([]);
    for (let round = 0; round < 3; round += 1) {
      reader.stderr(log("Overloaded"), false);
      reader.stderr(log("Overloaded"), false);
      reader.stdout(JSON.stringify(finish("stop", some)), false);
    }
    expect(reader.fatal?.()).toBeNull();
    expect(reader.end().terminal).toBe("success");
  });

  it("other lines of the log are stderr, whatever they say", () => {
    const line =
      'timestamp=2026-11-24T11:29:11.591Z level=ERROR run=d2 message=x error="Error: Session not found"';
    const { events, reader } = read([], [line]);
    expect(events).toEqual([{ type: "stderr", text: line }]);
    expect(reader.end().error).toBeNull();
  });
});

it("keeps nothing without bound", () => {
  const refused = Array.from({ length: 300 }, (_, n) =>
    tool(`t${n}`, { status: "error", error: "a rule which prevents you" }),
  );
  expect(read(refused).reader.end().deniedTools).toHaveLength(100);
});

it("says that the run has ended with its last step or its error, and takes it back if another step begins", () => {
  const working = [start, tool("bash", {}), finish("tool-calls", some)];
  const answering = [start, text("Done."), finish("stop", some)];
  expect(read(working).events).not.toContainEqual({ type: "ended" });
  expect(read([...working, ...answering]).events.at(-1)).toEqual({ type: "ended" });
  expect(read([...answering, start]).events.at(-1)).toMatchObject({ type: "progress" });
  expect(read([failure({ name: "APIError" })]).events.at(-1)).toEqual({ type: "ended" });
});
