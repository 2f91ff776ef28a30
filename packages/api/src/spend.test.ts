import { expect, it } from "vitest";
import { spendDocument, spendRange, type SpendAsked } from "./spend.ts";

const nothingMetered = { sinceAt: 0, untilAt: 0, workers: [], models: [], tenants: [] };

const at = (text: string): number => Date.parse(`2026-${text}Z`);
const now = at("05-10T12:34");

it.each<[string, SpendAsked, string, string, number]>([
  ["the last 30 days, with today", {}, "04-11T00:00", "05-11T00:00", 30],
  ["the last 24 hours, with this one", { bucket: "hour" }, "05-09T13:00", "05-10T13:00", 24],
  [
    "whole hours",
    { bucket: "hour", since: at("05-10T01:59"), until: at("05-10T02:01") },
    "05-10T01:00",
    "05-10T03:00",
    2,
  ],
  ["one whole day", { since: at("05-01T00:00"), until: at("05-02T00:00") }, "05-01T00:00", "05-02T00:00", 1],
])("spend is asked for %s", (_what, asked, since, until, count) => {
  const range = spendRange(asked, now);
  expect([range.since, range.until]).toEqual([at(since), at(until)]);
  expect(spendDocument(range, [], nothingMetered).buckets).toHaveLength(count);
});

it.each<[string, SpendAsked, RegExp]>([
  ["nothing", { since: now, until: now - 1 }, /since: not before `until`/],
  ["what is to come", { since: now + 86_400_000 }, /since: not before `until`/],
  ["too many hours", { bucket: "hour", since: at("01-01T00:00") }, /more than 750 hours; .*for days/],
  ["too many days", { since: 0 }, /more than 750 days; ask for less time/],
])("%s is refused", (_what, asked, message) => {
  expect(() => spendRange(asked, now)).toThrow(message);
});

it("has every hour, with the whole and the part of each worker, whatever a worker is called", () => {
  const range = spendRange({ bucket: "hour", since: at("05-01T00:00"), until: at("05-01T03:00") }, now);
  const { buckets } = spendDocument(
    range,
    [
      { at: at("05-01T01:00"), scope: "global", costUsd: 0.5, tokens: 10 },
      { at: at("05-01T01:00"), scope: "worker:claude", costUsd: 0.3, tokens: 8 },
      { at: at("05-01T01:00"), scope: "worker:__proto__", costUsd: 0.2, tokens: 2 },
    ],
    nothingMetered,
  );
  expect(buckets.map(({ costUsd, tokens }) => [costUsd, tokens])).toEqual([
    [0, 0],
    [0.5, 10],
    [0, 0],
  ]);
  expect(Object.entries(buckets[1]!.workers)).toEqual([
    ["claude", { costUsd: 0.3, tokens: 8 }],
    ["__proto__", { costUsd: 0.2, tokens: 2 }],
  ]);
});
