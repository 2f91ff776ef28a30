import { describe, expect, it } from "vitest";
import { codexUsageFiles } from "./usage-files.ts";

/** As Codex 0.169.0 writes them. */
const tokens = (input: number, cached: number, output: number) => ({
  input_tokens: input,
  cached_input_tokens: cached,
  cache_write_input_tokens: 0,
  output_tokens: output,
  reasoning_output_tokens: 0,
  total_tokens: input + output,
});
type Tokens = ReturnType<typeof tokens>;
const line = (ordinal: number, type: string, payload: object) =>
  JSON.stringify({ timestamp: "2026-11-29T21:21:03.044Z", ordinal, type, payload });
const record = (id: string, usage: Tokens) => {
  const payload = {
    thread_id: "t",
    turn_id: "u",
    session_id: "t",
    root_turn_id: "u",
    response_id: id,
    usage,
  };
  return line(10, "token_usage_record", { ...payload, turn_token_usage: usage, thread_token_usage: usage });
};
const count = (last: Tokens, total: Tokens) => {
  const info = { total_token_usage: total, last_token_usage: last, model_context_window: 258400 };
  return line(13, "event_msg", { type: "token_count", info, rate_limits: { limit_id: "codex" } });
};

function read(lines: readonly string[], file = "rollout-a.jsonl") {
  const reader = codexUsageFiles.createReader();
  for (const text of lines) reader.line(file, text);
  return reader;
}

describe("the tokens in the files of a session", () => {
  it("are the sum of the answers, each counted once, wherever it is copied to", () => {
    const reader = read([
      line(5, "turn_context", { turn_id: "u", model: "gpt-5.5" }),
      record("r1", tokens(2200, 1000, 30)),
      count(tokens(2200, 1000, 30), tokens(2200, 1000, 30)),
      record("r2", tokens(4200, 2000, 40)),
    ]);
    reader.line("rollout-sub-agent.jsonl", record("r2", tokens(4200, 2000, 40)));
    expect(reader.usage()).toEqual({ inputTokens: 3400, cachedInputTokens: 3000, outputTokens: 70 });
    expect(reader.model()).toBe("gpt-5.5");
  });

  it("are what the totals grew by, where no answer has a record of its own", () => {
    const reader = read([
      count(tokens(100, 0, 10), tokens(1100, 500, 60)),
      count(tokens(100, 0, 10), tokens(1100, 500, 60)),
      count(tokens(200, 0, 20), tokens(1300, 500, 80)),
    ]);
    expect(reader.usage()).toEqual({ inputTokens: 300, cachedInputTokens: 0, outputTokens: 30 });
  });

  it.each([
    "",
    "not JSON with token_usage_record",
    '{"type":"token_usage_record"}',
    '{"type":"token_usage_record","payload":{"response_id":7,"usage":[]}}',
    '{"type":"event_msg","payload":{"type":"token_count","info":null}}',
    '{"type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":-1}}}}',
  ])("are unknown after %j", (text) => {
    expect(read([text]).usage()).toBeNull();
  });
});

it.each([
  ["rollout-2026-11-29T21-21-02-abc.jsonl", "own", null, true],
  ["rollout-2026-11-29T21-21-02-abc.jsonl", "user", "abc", true],
  ["rollout-2026-11-29T21-21-02-abc.jsonl", "user", "other", false],
  ["rollout-2026-11-29T21-21-02-abc.jsonl", "user", null, false],
  ["history.jsonl", "own", null, false],
] as const)("%s in the HOME of %s is a file of session %s: %s", (name, home, session, expected) => {
  expect(codexUsageFiles.belongs(name, { home, session })).toBe(expected);
});

it("they are in CODEX_HOME, or below HOME", () => {
  expect(codexUsageFiles.directory({ HOME: "/h" })).toBe("/h/.codex/sessions");
  expect(codexUsageFiles.directory({ HOME: "/h", CODEX_HOME: "/c" })).toBe("/c/sessions");
});
