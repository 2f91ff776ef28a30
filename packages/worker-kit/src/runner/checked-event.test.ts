import { eventTextCharsMax, unknownUsage, type WorkerEvent, type WorkerReport } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { checkedEvent, checkedReport } from "./checked-event.ts";

const long = "x".repeat(eventTextCharsMax + 5);
const cut = "x".repeat(eventTextCharsMax);

describe("an event from an adapter", () => {
  it.each<[WorkerEvent, WorkerEvent]>([
    [
      { type: "text", text: long },
      { type: "text", text: cut, truncated: true },
    ],
    [
      { type: "progress", text: long },
      { type: "progress", text: cut },
    ],
    [
      { type: "denied", tool: "t", text: long },
      { type: "denied", tool: "t", text: cut },
    ],
    [
      { type: "tool_result", id: "1", ok: true, exitCode: 0, summary: long },
      { type: "tool_result", id: "1", ok: true, exitCode: 0, summary: cut, truncated: true },
    ],
    [
      { type: "tool_call", id: "1", tool: "t", summary: long, command: long },
      { type: "tool_call", id: "1", tool: "t", summary: cut, command: cut },
    ],
  ])("has its text cut where it is too long", (event, expected) => {
    expect(checkedEvent(event)).toEqual(expected);
  });

  it("is left alone otherwise", () => {
    const event: WorkerEvent = { type: "stdout", text: cut };
    expect(checkedEvent(event)).toBe(event);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, "1"])("with the cost %s has none", (costUsd) => {
    const event = { type: "usage", usage: unknownUsage, costUsd } as WorkerEvent;
    expect(checkedEvent(event)).toEqual({ type: "usage", usage: unknownUsage, costUsd: null });
  });

  it("with token counts that are none has unknown ones", () => {
    const usage = { inputTokens: -5, cachedInputTokens: 0, outputTokens: 1.5 };
    expect(checkedEvent({ type: "usage", usage, costUsd: 1 })).toEqual({
      type: "usage",
      usage: unknownUsage,
      costUsd: 1,
    });
  });

  it("that is none is refused", () => {
    expect(() => checkedEvent({ type: "dance" } as never)).toThrow(
      'must be an object whose "type" is one of started, text',
    );
  });
});

describe("an event that is not one of the contract is refused with its field:", () => {
  it.each<[object | null | undefined, string]>([
    [
      { type: "file_change", file: "a", change: "create" },
      'event "file_change": field "path" is missing; it must be a string; field "file" is not part of the contract; leave it out',
    ],
    [{ type: "text", text: 5 }, 'event "text": field "text" must be a string, got number'],
    [{ type: "tool_call", tool: "sh", summary: "" }, 'event "tool_call": field "id" is missing'],
    [{ type: "tool_result", id: "1", ok: 1, exitCode: 0, summary: "" }, 'field "ok" must be a boolean'],
    [{ type: "usage", usage: unknownUsage, costUsd: 1, cost: 1 }, 'field "cost" is not part of the contract'],
    [{ type: "probe" }, 'event must be an object whose "type" is one of started'],
    [null, 'event must be an object whose "type" is one of started'],
    [undefined, 'event must be an object whose "type" is one of started'],
  ])("%j", (event, message) => {
    expect(() => checkedEvent(event as never)).toThrow(message);
  });
});

describe("the report of an adapter", () => {
  const report: WorkerReport = {
    terminal: "success",
    error: null,
    deniedTools: [],
    summary: "",
    session: null,
    model: null,
    usage: unknownUsage,
    costUsd: 1,
    costBasis: "reported",
    malformedLines: 0,
  };

  it("keeps what makes sense and loses numbers that do not", () => {
    expect(checkedReport(report)).toEqual(report);
    expect(checkedReport({ ...report, costUsd: -1 }).costUsd).toBeNull();
    expect(checkedReport({ ...report, usage: { ...unknownUsage, inputTokens: -1 } }).usage).toEqual(
      unknownUsage,
    );
  });

  it.each([{ terminal: "maybe" }, { error: { class: "bad luck" } }, { summary: 5 }, { deniedTools: null }])(
    "with %j is refused",
    (members) => {
      expect(() => checkedReport({ ...report, ...members } as never)).toThrow("not one of the contract");
    },
  );
});
