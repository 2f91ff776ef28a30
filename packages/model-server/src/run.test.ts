import { describe, expect, it } from "vitest";
import type { ModelRequest } from "./request.ts";
import { isTitleCall, ScriptedRun, turnNumber } from "./run.ts";
import type { Repeat } from "./script.ts";

function request(overrides: Partial<ModelRequest> = {}): ModelRequest {
  return {
    protocol: "openai-chat",
    key: "k",
    model: "m",
    stream: true,
    system: "",
    messages: [],
    tools: [{ name: "bash", type: "function", properties: [] }],
    headers: {},
    receivedAtMs: 0,
    ...overrides,
  };
}

describe("which turn answers a request", () => {
  const cases: readonly {
    repeats: readonly (Repeat | undefined)[];
    expected: readonly (number | undefined)[];
  }[] = [
    { repeats: [undefined], expected: [0, undefined, undefined] },
    { repeats: [undefined, undefined], expected: [0, 1, undefined] },
    { repeats: [2, undefined], expected: [0, 0, 1, undefined] },
    { repeats: ["forever", undefined], expected: [0, 0, 0, 0] },
    { repeats: [undefined, "forever"], expected: [0, 1, 1, 1] },
  ];
  it.each(cases)("repeats $repeats give $expected", ({ repeats, expected }) => {
    expect(expected.map((_, index) => turnNumber(repeats, index))).toEqual(expected);
  });
});

it("a title call is one without tools whose system text speaks of titles", () => {
  expect(isTitleCall(request({ tools: [], system: "You are a title generator." }))).toBe(true);
  expect(isTitleCall(request({ tools: [], system: "You are an agent." }))).toBe(false);
  expect(isTitleCall(request({ system: "You are a title generator." }))).toBe(false);
});

it("a title call does not use up a turn", () => {
  const run = new ScriptedRun("k", [{ text: "hello" }], 10);
  expect(run.answer(request({ tools: [], system: "You are a title generator." })).type).toBe("title");
  expect(run.answer(request())).toEqual({ type: "turn", turn: { text: "hello" } });
  expect(run.requests.map((each) => each.answeredBy)).toEqual(["title", 0]);
});

it("a request after the last turn is refused and recorded", () => {
  const run = new ScriptedRun("k", [{ text: "hello" }], 10);
  run.answer(request());
  expect(run.answer(request())).toEqual({ type: "refused", message: "the script has no turn for request 2" });
  expect(run.requests.map((each) => each.answeredBy)).toEqual([0, "script-ended"]);
});

it("requests over the limit are refused, counted and not kept", () => {
  const run = new ScriptedRun("k", [{ text: "again", repeat: "forever" }], 3);
  const types = [1, 2, 3, 4, 5].map(() => run.answer(request()).type);
  expect(types).toEqual(["turn", "turn", "turn", "refused", "refused"]);
  expect(run.requests).toHaveLength(3);
  expect(run.refused).toBe(2);
});

it("a script function sees the request and its number", () => {
  const run = new ScriptedRun("k", (asked, index) => ({ text: `${asked.model} ${index}` }), 10);
  run.answer(request());
  expect(run.answer(request({ model: "other" }))).toEqual({ type: "turn", turn: { text: "other 1" } });
});

it("asked() settles once that many requests have come, and at once when they already have", async () => {
  const run = new ScriptedRun("k", [{ text: "x", repeat: "forever" }], 10);
  let settled = false;
  const second = run.asked(2).then(() => {
    settled = true;
  });
  run.answer(request());
  await Promise.resolve();
  expect(settled).toBe(false);
  run.answer(request());
  await second;
  await run.asked(1);
  expect(settled).toBe(true);
});
